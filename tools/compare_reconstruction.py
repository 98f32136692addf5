#!/usr/bin/env python3
"""Accuracy of what learns: adaq beside the yardstick over several seeds, and adaq alone over methods, schemes, rates and widths.

    tools/compare_reconstruction.py --adaq-run build/release/adaq-run --weights r18.pth --calib DIR --val DIR --results FILE.json \\
        --table adaround|adaround-alone|methods|methods-alone|best|views|edges|parts [--only TEXT] [--yardstick YARDSTICK.py] [--math bf16] \\
        [--seeds 0 1 2] [--limit MINUTES]

Every run's result is kept in FILE.json under its options, so that a table can be made in several sittings: what is there is not run
again. Prints Markdown (docs/accuracy.md holds it). Needs torch and torchvision for --yardstick alone.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

from adaq_report import adaq_report

SCHEMES = ("absmax", "minmax", "norm", "orgnorm")


def adaround(scheme="norm", a=32, fold=False, lr="1e-2", iters=500):
    words = ["--method", "adaround", "--scheme", scheme, "--lr", lr, "--iters", str(iters)]
    return dict(w=4, a=a, words=words, last=["--fold"] if fold else [], title=f"W4A{a} {scheme}{', folded' if fold else ''}")


def method(name, w, a, iters, also=""):
    return dict(w=w, a=a, words=["--method", name, "--head-stem-8bit", "--iters", str(iters)], last=also.split(),
                title=f"W{w}A{a} {name}{' ' if also else ''}{also}")


def of_few_bits(names, iters, also=""):
    return [method(name, w, a, iters, also) for w, a in ((4, 4), (2, 4), (2, 2)) for name in names]


ADAROUND = [adaround(scheme, a) for scheme in ("minmax", "norm") for a in (32, 8)] + [adaround("norm", 8, True)]
METHODS = [method("brecq", 2, 32, 500)] + [method(name, w, a, 300) for w, a in ((2, 4), (4, 4), (2, 2)) for name in ("qdrop", "pdquant")]
METHODS_ALONE = [method("brecq", w, 32, 2000) for w in (4, 3, 2)] + of_few_bits(("brecq", "qdrop", "pdquant"), 2000)
METHODS_ALONE += [method("pdquant", 2, 4, 2000, "--distribution-correction")]
# Like beside like: every method with 8 bits for the stem's output, and for the last layer's input. What is a method's own default is not named.
OWN_EDGE = {"best": "stem", "brecq": "stem", "qdrop": "fc", "pdquant": "fc"}
BEST_RATES = "--lr 2e-2 --lr-scale 4e-4"


def at_edge(name, w, a, edge, iters, also=""):
    words = " ".join(([] if OWN_EDGE[name] == edge else [f"--edge-acts {edge}"]) + ([also] if also else []))
    return {**method(name, w, a, iters, words), "title": f"W{w}A{a} {name}{' with the rates of best' if also else ''}, {edge}"}


def edges(iters):
    rows = [(name, also) for name, also in (("best", ""), ("qdrop", BEST_RATES), ("qdrop", ""), ("brecq", ""), ("pdquant", ""))]
    return [at_edge(name, w, a, edge, iters, also) for name, also in rows for w, a in ((2, 4), (2, 2)) for edge in ("fc", "stem")]


def parts(iters):
    """`best` at W2A2, with each of its parts left out once."""
    left_out = {"": "", " without its rates": "--lr 1e-3 --lr-scale 4e-5", " with the edge at fc": "--edge-acts fc", " without channels": "--lr-channel 0",
                " without views": "--calib-views 1"}
    return [{**method("best", 2, 2, iters, also), "title": f"W2A2 best{part}"} for part, also in left_out.items()]


# The yardstick's rows of one seed that others measured (the development data's own table).
GIVEN = {"W2A32 brecq": 47.88, "W2A4 qdrop": 38.93, "W2A4 pdquant": 49.45}


class Results:
    def __init__(self, args):
        self.args, self.path, self.started = args, pathlib.Path(args.results), time.time()
        self.rows = json.loads(self.path.read_text()) if self.path.exists() else {}

    def get(self, who, cell, seed):
        """A run's top-1; None where it is not there and may not be made (no yardstick, or the time is over)."""
        words = [*cell["words"], "--seed", str(seed), *cell["last"]]
        math = f" --math {self.args.math}" if who == "adaq" and self.args.math != "fp32" else ""
        key = f"{who} W{cell['w']}A{cell['a']} {' '.join(words)}{math}"
        if key not in self.rows:
            if (who == "yardstick" and not self.args.yardstick) or time.time() - self.started > 60 * self.args.limit:
                return None
            self.rows[key] = (self.yardstick if who == "yardstick" else self.adaq)(cell, words)
            self.path.write_text(json.dumps(self.rows, indent=1) + "\n")
            print(f"{key}: {self.rows[key]}", file=sys.stderr, flush=True)
        return self.rows[key]["top1"]

    def all(self, who, cell, seeds):
        return [v for v in (self.get(who, cell, seed) for seed in seeds) if v is not None]

    def of(self, cells):
        return [cell for cell in cells if self.args.only in cell["title"]]

    def files(self):
        return ["--weights", self.args.weights, "--calib", self.args.calib, "--val", self.args.val]

    def adaq(self, cell, words):
        report = adaq_report([self.args.adaq_run, *self.files(), f"--w{cell['w']}", f"--a{cell['a']}", "--device", "cpu", "--math", self.args.math,
                              "--threads", str(self.args.threads), *words])
        return {"top1": round(100 * report["accuracy"]["quantised"]["top1"]["share"], 3), "seconds": round(report["seconds"]["reconstruct"], 1)}

    def yardstick(self, cell, words):
        out = subprocess.run([sys.executable, self.args.yardstick, *self.files(), "--w", str(cell["w"]), "--a", str(cell["a"]), *words], check=True,
                             capture_output=True, text=True).stdout
        return {"top1": json.loads(out.strip().splitlines()[-1])["result"]}


