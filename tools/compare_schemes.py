#!/usr/bin/env python3
"""Sets adaq's range schemes beside the yardstick's on the weights of a model and writes the table of docs/schemes.md.

    python3 tools/compare_schemes.py --yardstick YARDSTICK.py --weights MODEL.pth --bench build/adaq-bench --out docs/schemes-table.md

For every scheme, 4 and 8 bits, per channel and per layer, over all convolution and fully connected weights: how many
groups got the same scale and zero point, by how much a group's score (for schemes that score jointly, the tensor's) is
worse or better than the yardstick's, and both times. Scores are computed here, in float64, for both answers alike.

The yardstick would take an hour for `orgnorm` at 8 bits. There agreement is measured on --slice channels of every tensor
(per channel) or on the tensors of at most --small elements (per layer). Its time is that of the same tensors at 4 bits
times 16, since it tries 25,600 candidates instead of 1,600 and a candidate's cost does not depend on the bits; adaq's
time is measured, on everything. Rows made so are marked *. `norm-legacy` per layer, whose candidates grow with the tensor,
is compared and timed on the tensors of at most --medium elements; those rows are marked **.
Needs torch.
"""
import argparse, importlib.util, json, subprocess, time
import torch

JOINT = ("norm", "norm-legacy")
SCHEMES = ("absmax", "minmax", "norm", "norm-legacy", "orgnorm", "lp")


def load_yardstick(path):
    spec = importlib.util.spec_from_file_location("yardstick", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_bench(args, scheme, bits, granularity, tensors=(), channels=0):
    """adaq's answers by tensor name."""
    command = [args.bench, "schemes", "--weights", args.weights, "--scheme", scheme, "--bits", str(bits),
               "--granularity", granularity, "--channels", str(channels), "--threads", str(args.threads)]
    for name in tensors:
        command += ["--tensor", name]
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


def part_of(args, weights, scheme, bits, granularity):
    """What is compared: names, channels of each (0: all), mark of the row."""
    if scheme == "orgnorm" and bits == 8:
        if granularity == "channel":
            return list(weights), args.slice, " *"
        return [n for n in weights if weights[n].numel() <= args.small], 0, " *"
    if scheme == "norm-legacy" and granularity == "layer":
        return [n for n in weights if weights[n].numel() <= args.medium], 0, " **"
    return list(weights), 0, ""


def row(args, yardstick, weights, scheme, bits, granularity, yardstick_seconds=None):
    """A line of the table, and the yardstick's seconds. Those given stand for all tensors: adaq is then timed on all."""
    names, channels, mark = part_of(args, weights, scheme, bits, granularity)
    ours = run_bench(args, scheme, bits, granularity, names, channels)
    timed = run_bench(args, scheme, bits, granularity) if yardstick_seconds else ours
    groups = same = 0
    low, high, seconds = 1.0, 1.0, 0.0
    for name in names:
        w = weights[name][:channels] if channels else weights[name]
        x = w.flatten(1) if granularity == "channel" else w.reshape(1, -1)
        start = time.perf_counter()
        theirs = yardstick.choose_range(x, bits, scheme)
        seconds += time.perf_counter() - start
        n, equal, worst_low, worst_high = compare(x, theirs, ours[name], bits, scheme)
        groups, same = groups + n, same + equal
        low, high = min(low, worst_low), max(high, worst_high)
    seconds = yardstick_seconds or seconds
    our_seconds = sum(r["seconds"] for r in timed.values())
    return (f"| {scheme} | {bits} | {granularity}{mark} | {groups} | {same} | {low - 1:+.1e} … {high - 1:+.1e} | {seconds:.3g} | "
            f"{our_seconds:.3g} | {seconds / our_seconds:.3g} |"), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yardstick", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--bench", required=True, help="the program adaq-bench")
    parser.add_argument("--out", help="also write the table to this file")
    parser.add_argument("--schemes", nargs="+", default=SCHEMES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--slice", type=int, default=4, help="channels a tensor for orgnorm at 8 bits, per channel")
    parser.add_argument("--small", type=int, default=40000, help="elements of the largest tensor for orgnorm at 8 bits, per layer")
    parser.add_argument("--medium", type=int, default=150000, help="elements of the largest tensor for norm-legacy, per layer")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    yardstick = load_yardstick(args.yardstick)
    state = torch.load(args.weights, map_location="cpu")
    weights = {n: w for n, w in state.items() if n.endswith(".weight") and w.dim() in (2, 4)}
    lines = ["| scheme | bits | groups are | groups | same range | score, ours / theirs − 1 | yardstick s | adaq s | ratio |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    print("\n".join(lines), flush=True)
    for scheme in args.schemes:
        for granularity in ("channel", "layer"):
            seconds = None
            for bits in (4, 8):
                line, seconds = row(args, yardstick, weights, scheme, bits, granularity,
                                    16 * seconds if scheme == "orgnorm" and bits == 8 else None)
                lines.append(line)
                print(line, flush=True)
    if args.out:
        with open(args.out, "w") as f:
            f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
