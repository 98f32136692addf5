#!/usr/bin/env python3
"""adaq beside the yardstick on the same model and images: float logits, and top-1 of every scheme.

    tools/compare_accuracy.py --adaq-run build/release/adaq-run --yardstick YARDSTICK.py --weights r18.pth --calib DIR --val DIR --cache DIR

Prints Markdown tables (docs/accuracy.md holds them). Needs torch and torchvision. The yardstick's slow range searches run in pieces
(yardstick_in_pieces.py), and --cache keeps their answers.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import types

import numpy as np
import torch
import torchvision

import yardstick_in_pieces
from yardstick_module import load_yardstick

SCHEMES = ["absmax", "minmax", "norm", "norm-legacy", "lp", "orgnorm"]


def adaq(args, *options):
    with tempfile.TemporaryDirectory() as folder:
        report = f"{folder}/report.json"
        subprocess.run([args.adaq_run, "--weights", args.weights, "--val", args.val, "--report", report, *options], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return json.loads(pathlib.Path(report).read_text())["accuracy"]


def share(accuracy):
    return 100.0 * accuracy["top1"]["share"]


class Yardstick:
    def __init__(self, args):
        self.module = load_yardstick(args.yardstick)
        yardstick_in_pieces.install(self.module, args.cache)
        state = torch.load(args.weights, map_location="cpu")
        self.model = torchvision.models.resnet18(num_classes=len(state["fc.bias"]))
        self.model.load_state_dict(state)
        self.model.eval().requires_grad_(False)
        self.calibration, _ = self.module.load_folder(args.calib, 1024)
        self.images, self.labels = self.module.load_folder(args.val)

    def logits(self):
        return self.module.batched(self.model, self.images, 250)

    def top1(self, **changes):
        settings = types.SimpleNamespace(**{**dict(w=4, a=32, method="nearest", scheme="norm", act_scheme=None, p=2.4, granularity="channel", fold=False,
                                                   bn="fixed", head_stem_8bit=False, act_sites="block", correction_steps=0), **changes})
        net = self.module.Net(self.model, settings)
        net.set("hard", False)
        if settings.a < 32:
            original = self.module.Net(self.model, types.SimpleNamespace(**{**vars(settings), "scheme": "minmax", "a": 32}))
            original.set("float", False)
            self.module.run(net, original, self.calibration, settings)
        net.set("hard", settings.a < 32)
        return self.module.top1(net, self.images, self.labels)


def compare_float(args, yardstick):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/logits.npy"
        subprocess.run([args.adaq_run, "--weights", args.weights, "--val", args.val, "--float", "--logits", path], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        ours = np.load(path)
    theirs = yardstick.logits().numpy()
    labels = yardstick.labels.numpy()
    error = np.abs(ours - theirs).max() / np.abs(theirs).max()
    print(f"Float logits: largest difference {error:.1e} of the largest logit; top-1 {(ours.argmax(1) == labels).sum()} and "
          f"{(theirs.argmax(1) == labels).sum()} of {len(labels)} images.\n", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("adaq-run", "yardstick", "weights", "calib", "val"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--schemes", nargs="+", default=SCHEMES)
    parser.add_argument("--cache", help="folder for the answers of the yardstick's slow range searches")
    args = parser.parse_args()
    yardstick = Yardstick(args)
    compare_float(args, yardstick)
    print("| weights only | adaq W4 | yardstick W4 | adaq W8 | yardstick W8 |\n| --- | --- | --- | --- | --- |")
    for scheme in args.schemes:
        for granularity in ("channel", "layer"):
            cells = []
            for bits in (4, 8):
                cells.append(f"{share(adaq(args, f'--w{bits}', '--a32', '--scheme', scheme, '--granularity', granularity)['quantised']):.2f}")
                cells.append(f"{yardstick.top1(w=bits, scheme=scheme, granularity=granularity):.2f}")
            print(f"| {scheme}, {granularity} | " + " | ".join(cells) + " |", flush=True)
    print("\n| with activations | adaq | yardstick |\n| --- | --- | --- |")
    for name, options, changes in (
            ("W4A8 norm", ["--w4", "--a8"], dict(a=8)),
            ("W4A4 norm", ["--w4", "--a4"], dict(a=4)),
            ("W4A4 minmax", ["--w4", "--a4", "--scheme", "minmax"], dict(a=4, scheme="minmax")),
            ("W4A4 lp, folded, head and stem 8 bit", ["--w4", "--a4", "--scheme", "lp", "--fold", "--head-stem-8bit"],
             dict(a=4, scheme="lp", fold=True, head_stem_8bit=True)),
            ("W4A8 minmax, layer sites", ["--w4", "--a8", "--scheme", "minmax", "--act-sites", "layer"], dict(a=8, scheme="minmax", act_sites="layer"))):
        ours = share(adaq(args, "--calib", args.calib, *options)["quantised"])
        print(f"| {name} | {ours:.2f} | {yardstick.top1(**changes):.2f} |", flush=True)


if __name__ == "__main__":
    main()
