#!/usr/bin/env python3
"""Holds a build of the current tree to a build of an earlier commit: what both make of the same inputs must be equal, to the byte.

    tools/compare_builds.py --baseline COMMIT [--current build/release] [--tensors] [--only TEXT] [--list] [--keep DIR]
    tools/compare_builds.py --baseline-build DIR ...      a build folder that is there already

Bits differ between processors, so the earlier commit is built here (in build/baseline-COMMIT) and both run side by side. Compared are
the saved file, the logits and the JSON report of each run: every method, scheme and granularity, folding, both policies of sites, mixed
bits, views, losses, a resumed run, a sweep; on thin networks of basic blocks and bottlenecks, on the bundled grey one and on a ResNet-18
with random weights; float32 and bf16, one and two threads, the CPU and the reference device. In reports what concerns times, paths and
the build is passed over. With --tensors saved files may differ in their headers: names, shapes, codes, scales and values must agree.

Exit status 0 if all is equal. Needs Python alone.
"""
import argparse
import json
import math
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time
import zlib

from earlier_commit import unpack

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Of a report: what tells of the run and not of its result.
PASSED_OVER = {"command", "crc32", "date", "adaq", "build", "libraries", "processor", "file", "description", "forecast"}
PASSED_OVER_ENDINGS = ("seconds", "_per_second")
SHORT = "--images 32 --minibatch 16"


# ---- inputs

def idx(kind, count, shape, values):
    return struct.pack(f">{2 + len(shape)}I", kind, count, *shape) + bytes(values)


def make_images(folder, count=48, side=40):
    """Smooth random images in MNIST's format, a training and a test part, labels 0 … 6."""
    folder.mkdir(parents=True)
    draw = random.Random(5)
    for part in ("train", "t10k"):
        pixels = bytearray()
        for _ in range(count):
            waves = [(draw.uniform(.1, .7), draw.uniform(.1, .7), draw.uniform(0, 6), draw.uniform(20, 45)) for _ in range(3)]
            for y in range(side):
                for x in range(side):
                    value = 128 + sum(a * math.sin(p * y + q * x + s) for p, q, s, a in waves) + draw.uniform(-12, 12)
                    pixels.append(max(0, min(255, int(value))))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(0x803, count, (side, side), pixels))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(0x801, count, (), [i % 7 for i in range(count)]))


def resnet18_tensors(classes=7):
    """torchvision's names and shapes."""
    def norm(name, channels):
        return [(f"{name}.{part}", (channels,)) for part in ("weight", "bias", "running_mean", "running_var")]

    tensors = [("conv1.weight", (64, 3, 7, 7)), *norm("bn1", 64)]
    width = 64
    for stage, channels in enumerate((64, 128, 256, 512), 1):
        for block in range(2):
            name = f"layer{stage}.{block}"
            tensors += [(f"{name}.conv1.weight", (channels, width, 3, 3)), *norm(f"{name}.bn1", channels),
                        (f"{name}.conv2.weight", (channels, channels, 3, 3)), *norm(f"{name}.bn2", channels)]
            if block == 0 and stage > 1:
                tensors += [(f"{name}.downsample.0.weight", (channels, width, 1, 1)), *norm(f"{name}.downsample.1", channels)]
            width = channels
    return tensors + [("fc.weight", (classes, 512)), ("fc.bias", (classes,))]


