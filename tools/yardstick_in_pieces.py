"""The yardstick's range search on pieces that stay in a processor's cache.

The yardstick scores one candidate after the other over a whole tensor, which at 8 bits (25,600 candidates) takes it hours. Here its own
functions choose the candidates and quantise (its `fake` is what is called), but each piece of at most PIECE elements meets all candidates
while it is in the cache, pieces are shared among processes, and their float64 sums are added up. The answer differs from the yardstick's
only where two candidates' scores agree to the last digits of a float64. With a cache folder every answer is computed once.

Needs torch. Used by compare_schemes.py and compare_accuracy.py.
"""
import hashlib
import multiprocessing
import os
import pathlib

import torch

JOINT = ("norm", "norm-legacy")
SLOW = ("orgnorm", "norm-legacy")
PIECE = 147456
_work = None  # what the processes of one search share by fork


def candidates(yardstick, x, bits, scheme, p):
    """Scales and zero points [candidates, groups] in the order in which the yardstick tries them."""
    seen, own = [], yardstick.fake

    def record(x, s, z, bits, one_sided):
        seen.append((s.expand(len(x), 1).flatten().clone(), z.expand(len(x), 1).flatten().clone()))
        return x

    ends = x if scheme in JOINT else torch.cat([x.amin(1, keepdim=True), x.amax(1, keepdim=True)], 1)
    yardstick.fake = record
    try:
        one_sided = yardstick.choose(ends, bits, scheme, p)[2]
    finally:
        yardstick.fake = own
    return torch.stack([s for s, _ in seen]), torch.stack([z for _, z in seen]), one_sided


def score_piece(piece):
    """Sum of |x-hat - x|^p of a block of rows and columns, for every candidate: [candidates, rows] in float64."""
    torch.set_num_threads(1)
    yardstick, x, s, z, bits, one_sided, p = _work
    rows, columns = piece
    part = x[rows, columns].contiguous()
    scores = torch.empty(len(s), len(part), dtype=torch.float64)
    for c in range(len(s)):
        error = (yardstick.fake(part, s[c, rows, None], z[c, rows, None], bits, one_sided) - part).abs().pow(p)
        scores[c] = error.sum(1, dtype=torch.float64)
    return rows, scores.numpy()


def search(yardstick, x, bits, scheme, p):
    global _work
    s, z, one_sided = candidates(yardstick, x, bits, scheme, p)
    groups, elements = x.shape
    width = min(elements, PIECE)
    height = max(1, PIECE // width)
    pieces = [(slice(r, r + height), slice(c, c + width)) for r in range(0, groups, height) for c in range(0, elements, width)]
    _work = (yardstick, x, s, z, bits, one_sided, p)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # processes are forked, and OpenMP's threads do not survive that
    total = torch.zeros(len(s), groups, dtype=torch.float64)
    with multiprocessing.get_context("fork").Pool(len(os.sched_getaffinity(0))) as pool:
        for rows, scores in pool.imap(score_piece, pieces):
            total[:, rows] += torch.from_numpy(scores)
    torch.set_num_threads(threads)
    if scheme in JOINT:
        total = total.sum(1, keepdim=True).expand_as(total)
    best = torch.from_numpy(total.numpy().argmin(0))  # numpy's is the first of equals
    return s.gather(0, best[None]).T, z.gather(0, best[None]).T, one_sided


def install(yardstick, cache=None):
    """Lets the yardstick's choose_range search weights in pieces where it would be slow (orgnorm, norm-legacy)."""
    yardstick.choose = yardstick.choose_range

    def choose_range(x, bits, scheme, p=2.4):
        if scheme not in SLOW:
            return yardstick.choose(x, bits, scheme, p)
        p = 2.4 if scheme == "orgnorm" else p
        key = hashlib.sha256(repr((tuple(x.shape), bits, scheme, p)).encode() + x.contiguous().numpy().tobytes()).hexdigest()[:24]
        path = pathlib.Path(cache) / f"{key}.pt" if cache else None
        if path and path.exists():
            return torch.load(path)
        answer = search(yardstick, x, bits, scheme, p)
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(answer, path)
        return answer

    yardstick.choose_range = choose_range
