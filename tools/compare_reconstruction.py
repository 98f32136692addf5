#!/usr/bin/env python3
"""Accuracy of learned rounding: adaq beside the yardstick over several seeds, and adaq alone over schemes, rates and widths.

    tools/compare_reconstruction.py --adaq-run build/release/adaq-run --weights r18.pth --calib DIR --val DIR --results FILE.json \\
        [--yardstick YARDSTICK.py] [--table compare|alone] [--limit MINUTES]

Every run's result is kept in FILE.json (top-1, seconds, options), so that the table can be made in several sittings: what is there is not run
again. Prints Markdown (docs/accuracy.md holds it). Needs torch and torchvision for --yardstick alone.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

SCHEMES = ("absmax", "minmax", "norm", "orgnorm")


def cell(scheme="norm", a=32, fold=False, lr="1e-2", iters=500, seed=0):
    return dict(w=4, a=a, scheme=scheme, fold=fold, lr=lr, iters=iters, seed=seed)


def compared():
    """The cells that both sides run, without seeds."""
    return [cell(scheme, a) for scheme in ("minmax", "norm") for a in (32, 8)] + [cell("norm", 8, True)]


def options(c):
    words = ["--method", "adaround", "--scheme", c["scheme"], "--lr", c["lr"], "--iters", str(c["iters"]), "--seed", str(c["seed"])]
    return words + (["--fold"] if c["fold"] else [])


def name(who, c):
    return f"{who} W{c['w']}A{c['a']} " + " ".join(options(c))


class Results:
    def __init__(self, args):
        self.args, self.path, self.started = args, pathlib.Path(args.results), time.time()
        self.rows = json.loads(self.path.read_text()) if self.path.exists() else {}

    def get(self, who, c):
        """A run's result; None where it is not there and may not be made (no yardstick, or the time is over)."""
        key = name(who, c)
        if key not in self.rows:
            if (who == "yardstick" and not self.args.yardstick) or time.time() - self.started > 60 * self.args.limit:
                return None
            self.rows[key] = (self.yardstick if who == "yardstick" else self.adaq)(c)
            self.path.write_text(json.dumps(self.rows, indent=1) + "\n")
            print(f"{key}: {self.rows[key]}", file=sys.stderr, flush=True)
        return self.rows[key]

    def files(self):
        return ["--weights", self.args.weights, "--calib", self.args.calib, "--val", self.args.val]

    def adaq(self, c):
        with tempfile.TemporaryDirectory() as folder:
            report = f"{folder}/report.json"
            subprocess.run([self.args.adaq_run, *self.files(), f"--w{c['w']}", f"--a{c['a']}", "--device", "cpu", "--threads", str(self.args.threads), "--report", report, *options(c)],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            accuracy = json.loads(pathlib.Path(report).read_text())["accuracy"]
        return {"top1": round(100 * accuracy["quantised"]["top1"]["share"], 3)}

    def yardstick(self, c):
        out = subprocess.run([sys.executable, self.args.yardstick, *self.files(), "--w", str(c["w"]), "--a", str(c["a"]), *options(c)], check=True,
                             capture_output=True, text=True).stdout
        return {"top1": json.loads(out.strip().splitlines()[-1])["result"]}


def compare(results):
    print("| 500 iterations, lr 1e-2 | adaq | mean | yardstick | mean | difference |\n| --- | --- | --- | --- | --- | --- |")
    for c in compared():
        sides = []
        for who in ("adaq", "yardstick"):
            rows = [results.get(who, {**c, "seed": seed}) for seed in results.args.seeds]
            sides.append([row["top1"] for row in rows if row])
        means = [statistics.mean(side) if side else None for side in sides]
        text = [x for side, mean in zip(sides, means) for x in (" ".join(f"{v:.2f}" for v in side), f"{mean:.2f}" if side else "–")]
        difference = f"{means[0] - means[1]:+.2f}" if None not in means else "–"
        title = f"W{c['w']}A{c['a']} {c['scheme']}{', folded' if c['fold'] else ''}"
        print(f"| {title} | {' | '.join(text)} | {difference} |", flush=True)


def table(results):
    widths = [(a, fold) for a in (32, 8, 4) for fold in (False, True)]
    print("| one seed | " + " | ".join(f"W4A{a}{' folded' if fold else ''}" for a, fold in widths) + " |\n" + "| --- " * (len(widths) + 1) + "|")
    rows = [(scheme, lr, 500) for lr in ("1e-2", "1e-3") for scheme in SCHEMES] + [("norm", "1e-2", 2000)]
    for scheme, lr, iters in rows:
        found = [results.get("adaq", cell(scheme, a, fold, lr, iters)) for a, fold in widths]
        print(f"| {scheme}, lr {lr}, {iters:,} | " + " | ".join(f"{row['top1']:.2f}" if row else "–" for row in found) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for option in ("adaq-run", "weights", "calib", "val", "results"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--yardstick", help="run its side too, where the results file does not have it")
    parser.add_argument("--threads", type=int, default=0, help="of adaq; 0: every core")
    parser.add_argument("--table", choices=["compare", "alone"], default="compare")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the comparison")
    parser.add_argument("--limit", type=float, default=float("inf"), help="minutes after which no run is started any more")
    args = parser.parse_args()
    (compare if args.table == "compare" else table)(Results(args))


if __name__ == "__main__":
    main()
