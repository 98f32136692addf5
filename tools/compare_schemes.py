#!/usr/bin/env python3
"""Sets adaq's range schemes beside the yardstick's on the weights of a model and writes the table of docs/schemes.md.

    tools/compare_schemes.py --yardstick YARDSTICK.py --weights MODEL.pth --bench build/release/adaq-bench --cache DIR

For every scheme, 4 and 8 bits, per channel and per layer, over all convolution and fully connected weights: how many
groups got the same scale and zero point, by how much a group's score (for schemes that score jointly, the tensor's) is
worse or better than the yardstick's, and both times. Scores are computed here, in float64, for both answers alike.

With --cache DIR the yardstick's `orgnorm` and `norm-legacy` are searched in pieces (yardstick_in_pieces.py), each once: half an
hour on two cores instead of hours. They get no time then, since it is not the yardstick's own.
Needs torch.
"""
import argparse
import json
import subprocess
import time

import torch

import yardstick_in_pieces
from yardstick_module import load_yardstick

JOINT = ("norm", "norm-legacy")
SCHEMES = ("absmax", "minmax", "norm", "norm-legacy", "orgnorm", "lp")


def run_bench(args, scheme, bits, granularity):
    """adaq's answers by tensor name."""
    command = [args.bench, "schemes", "--weights", args.weights, "--scheme", scheme, "--bits", str(bits),
               "--granularity", granularity, "--threads", str(args.threads)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {r["tensor"]: r for r in map(json.loads, out.splitlines())}


def group_scores(x, scale, zero_point, bits, one_sided):
    """Sum of |x-hat - x|^2.4 of each group in float64, the quantiser in float32."""
    qmin, qmax = (0, 2 ** bits - 1) if one_sided else (-2 ** (bits - 1), 2 ** (bits - 1) - 1)
    s, z = scale.view(-1, 1), zero_point.view(-1, 1)
    quantised = (torch.clamp(torch.round(x / s) + z, qmin, qmax) - z) * s
    return (quantised.double() - x.double()).abs().pow(2.4).sum(1)


def compare(x, theirs, ours, bits, scheme):
    """Groups, groups with the same answer, and the range of score ratios ours / theirs."""
    s, z, one_sided = theirs
    s, z = s.flatten(), z.flatten()
    os, oz = torch.tensor(ours["scale"]), torch.tensor(ours["zero_point"])
    same = (s == os) & (z == oz)
    a, b = group_scores(x, os, oz, bits, one_sided), group_scores(x, s, z, bits, one_sided)
    if scheme in JOINT:
        a, b = a.sum(0, keepdim=True), b.sum(0, keepdim=True)
    ratio = torch.where(b > 0, a / b, torch.ones_like(a))
    return len(same), int(same.sum()), ratio.min().item(), ratio.max().item()


def row(args, yardstick, weights, scheme, bits, granularity):
    """A line of the table."""
    ours = run_bench(args, scheme, bits, granularity)
    groups = same = 0
    low, high, seconds = 1.0, 1.0, 0.0
    for name, w in weights.items():
        x = w.flatten(1) if granularity == "channel" else w.reshape(1, -1)
        start = time.perf_counter()
        theirs = yardstick.choose_range(x, bits, scheme)
        seconds += time.perf_counter() - start
        n, equal, worst_low, worst_high = compare(x, theirs, ours[name], bits, scheme)
        groups, same = groups + n, same + equal
        low, high = min(low, worst_low), max(high, worst_high)
    our_seconds = sum(r["seconds"] for r in ours.values())
    untimed = args.cache and scheme in yardstick_in_pieces.SLOW
    times = f"– | {our_seconds:.3g} | –" if untimed else f"{seconds:.3g} | {our_seconds:.3g} | {seconds / our_seconds:.3g}"
    return f"| {scheme} | {bits} | {granularity} | {groups} | {same} | {low - 1:+.1e} … {high - 1:+.1e} | {times} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yardstick", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--bench", required=True, help="the program adaq-bench")
    parser.add_argument("--out", help="also write the table to this file")
    parser.add_argument("--schemes", nargs="+", default=SCHEMES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", help="search the slow schemes in pieces and keep the answers in this folder")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    yardstick = load_yardstick(args.yardstick)
    if args.cache:
        yardstick_in_pieces.install(yardstick, args.cache)
    state = torch.load(args.weights, map_location="cpu")
    weights = {n: w for n, w in state.items() if n.endswith(".weight") and w.dim() in (2, 4)}
    lines = ["| scheme | bits | groups are | groups | same range | score, ours / theirs − 1 | yardstick s | adaq s | ratio |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    print("\n".join(lines), flush=True)
    for scheme in args.schemes:
        for granularity in ("channel", "layer"):
            for bits in (4, 8):
                lines.append(row(args, yardstick, weights, scheme, bits, granularity))
                print(lines[-1], flush=True)
    if args.out:
        with open(args.out, "w") as f:
            f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