def side(values):
    return [" ".join(f"{v:.2f}" for v in values), f"{statistics.mean(values):.2f}"] if values else ["–", "–"]


def beside(results, cells, yardstick_seeds):
    print("| | adaq | mean | yardstick | mean | difference |\n| --- | --- | --- | --- | --- | --- |")
    for cell in results.of(cells):
        ours, theirs = results.all("adaq", cell, results.args.seeds), results.all("yardstick", cell, yardstick_seeds)
        if cell["title"] in GIVEN:
            theirs = [GIVEN[cell["title"]]]
        difference = f"{statistics.mean(ours) - statistics.mean(theirs):+.2f}" if ours and theirs else "–"
        print(f"| {cell['title']} | {' | '.join(side(ours) + side(theirs))} | {difference} |", flush=True)


def adaround_alone(results):
    widths = [(a, fold) for a in (32, 8, 4) for fold in (False, True)]
    print("| one seed | " + " | ".join(f"W4A{a}{' folded' if fold else ''}" for a, fold in widths) + " |\n" + "| --- " * (len(widths) + 1) + "|")
    rows = [(scheme, lr, 500) for lr in ("1e-2", "1e-3") for scheme in SCHEMES] + [("norm", "1e-2", 2000)]
    for scheme, lr, iters in rows:
        found = [results.get("adaq", adaround(scheme, a, fold, lr, iters), results.args.seeds[0]) for a, fold in widths]
        print(f"| {scheme}, lr {lr}, {iters:,} | " + " | ".join(f"{v:.2f}" if v is not None else "–" for v in found) + " |", flush=True)


def alone(results, cells, iters=2000):
    print(f"| {iters:,} iterations | adaq | mean |\n| --- | --- | --- |")
    for cell in results.of(cells):
        print(f"| {cell['title']} | {' | '.join(side(results.all('adaq', cell, results.args.seeds)))} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for option in ("adaq-run", "weights", "calib", "val", "results"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--yardstick", help="run its side too, where the results file does not have it")
    parser.add_argument("--threads", type=int, default=0, help="of adaq; 0: every core")
    parser.add_argument("--math", default="fp32", help="of adaq")
    parser.add_argument("--table", choices=["adaround", "adaround-alone", "methods", "methods-alone", "best", "views", "edges", "parts"], default="adaround")
    parser.add_argument("--iters", type=int, default=2000, help="of --table best, views, edges and parts")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--limit", type=float, default=float("inf"), help="minutes after which no run is started any more")
    parser.add_argument("--only", default="", help="cells of a table whose title has this in it (not of adaround-alone)")
    results = Results(parser.parse_args())
    tables = {"adaround": lambda: beside(results, ADAROUND, results.args.seeds), "adaround-alone": lambda: adaround_alone(results),
              "methods": lambda: beside(results, METHODS, results.args.seeds[:1]), "methods-alone": lambda: alone(results, METHODS_ALONE),
              "best": lambda: alone(results, of_few_bits(("brecq", "qdrop", "pdquant", "best"), results.args.iters), results.args.iters),
              "views": lambda: alone(results, of_few_bits(("best",), results.args.iters, "--calib-views 1"), results.args.iters),
              "edges": lambda: alone(results, edges(results.args.iters), results.args.iters),
              "parts": lambda: alone(results, parts(results.args.iters), results.args.iters)}
    tables[results.args.table]()


if __name__ == "__main__":
    main()
