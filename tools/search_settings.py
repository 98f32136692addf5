#!/usr/bin/env python3
"""Which settings of the learning methods are best, judged on labelled images that neither calibrate nor validate: those of the calibration
folder behind the first ones.

    tools/search_settings.py --adaq-run build/release/adaq-run --weights r18.pth --calib DIR --results FILE.json [--iters 300] \\
        [--widths W4A4 W2A4 W2A2] [--seeds 0] [--math bf16] [--candidates 'pdquant' 'pdquant --lr 1e-2' ...] [--limit MINUTES]

A candidate is a method and its options; --iters among them takes the place of the tool's own. Every run's top-1 (%), the mean KL(float
prediction || quantised prediction) over the same images (nats) and the seconds of learning are kept in FILE.json under its options; what is
there is not run again. The divergence tells candidates apart that top-1 on a thousand images cannot: it is of every image's whole prediction.
Prints a Markdown table: the means over seeds for each width, and of all widths.
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

import numpy as np

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


def log_softmax(logits):
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


class Judge:
    """Runs adaq-run on the calibration images and judges it on the others."""

    def __init__(self, args, folder):
        self.args, self.folder = args, pathlib.Path(folder)
        self.val = self.folder / "val"
        self.val.mkdir()
        calib = pathlib.Path(args.calib)
        link(held_out(calib, args.images), [p.name for p in calib.iterdir() if p.is_dir()], self.val)
        self.float = None

    def run(self, words):
        args, logits = self.args, self.folder / "logits.npy"
        report = adaq_report([args.adaq_run, "--weights", args.weights, "--calib", args.calib, "--images", str(args.images), "--val", str(self.val),
                              "--device", "cpu", "--threads", str(args.threads), "--logits", str(logits), *words])
        return report, log_softmax(np.load(logits))

    def judge(self, words):
        if self.float is None:
            self.float = self.run(["--float"])[1]
        report, quantised = self.run(words)
        kl = (np.exp(self.float) * (self.float - quantised)).sum(axis=1).mean()
        return {"top1": round(100 * report["accuracy"]["quantised"]["top1"]["share"], 3), "kl": round(float(kl), 5),
                "seconds": round(report["seconds"]["reconstruct"], 1)}


def runs(args, judge, rows, path, started, candidate, width):
    """A candidate's results at a width, one a seed; none where one of them is missing and may not be made any more."""
    w, a = width[1:].split("A")
    found = []
    for seed in args.seeds:
        words = ["--w", w, "--a", a, "--head-stem-8bit", "--seed", str(seed), "--math", args.math, "--method", *shlex.split(candidate)]
        if "--iters" not in words:
            words += ["--iters", str(args.iters)]
        key = " ".join(words)
        if key not in rows:
            if time.time() - started > 60 * args.limit:
                return []
            rows[key] = judge.judge(words)
            path.write_text(json.dumps(rows, indent=1) + "\n")
            print(f"{key}: {rows[key]}", file=sys.stderr, flush=True)
        found.append(rows[key])
    return found


def shown(cell):
    if not cell:
        return "–"
    return f"{statistics.mean(run['top1'] for run in cell):.2f} ({statistics.mean(run['kl'] for run in cell):.4f})"


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
    path, started = pathlib.Path(args.results), time.time()
    rows = json.loads(path.read_text()) if path.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        judge = Judge(args, folder)
        found = {(candidate, width): runs(args, judge, rows, path, started, candidate, width) for candidate in args.candidates for width in args.widths}
    print(f"| {args.iters:,} iterations | " + " | ".join(args.widths) + " | mean |\n" + "| --- " * (len(args.widths) + 2) + "|")
    for candidate in args.candidates:
        cells = [found[candidate, width] for width in args.widths]
        print(f"| `{candidate}` | " + " | ".join(shown(cell) for cell in [*cells, [run for cell in cells for run in cell] if all(cells) else []]) + " |")


if __name__ == "__main__":
    main()
