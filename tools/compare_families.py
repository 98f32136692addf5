#!/usr/bin/env python3
"""adaq beside the yardstick on the bundled MobileNetV2 and RegNetX: float, nearest rounding, and what learns over three seeds.

    OMP_NUM_THREADS=1 tools/compare_families.py --adaq-run build/release/adaq-run --yardstick YARDSTICK.py --results FILE.json --cache DIR

Prints a Markdown table (docs/accuracy.md holds it). The yardstick knows ResNet18; here its layers, quantisers and loops make the other
two. Results are kept in FILE.json and not computed again; --cache keeps the answers of the yardstick's range searches, which are the
same for every seed. Needs torch, torchvision, numpy and Pillow, and Fashion-MNIST (Debian: dataset-fashion-mnist).
"""
import argparse
import contextlib
import io
import json
import pathlib
import statistics
import sys
import time
import types

import torch
import torch.nn.functional as F
from torch import nn

import yardstick_in_pieces
from adaq_report import adaq_report
from export_weights import read_bin
from thin_networks import NETWORKS
from train_demo import load, normalise
from yardstick_module import load_yardstick

FILES = pathlib.Path(__file__).parent.parent / "weights"
TITLES = {"mobilenet_v2": "MobileNetV2", "regnet_x": "RegNetX"}
LEARNED = [(method, w, 4) for method in ("brecq", "qdrop") for w in (4, 2)]
# What a method takes where nothing is given, in adaq and in the yardstick's own main().
DEFAULTS = dict(nearest=dict(scheme="norm", fold=False, loss="mean", lr=0, lr_scale=0, lam=0),
                brecq=dict(scheme="lp", fold=True, loss="channel-sum", lr=1e-3, lr_scale=4e-4, lam=0.01),
                qdrop=dict(scheme="orgnorm", fold=True, loss="channel-sum", lr=1e-3, lr_scale=4e-5, lam=0.01))


class Families:
    """The yardstick's networks of other families: made of its Layer and Act, walked by its loops."""

    def __init__(self, yardstick):
        class Layer(yardstick.Layer):
            """With groups, and a ReLU that may end at 6."""

            def __init__(self, op, bn, highest, args, bits_w, bits_a):
                super().__init__(op, bn, False, args, bits_w, bits_a, bits_a is not None)
                self.highest = highest

            def forward(self, x):
                if not isinstance(self.op, nn.Conv2d):
                    return super().forward(x)
                op = self.op
                y = self.pre_bn = F.conv2d(x, self.weight(), self.b, op.stride, op.padding, op.dilation, op.groups)
                if self.bn is not None:
                    y = F.batch_norm(y, self.bn.running_mean, self.bn.running_var, self.bn.weight, self.bn.bias, self.bn_batch, 0.1, self.bn.eps)
                y = y if self.highest is None else y.clamp(0, self.highest)
                return y if self.act is None else self.act(y)

        class Unit(nn.Module):
            """Layers, an addition where there is a shortcut ("identity" or a layer), a ReLU or none, the site of its output."""

            def __init__(self, layers, shortcut, highest, bits):
                super().__init__()
                self.layers, self.identity, self.highest = nn.Sequential(*layers), shortcut == "identity", highest
                self.shortcut = shortcut if isinstance(shortcut, nn.Module) else None
                self.act = yardstick.Act(bits) if bits < 32 else None

            def forward(self, x):
                y = self.layers(x)
                if self.identity or self.shortcut is not None:
                    y = y + (x if self.identity else self.shortcut(x))
                y = y if self.highest is None else y.clamp(0, self.highest)
                return y if self.act is None else self.act(y)

        class Net(yardstick.Net):
            """Units in a chain, the last behind a mean over the map."""

            def __init__(self, units):
                nn.Module.__init__(self)
                self.units = nn.ModuleList(units)

            def pre(self, i, x):
                return x.mean((2, 3)) if i == len(self.units) - 1 else x

        self.yardstick, self.Layer, self.Unit, self.Net = yardstick, Layer, Unit, Net

    def net(self, name, model, args):
        """`model` with quantisers where adaq has them: behind each activation, and at the end of a linear bottleneck. First and last
        layer have 8 bits, and so has the output of the stem (brecq) or of the last unit before the mean."""
        edge_a = 8 if args.a < 32 else 32
        stem_a, last_a = (edge_a, args.a) if args.method == "brecq" else (args.a, edge_a)
        plan = {"mobilenet_v2": mobilenet_units, "regnet_x": regnet_units}[name](model)
        units = []
        for i, (convs, shortcut, inner, highest) in enumerate(plan):
            w = 8 if i == 0 else args.w
            a = stem_a if i == 0 else last_a if i == len(plan) - 1 else args.a
            layers = [self.Layer(conv, bn, inner if j + 1 < len(convs) else None, args, w, args.a if j + 1 < len(convs) else None)
                      for j, (conv, bn) in enumerate(convs)]
            if isinstance(shortcut, tuple):
                shortcut = self.Layer(*shortcut, None, args, w, None)
            units.append(self.Unit(layers, shortcut, highest, a))
        head = model.classifier[1] if name == "mobilenet_v2" else model.fc
        return self.Net([*units, self.Layer(head, None, None, args, 8, None)])


def mobilenet_units(model):
    """Of each unit: convolutions with their norms, the shortcut, where inner activations end, where the unit's own does."""
    units = []
    for block in model.features:
        modules = [m for m in block.modules() if isinstance(m, (nn.Conv2d, nn.BatchNorm2d))]
        convs = list(zip(modules[::2], modules[1::2]))
        residual = hasattr(block, "use_res_connect")
        shortcut = "identity" if residual and block.use_res_connect else None
        units.append((convs, shortcut, 6.0, None if residual else 6.0))
    return units


