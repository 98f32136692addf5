#!/usr/bin/env python3
"""A whole run of a method in adaq beside the yardstick's, on the same model, images and threads, in turns.

    tools/compare_speed.py --adaq-run build/release/adaq-run --yardstick YARDSTICK.py --weights r18.pth --calib DIR --val DIR --iters 300 \\
        [--method brecq --w 2 --a 32 --head-stem-8bit]

Prints a Markdown table (docs/speed.md holds it): seconds of the reconstruction as each program counts them, of the whole process by the wall
clock, and of its processors, the least of all rounds, and the yardstick's over adaq's. Needs torch and torchvision for the yardstick.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time


def timed(command, environment):
    """Standard output, and seconds by the clock and of the processors."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, **environment}).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return output, time.monotonic() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def options(args):
    return ["--weights", args.weights, "--calib", args.calib, "--val", args.val, "--w", str(args.w), "--a", str(args.a), "--method", args.method,
            "--iters", str(args.iters), "--threads", str(args.threads), *(["--head-stem-8bit"] if args.head_stem_8bit else [])]


def run_adaq(args, math):
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        _, wall, processors = timed([args.adaq_run, *options(args), "--device", "cpu", "--math", math, "--report", str(report)], {})
        report = json.loads(report.read_text())
    return dict(reconstruction=report["seconds"]["reconstruct"], whole=wall, processors=processors, top1=100 * report["accuracy"]["quantised"]["top1"]["share"])


def run_yardstick(args):
    output, wall, processors = timed([sys.executable, args.yardstick, *options(args)], {"OMP_NUM_THREADS": str(args.threads)})
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    # What it calls reconstruct_seconds has the last evaluation in it: the seconds of its units are what is learned in.
    return dict(reconstruction=sum(line["seconds"] for line in lines if "unit" in line), whole=wall, processors=processors, top1=lines[-1]["result"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("adaq-run", "yardstick", "weights", "calib", "val"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--method", default="adaround")
    parser.add_argument("--w", type=int, default=4)
    parser.add_argument("--a", type=int, default=32)
    parser.add_argument("--head-stem-8bit", action="store_true")
    parser.add_argument("--iters", type=int, default=300, help="iterations a unit, of both")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2, help="how often each takes its turn")
    parser.add_argument("--math", nargs="+", default=["fp32", "bf16"])
    args = parser.parse_args()
    programs = {"yardstick": lambda: run_yardstick(args), **{f"adaq {math}": lambda math=math: run_adaq(args, math) for math in args.math}}
    found = {name: [] for name in programs}
    for _ in range(args.rounds):
        for name, run in programs.items():
            found[name].append(run())
            print(name, found[name][-1], file=sys.stderr, flush=True)
    columns = ("reconstruction", "whole", "processors")
    least = {name: {column: min(run[column] for run in runs) for column in columns} for name, runs in found.items()}
    print(f"| {args.method} W{args.w}A{args.a}, {args.iters} iterations, {args.threads} threads | " + " | ".join(f"{column}, s | ratio" for column in columns) + " | top-1 |")
    print("| --- " * (2 + 2 * len(columns)) + "|")
    for name, seconds in least.items():
        cells = [f"{seconds[c]:.1f} | {least['yardstick'][c] / seconds[c]:.2f}×" for c in columns]
        print(f"| {name} | " + " | ".join(cells) + f" | {found[name][0]['top1']:.2f} |")


if __name__ == "__main__":
    main()
