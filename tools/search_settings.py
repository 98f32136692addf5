#!/usr/bin/env python3
"""Which settings of the learning methods are best, judged on labelled images that neither calibrate nor validate: those of the calibration
folder behind the first ones.

    tools/search_settings.py --adaq-run build/release/adaq-run --weights r18.pth --calib DIR --results FILE.json [--iters 300] \\
        [--widths W4A4 W2A4 W2A2] [--seeds 0] [--math bf16] [--candidates 'pdquant' 'pdquant --lr 1e-2' ...] [--limit MINUTES]

A candidate is a method and its options. Every run's top-1 is kept in FILE.json under its options; what is there is not run again. Prints a
Markdown table: the mean over seeds for each width, and of all widths.
"""
import argparse
import json
import os
import pathlib
import shlex
import statistics
import sys
import tempfile
import time

from adaq_report import adaq_report

CANDIDATES = ["brecq", "qdrop", "pdquant", "pdquant --lr 1e-2", "pdquant --lr-scale 4e-4", "pdquant --lr 1e-2 --lr-scale 4e-4"]


def held_out(calib, used):
    """The images behind the first `used` of a class folder, one of each class in turn, as adaq and torchvision's order have them: (class, path)."""
    images = []
    for folder in sorted(p for p in calib.iterdir() if p.is_dir()):
        images += [(rank, folder.name, path) for rank, path in enumerate(sorted(folder.iterdir()))]
    images.sort(key=lambda image: image[0])  # stable: classes stay in order
    return [(name, path) for _, name, path in images[used:]]


def link(images, classes, folder):
    for name in classes:
        (folder / name).mkdir()
    for name, path in images:
        os.symlink(path.resolve(), folder / name / path.name)


def top1(args, val, words):
    report = adaq_report([args.adaq_run, "--weights", args.weights, "--calib", args.calib, "--images", str(args.images), "--val", str(val), "--device",
                          "cpu", "--threads", str(args.threads), *words])
    return {"top1": round(100 * report["accuracy"]["quantised"]["top1"]["share"], 3), "seconds": round(report["seconds"]["reconstruct"], 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for option in ("adaq-run", "weights", "calib", "results"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--candidates", nargs="+", default=CANDIDATES)
    parser.add_argument("--widths", nargs="+", default=["W4A4", "W2A4", "W2A2"])
    parser.add_argument("--iters", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--images", type=int, default=1024, help="that calibrate; those behind them judge")
    parser.add_argument("--math", default="fp32")
    parser.add_argument("--threads", type=int, default=0, help="0: every core")
    parser.add_argument("--limit", type=float, default=float("inf"), help="minutes after which no run is started any more")
    args = parser.parse_args()
    calib, path, started = pathlib.Path(args.calib), pathlib.Path(args.results), time.time()
    rows = json.loads(path.read_text()) if path.exists() else {}
    means = {}
    with tempfile.TemporaryDirectory() as folder:
        link(held_out(calib, args.images), [p.name for p in calib.iterdir() if p.is_dir()], pathlib.Path(folder))
        for candidate in args.candidates:
            for width in args.widths:
                found = []
                for seed in args.seeds:
                    w, a = width[1:].split("A")
                    words = ["--w", w, "--a", a, "--head-stem-8bit", "--iters", str(args.iters), "--seed", str(seed), "--math", args.math, "--method",
                             *shlex.split(candidate)]
                    key = " ".join(words)
                    if key not in rows and time.time() - started < 60 * args.limit:
                        rows[key] = top1(args, folder, words)
                        path.write_text(json.dumps(rows, indent=1) + "\n")
                        print(f"{key}: {rows[key]}", file=sys.stderr, flush=True)
                    found += [rows[key]["top1"]] if key in rows else []
                means[candidate, width] = statistics.mean(found) if len(found) == len(args.seeds) else None
    print(f"| {args.iters:,} iterations | " + " | ".join(args.widths) + " | mean |\n" + "| --- " * (len(args.widths) + 2) + "|")
    for candidate in args.candidates:
        found = [means[candidate, width] for width in args.widths]
        shown = [f"{v:.2f}" if v is not None else "–" for v in found + [statistics.mean(found) if None not in found else None]]
        print(f"| `{candidate}` | " + " | ".join(shown) + " |")


if __name__ == "__main__":
    main()