def make_resnet18(path):
    """A ResNet-18 with random weights as .safetensors: full width, so that every kernel for wide layers takes part."""
    draw, header, data = random.Random(3), {}, bytearray()
    noise = [draw.gauss(0, 1) for _ in range(65521)]  # repeated: a prime length, so that no two filters are equal
    for name, shape in resnet18_tensors():
        count = math.prod(shape)
        if len(shape) > 1:
            scale = math.sqrt(2 / math.prod(shape[1:]))
            period = struct.pack(f"<{len(noise)}f", *(scale * v for v in noise))
            values = (period * (count // len(noise) + 1))[:4 * count]
        else:
            low, high = (.5, 1.5) if name.endswith(("var", "weight")) else (-.2, .2)
            values = struct.pack(f"<{count}f", *(draw.uniform(low, high) for _ in range(count)))
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


# ---- runs

def runs():
    """(name, network, options): what is compared."""
    found = []

    def add(name, network, options):
        found.append((name, network, options))

    for scheme in ("absmax", "minmax", "norm", "norm-legacy", "orgnorm", "lp"):
        for granularity in ("channel", "layer"):
            fold = "--fold" if granularity == "layer" else "--no-fold"
            acts = " --act-scheme norm" if scheme == "norm-legacy" else ""
            add(f"nearest {scheme} {granularity} {fold}", "basic", f"--w4 --a4 --scheme {scheme}{acts} --granularity {granularity} {fold} --images 32")
    add("nearest W8A8", "bottleneck", "--w8 --a8 --images 32")
    add("nearest symmetric, input 8", "basic", "--w4 --a8 --symmetric --input-bits 8 --images 32")
    add("nearest layer sites", "bottleneck", "--w4 --a8 --act-sites layer --images 32")
    add("nearest mixed bits", "basic", "--w4 --a4 --bits conv1=8,layer2.0.conv1=3 --act-bits layer1.0=8 --images 32")
    add("float", "bottleneck", "--float")
    learn = f"{SHORT} --iters 12"
    for network in ("basic", "bottleneck", "fashion"):
        for method in ("adaround", "brecq", "qdrop", "pdquant", "best"):
            more = " --iters-scale 8" if method == "brecq" else ""
            add(f"{method} {network}", network, f"--w3 --a4 --method {method} {learn}{more} --threads 2")
    for method in ("adaround", "brecq", "qdrop", "pdquant", "best"):
        add(f"{method} bf16, one thread", "basic", f"--w2 --a4 --head-stem-8bit --method {method} {learn} --math bf16 --threads 1")
    add("adaround layer sites, folded", "basic", f"--w4 --a8 --method adaround --act-sites layer --fold {learn}")
    add("adaround batch statistics", "bottleneck", f"--w4 --a8 --method adaround --bn batch --rounding-init nearest --act-sites layer {learn}")
    add("brecq fisher-diag", "basic", f"--w2 --a32 --method brecq --loss fisher-diag {learn}")
    add("brecq kept norms", "basic", f"--w3 --a4 --method brecq --no-fold {learn}")
    add("pdquant distribution correction", "basic", f"--w2 --a4 --method pdquant --distribution-correction --correction-steps 6 {learn}")
    add("qdrop layer by layer, augmented", "basic", f"--w3 --a3 --method qdrop --unit layer --calib-augment {learn}")
    add("best mixed bits", "bottleneck", f"--w3 --a4 --method best --bits conv1=8,fc=8 --act-bits conv1=8 --calib-views 3 {learn}")
    add("brecq spilled", "basic", f"--w3 --a4 --method brecq --memory 1M {learn}")
    for method in ("nearest", "adaround", "brecq", "qdrop", "pdquant", "best"):
        add(f"{method} reference device", "basic", f"--w3 --a4 --method {method} --images 8 {'' if method == 'nearest' else '--minibatch 4 --iters 3'} "
            "--val-images 8 --device reference")
    for method, math_mode in (("nearest", "fp32"), ("brecq", "bf16"), ("best", "fp32"), ("adaround", "bf16")):
        words = "--images 16" if method == "nearest" else "--images 16 --minibatch 8 --iters 3"
        add(f"{method} ResNet-18 {math_mode}", "resnet18", f"--w4 --a4 --method {method} {words} --val-images 16 --math {math_mode} --threads 2")
    return found


class Programs:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()

    def call(self, program, words, cwd):
        """Runs in a folder of its own under equal names, so that files that hold names are equal."""
        done = subprocess.run([self.folder / program, *words], cwd=cwd, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{self.folder / program} {' '.join(words)}\n{done.stderr.strip().splitlines()[-1] if done.stderr else done.returncode}")


def prepare(folder):
    make_images(folder / "data")
    networks = {"basic": ROOT / "tests/fixtures/networks/basic.bin", "bottleneck": ROOT / "tests/fixtures/networks/bottleneck.bin",
                "fashion": ROOT / "weights/fashion-resnet18.bin", "resnet18": folder / "resnet18.safetensors"}
    make_resnet18(networks["resnet18"])
    for name, path in networks.items():
        link = folder / f"{name}{path.suffix}"
        if not link.exists():
            link.symlink_to(path)
    return {name: f"../{name}{path.suffix}" for name, path in networks.items()}


def run(programs, cwd, network, options):
    words = ["--weights", network, "--val", "../data", *options.split(), "--logits", "l.npy", "--report", "r.json"]
    if "--float" not in options:
        words += ["--calib", "../data", "--save", "q.bin"]
    if "--device" not in options:
        words += ["--device", "cpu"]
    programs.call("adaq-run", words, cwd)


def run_resumed(programs, cwd, network):
    """A run that is killed behind its first units, and resumed."""
    words = ["--weights", network, "--calib", "../data", "--val", "../data", "--w3", "--a4", "--method", "qdrop", *SHORT.split(), "--iters", "12",
             "--device", "cpu", "--state", "state", "--save", "q.bin", "--logits", "l.npy", "--report", "r.json"]
    programs.call("adaq-run", words, cwd)
    units = sorted((cwd / "state").glob("*.unit"))
    for file in units[len(units) // 2:]:
        file.unlink()
    for file in ("q.bin", "l.npy", "r.json"):
        (cwd / file).unlink()
    programs.call("adaq-run", [*words, "--resume"], cwd)


def run_sweep(programs, cwd, network):
    table = {"title": "A small table", "columns": [{"title": "W4", "options": "--w4"}, {"title": "W3", "options": "--w3"}],
             "rows": [{"title": "nearest", "options": "--method nearest --images 32"}, {"title": "adaround", "options": f"--method adaround --iters 6 {SHORT}"}]}
    (cwd / "table.json").write_text(json.dumps(table))
    programs.call("adaq-sweep", ["table.json", "--weights", network, "--calib", "../data", "--val", "../data", "--out", "out", "--with", "--device cpu"], cwd)


# ---- comparison

def flat_binary(path):
    """Header and tensors of a flat binary: {name: bytes}."""
    content = path.read_bytes()
    length = struct.unpack("<Q", content[8:16])[0]
    header = json.loads(content[16:16 + length])
    return header, {entry["name"]: content[entry["offset"]:entry["offset"] + entry["bytes"]] for entry in header["tensors"]}


def differences(a, b, where=""):
    """What two reports say differently, but for what is passed over."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            if key in PASSED_OVER or key.endswith(PASSED_OVER_ENDINGS):
                continue
            if key not in a or key not in b:
                yield f"{where}.{key} is only in the {'current' if key not in a else 'earlier'} build's"
            else:
                yield from differences(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            yield from differences(x, y, f"{where}[{i}]")
    elif a != b:
        yield f"{where}: {str(a)[:60]} | {str(b)[:60]}"


def compare_file(one, two, tensors_alone):
    if one.suffix == ".json":
        return list(differences(json.loads(one.read_text()), json.loads(two.read_text())))
    if one.read_bytes() == two.read_bytes():
        return []
    if one.suffix != ".bin":
        return ["the bytes differ"]
    a, b = flat_binary(one)[1], flat_binary(two)[1]
    found = [f"tensor {name} differs" for name in sorted(a.keys() | b.keys()) if a.get(name) != b.get(name)]
    return found or ([] if tensors_alone else ["the header differs, the tensors are equal"])


def compare(earlier, current, tensors_alone):
    found = []
    names = sorted({str(p.relative_to(f)) for f in (earlier, current) for p in f.rglob("*") if p.suffix in (".bin", ".npy", ".json") and p.name != "table.json"
                    and "state" not in p.parts})
    for name in names:
        if not (earlier / name).exists() or not (current / name).exists():
            found.append(f"{name}: made by one build alone")
        else:
            found += [f"{name}: {text}" for text in compare_file(earlier / name, current / name, tensors_alone)]
    return found


def build_commit(commit):
    """A release build of the commit without tests and CUDA, kept for the next time."""
    source = unpack(commit)
    words = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DADAQ_TESTS=OFF", "-DADAQ_CUDA=OFF"]
    if launcher := os.environ.get("CMAKE_CXX_COMPILER_LAUNCHER"):
        words.append(f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}")
    subprocess.run(["cmake", "-S", source, "-B", source / "build/release", *words], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", source / "build/release", "-j2", "--target", "adaq-run", "adaq-sweep"], check=True, stdout=subprocess.DEVNULL)
    return source / "build/release"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--baseline", help="a commit to build")
    parser.add_argument("--baseline-build", help="a build of it that is there")
    parser.add_argument("--current", default=str(ROOT / "build/release"))
    parser.add_argument("--tensors", action="store_true", help="of saved files compare tensors, not headers")
    parser.add_argument("--only", default="", help="runs whose name has this in it")
    parser.add_argument("--list", action="store_true", help="print the runs' names and stop")
    parser.add_argument("--keep", help="folder for what both builds make")
    args = parser.parse_args()
    extra = [("resume", "basic", None), ("sweep", "basic", None)]
    chosen = [run_ for run_ in runs() + extra if args.only in run_[0]]
    if args.list:
        print("\n".join(name for name, _, _ in chosen))
        return
    if not args.baseline and not args.baseline_build:
        parser.error("--baseline COMMIT or --baseline-build DIR is needed")
    builds = {"earlier": Programs(args.baseline_build or build_commit(args.baseline)), "current": Programs(args.current)}
    failed, started = 0, time.time()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(args.keep or temporary).resolve()
        networks = prepare(folder)
        for name, network, options in chosen:
            places = {}
            for side, programs in builds.items():
                places[side] = folder / f"{zlib.crc32(name.encode()):08x}-{side}"
                places[side].mkdir(parents=True)
                if options is not None:
                    run(programs, places[side], networks[network], options)
                else:
                    {"resume": run_resumed, "sweep": run_sweep}[name](programs, places[side], networks[network])
            found = compare(places["earlier"], places["current"], args.tensors)
            print(f"{'equal    ' if not found else 'DIFFERENT'} {name}", flush=True)
            for text in found[:5]:
                print(f"          {text}")
            failed += bool(found)
    print(f"{len(chosen) - failed} of {len(chosen)} runs are equal, in {time.time() - started:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