def regnet_units(model):
    infinity = float("inf")
    units = [([(model.stem[0], model.stem[1])], None, infinity, infinity)]
    for stage in model.trunk_output:
        for block in stage:
            convs = [(part[0], part[1]) for part in (block.f.a, block.f.b)] + [(block.f.c[0], block.f.c[1])]
            shortcut = "identity" if block.proj is None else (block.proj[0], block.proj[1])
            units.append((convs, shortcut, infinity, infinity))
    return units


def in_turn(labels):
    """One image of each class in turn, as both programs take calibration images."""
    rank, seen = [], {}
    for label in labels.tolist():
        rank.append((seen.get(label, 0), label))
        seen[label] = seen.get(label, 0) + 1
    return sorted(range(len(rank)), key=lambda i: (*rank[i], i))


class Comparison:
    def __init__(self, args):
        self.args, self.path = args, pathlib.Path(args.results)
        self.rows = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.families, self.data = Families(load_yardstick(args.yardstick)), {}
        yardstick_in_pieces.install(self.families.yardstick, args.cache)

    def top1(self, who, network, method, w, a, seed=0):
        key = f"{who} {network} {method} W{w}A{a} {self.args.iters} iterations, {self.args.images} images, seed {seed}"
        if key not in self.rows:
            started = time.time()
            found = getattr(self, who)(network, method, w, a, seed)
            self.rows[key] = {"top1": round(found, 3), "seconds": round(time.time() - started, 1)}
            self.path.write_text(json.dumps(self.rows, indent=1) + "\n")
            print(f"{key}: {self.rows[key]}", file=sys.stderr, flush=True)
        return self.rows[key]["top1"]

    def adaq(self, network, method, w, a, seed):
        command = [self.args.adaq_run, "--weights", FILES / f"fashion-{network}.bin", "--calib", self.args.data, "--val", self.args.data,
                   "--device", "cpu", "--threads", "1", "--images", self.args.images, "--seed", seed]
        options = ["--float"] if w == 32 else [f"--w{w}", f"--a{a}", "--method", method, "--head-stem-8bit"]
        learning = [] if method == "nearest" else ["--iters", self.args.iters]
        learning += ["--iters-scale", self.args.iters] if method == "brecq" else []
        accuracy = adaq_report(list(map(str, command + options + learning)))["accuracy"]
        return 100 * accuracy["float32" if w == 32 else "quantised"]["top1"]["share"]

    def yardstick(self, network, method, w, a, seed):
        model, calibration, images, labels = self.read(network)
        if w == 32:
            return self.families.yardstick.top1(model, images, labels)
        options = dict(method=method, w=w, a=a, head_stem_8bit=True, act_scheme=None, p=2.4, granularity="channel", bn="fixed", correction_steps=0,
                       act_sites="block", rounding_init="fraction", iters=self.args.iters, iters_scale=self.args.iters, batch=32, **DEFAULTS[method])
        torch.manual_seed(seed)
        net = self.families.net(network, model, types.SimpleNamespace(**options))
        original = self.families.net(network, model, types.SimpleNamespace(**{**options, "scheme": "minmax", "a": 32, "fold": False}))
        original.set("float", False)
        original.requires_grad_(False)
        with contextlib.redirect_stdout(io.StringIO()):  # a line a unit
            self.families.yardstick.run(net, original, calibration, types.SimpleNamespace(**options))
        net.set("hard", True)
        return self.families.yardstick.top1(net, images, labels)

    def read(self, network):
        if network not in self.data:
            tensors, preprocessing = read_bin(FILES / f"fashion-{network}.bin")
            model = NETWORKS[network]().eval().requires_grad_(False)
            missing, unexpected = model.load_state_dict(tensors, strict=False)
            assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
            size = preprocessing["resize"]
            images, labels = load(pathlib.Path(self.args.data), "train", size)
            calibration = images[in_turn(labels)[: self.args.images]]
            images, labels = load(pathlib.Path(self.args.data), "t10k", size)
            self.data[network] = model, normalise(calibration).contiguous(), normalise(images).contiguous(), labels
        return self.data[network]


def numbers(values):
    return " ".join(f"{v:.2f}" for v in values)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for option in ("adaq-run", "yardstick", "results"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--cache", help="folder for the answers of the yardstick's slow range searches")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist", help="folder of the IDX files")
    parser.add_argument("--networks", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--images", type=int, default=512, help="for calibration")
    parser.add_argument("--iters", type=int, default=300, help="a unit; brecq: as many again for scales")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    comparison = Comparison(parser.parse_args())
    args = comparison.args
    torch.set_num_threads(1)
    print("| | | adaq | mean | yardstick | mean | difference |\n| --- | --- | --- | --- | --- | --- | --- |")
    for network in args.networks:
        cells = [("nearest", 32, 32, [0]), ("nearest", 8, 8, [0]), ("nearest", 4, 4, [0])] + [(*cell, args.seeds) for cell in LEARNED]
        for method, w, a, seeds in cells:
            ours, theirs = ([comparison.top1(who, network, method, w, a, seed) for seed in seeds] for who in ("adaq", "yardstick"))
            means = statistics.mean(ours), statistics.mean(theirs)
            title = "float" if w == 32 else f"W{w}A{a} {method}"
            print(f"| {TITLES[network]} | {title} | {numbers(ours)} | {means[0]:.2f} | {numbers(theirs)} | {means[1]:.2f} | "
                  f"{means[0] - means[1]:+.2f} |", flush=True)


if __name__ == "__main__":
    main()
