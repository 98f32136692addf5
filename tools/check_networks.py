#!/usr/bin/env python3
"""Takes torchvision's networks through adaq end to end: ONNX in, W4A4 with `best`, integers, ONNX out, and onnxruntime on what came out.

    python3 -m venv venv && venv/bin/pip install torch torchvision onnx onnxscript onnxruntime pillow safetensors
    venv/bin/python tools/check_networks.py --adaq build/release --table networks.md
    venv/bin/python tools/check_networks.py --adaq build/release --networks resnet18,vgg11_bn

Weights and images are random. Weights are drawn so that activations keep their variance, batch norms have random factors and shifts and the
statistics of the images: every layer matters. For each network it prints a row of a Markdown table:

    units, layers   of the graph, and its layers with weights
    float           error of float logits: the largest against onnxruntime on the same files, over the largest logit; root mean square against
                    float64, of the state dict, and PyTorch's own float32 error beside it
    state dict      the same weights as .safetensors or .pth: whether the graph is that of both exporters' files, and the float logits those of
                    the file that keeps its batch norms, to the bit
    QDQ             images whose class, and whose logits to 1e-4 of the largest, onnxruntime computes as adaq's integers are, on a file for any
                    runtime, which it runs in float
    ort             the same of a network made with --deploy ort; layers that onnxruntime ran on integers; codes that differ from the
                    arithmetic which adaq and onnxruntime share (tools/onnx_requantised.py); images whose logits are adaq's to 1e-4

Exit status 1 where graphs differ, float logits do or are further from float64 than three times PyTorch's, a code differs with --deploy ort,
or logits do.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
import torchvision
from PIL import Image
from torch import nn

from onnx_inputs import Images

NETWORKS = """resnet18 resnet34 resnet50 resnext50_32x4d wide_resnet50_2 mobilenet_v2 mnasnet0_5 mnasnet1_0 regnet_x_400mf regnet_x_800mf
regnet_x_3_2gf vgg11_bn""".split()
SIDE = 64
SIDE_OF_VGG = 224  # whose map must be a multiple of 7x7
FOLDERS, IMAGES_A_FOLDER = 4, 8
CLASSES = 1000
MOST_ERROR = 3.0  # of float logits, in PyTorch's


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adaq", required=True, type=pathlib.Path, metavar="DIR", help="folder of adaq-run and adaq-convert")
    parser.add_argument("--networks", default=",".join(NETWORKS), help="of torchvision.models [twelve]")
    parser.add_argument("--iters", type=int, default=20, metavar="N", help="iterations a unit [20]")
    parser.add_argument("--threads", type=int, default=1, help="of adaq and PyTorch [1]")
    parser.add_argument("--folder", type=pathlib.Path, metavar="DIR", help="keep files there [a temporary folder, emptied after each network]")
    parser.add_argument("--table", metavar="FILE.md", help="also write the table there")
    return parser.parse_args()


# ---- networks and images

def draw_images(folder, side, seed):
    """Class folders of blurred noise: neighbouring pixels are alike, and images are not."""
    draw = np.random.default_rng(seed)
    for name in range(FOLDERS):
        (folder / f"class{name}").mkdir(parents=True)
        for i in range(IMAGES_A_FOLDER):
            coarse = Image.fromarray(draw.integers(0, 256, (6, 6, 3), np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
            pixels = np.asarray(coarse).astype(int) + draw.integers(-20, 21, (side, side, 3))
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / f"class{name}" / f"{i}.png")


def drawn(name, images):
    """The network with random weights, whose batch norms know the images."""
    torch.manual_seed(NETWORKS.index(name) if name in NETWORKS else len(NETWORKS))
    network = getattr(torchvision.models, name)(weights=None)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.uniform_(module.bias, -0.2, 0.2)
    network.eval()
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        norm.weight.data *= torch.where(torch.rand(len(norm.weight)) < 0.1, -1.0, 1.0)
        nn.init.uniform_(norm.bias, -0.5, 0.5)
        norm.momentum = None  # the mean over all passes
        norm.train()
    with torch.no_grad():
        for part in images.split(len(images) // 2):
            network(part)
    return network.eval()


def export(network, side, path, dynamo, **options):
    image = (torch.zeros(2, 3, side, side),)
    free = {"dynamic_shapes": ({0: torch.export.Dim("batch")},), "external_data": False} if dynamo else {"dynamic_axes": {"input": {0: "batch"}}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, image, path, input_names=["input"], output_names=["logits"], dynamo=dynamo, verbose=False, **free, **options)


def export_all(network, side, folder, as_pickle):
    """Files of the same weights by what made them: both exporters, the older one without folding, the state dict."""
    files = {kind: folder / f"{kind}.onnx" for kind in ("traced", "exported", "normed")} | {"state": folder / f"state.{'pth' if as_pickle else 'safetensors'}"}
    export(network, side, files["traced"], False)
    export(network, side, files["exported"], True)
    export(network, side, files["normed"], False, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    if as_pickle:
        torch.save(network.state_dict(), files["state"])
    else:
        from safetensors.torch import save_file
        save_file(network.state_dict(), files["state"])
    return files


# ---- adaq

class Adaq:
    def __init__(self, args, folder, calib, val):
        self.args, self.folder, self.calib, self.val = args, folder, calib, val
        self.environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads))
        self.classes = folder / "classes.txt"
        self.classes.write_text("".join(f"class{i}\n" for i in range(CLASSES)))

    def program(self, name, *words):
        command = [str(self.args.adaq / name), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment)
        if done.returncode:
            sys.exit(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def run(self, *words):
        return self.program("adaq-run", "--threads", self.args.threads, *words)

    def logits(self, weights, *words):
        path = self.folder / "logits.npy"
        self.run("--weights", weights, "--val", self.val, "--classes", self.classes, "--logits", path, *words)
        return np.load(path)

    def graph(self, weights):
        """As a .bin has it."""
        path = self.folder / "graph.bin"
        self.program("adaq-convert", weights, path)
        with open(path, "rb") as file:
            file.seek(8)
            graph = json.loads(file.read(int.from_bytes(file.read(8), "little")))["graph"]
        path.unlink()
        return graph

    def quantise(self, weights, *words):
        q = self.folder / "q.bin"
        learned = ["--method", "best", "--iters", self.args.iters, "--images", FOLDERS * IMAGES_A_FOLDER]
        images = ["--calib", self.calib, "--val", self.val, "--classes", self.classes]
        self.run("--weights", weights, *images, "--w4", "--a4", *learned, "--save", q, "--report", self.folder / "r.html", *words)
        self.run("--weights", q, "--val", self.val, "--logits", self.folder / "q.npy", "--report", self.folder / "r.json")
        return q


def structure(graph):
    """What a graph computes, and in which units, names aside; batch norms aside, which an exporter may have folded."""
    lines, numbers, layers = [], [0], 0
    for i, node in enumerate(graph["nodes"]):
        if node["kind"] == "batch_norm":
            numbers.append(numbers[node["inputs"][0]])
            continue
        attributes = dict(node.get("attributes", {}))
        if any(other["kind"] == "batch_norm" and other["inputs"] == [i + 1] for other in graph["nodes"]):
            attributes["bias"] = 1
        layers += node["kind"] in ("convolution", "linear")
        lines.append(json.dumps([node["kind"], attributes, [numbers[x] for x in node["inputs"]], node.get("unit", -1)], sort_keys=True))
        numbers.append(len(lines))
    return lines, layers


# ---- checks

def largest(logits, right):
    return float(np.abs(logits - right).max() / np.abs(right).max())


def root_mean_square(logits, exact):
    return float(np.sqrt(np.square(logits - exact).mean() / np.square(exact).mean()))


def runtime_logits(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"input": x})[0]


def check_float(adaq, network, files, images):
    """Of the two exporters' files and the state dict."""
    x = images.batch(range(len(images.files)))
    with torch.no_grad():
        own = network(torch.from_numpy(x)).numpy()
        exact = network.double()(torch.from_numpy(x).double()).numpy()
        network.float()
    logits = {kind: adaq.logits(path, "--float") for kind, path in files.items()}
    runtime = max(largest(logits[kind], runtime_logits(files[kind], x)) for kind in ("traced", "exported"))
    graphs = {kind: adaq.graph(path) for kind, path in files.items()}
    structures = {kind: structure(graph) for kind, graph in graphs.items()}
    differing = [kind for kind in ("traced", "exported", "normed") if structures[kind] != structures["state"]]
    bits = bool(np.array_equal(logits["normed"], logits["state"]))
    failures = [f"the graph of {files['state'].name} is not that of {kind}.onnx" for kind in differing]
    if not bits:
        failures.append(f"float logits of {files['state'].name} are {largest(logits['state'], logits['normed']):.1e} from normed.onnx's")
    error, error_of_torch = (root_mean_square(one, exact) for one in (logits["state"], own))
    if error > MOST_ERROR * error_of_torch:
        failures.append(f"float logits are {error:.1e} from float64's, PyTorch's {error_of_torch:.1e}")
    return {"units": len(graphs["traced"]["units"]), "layers": structures["traced"][1], "runtime": runtime, "adaq": error,
            "torch": error_of_torch, "graph": not differing, "bits": bits,
            "state": files["state"].suffix}, failures


def verify(adaq, q, target, *words):
    """tools/verify_onnx.py's results on the file for that runtime."""
    file, results = adaq.folder / f"{target}.onnx", adaq.folder / "results.json"
    adaq.program("adaq-convert", q, file, "--for", target)
    script = pathlib.Path(__file__).parent / "verify_onnx.py"
    command = [sys.executable, script, file, "--val", adaq.val, "--logits", adaq.folder / "q.npy", "--expect", adaq.folder / "r.json", "--runtimes", "ort",
               "--json", results, *words]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=adaq.environment)
    if not results.exists():
        sys.exit(f"{file.name}: {done.stderr[-2000:]}")
    result = json.loads(results.read_text())["runtimes"][0]
    results.unlink()
    return result, [f"{file.name}: {failure}" for failure in result["failures"]]


def check_network(name, args, folder):
    side = SIDE_OF_VGG if name.startswith("vgg") else SIDE
    calib, val = folder / "calib", folder / "val"
    draw_images(calib, side, 1)
    draw_images(val, side, 2)
    images = Images(calib, onnx.ModelProto(graph=onnx.GraphProto(input=[onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, None)])))
    network = drawn(name, torch.from_numpy(images.batch(range(len(images.files)))))
    number = NETWORKS.index(name) if name in NETWORKS else 0
    files = export_all(network, side, folder, as_pickle=number % 2 == 1)
    adaq = Adaq(args, folder, calib, val)
    images.files = Images(val, onnx.ModelProto(graph=onnx.GraphProto(input=[onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, None)]))).files
    row, failures = check_float(adaq, network, files, images)
    row["exporter"] = ("traced", "exported")[number // 2 % 2]
    source = files[row["exporter"]]
    any_runtime, found = verify(adaq, adaq.quantise(source), "any")
    failures += found
    deployed, found = verify(adaq, adaq.quantise(source, "--deploy", "ort"), "ort", "--codes", "0")
    failures += found
    count = FOLDERS * IMAGES_A_FOLDER
    if deployed["rows_within_1e-4_of_adaq"] != count:
        failures.append(f"--deploy ort: logits of {count - deployed['rows_within_1e-4_of_adaq']} images are not adaq's")
    return row | {"name": name, "any": any_runtime, "ort": deployed, "images": count}, failures


# ---- the table

HEAD = """| network | exporter | units | layers | float against onnxruntime | against float64 (PyTorch's own) | state dict: graph, logits | QDQ: class, logits | \
`ort`: layers on integers | codes that differ | class, logits |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def on_integers(kernels):
    others = kernels["others"]
    layers = kernels["integer"] + sum(count for kind, count in others.items() if kind.startswith("QGemm"))
    return f"{layers} of {layers + len(kernels['float']) + others.get('Gemm', 0)}"


def line(row):
    count, ort, codes = row["images"], row["ort"], row["ort"]["codes"]
    agreed = lambda result: f"{result['same_class_as_adaq']}, {result['rows_within_1e-4_of_adaq']} of {count}"
    cells = [row["name"], row["exporter"], row["units"], row["layers"], f"{row['runtime']:.1e}", f"{row['adaq']:.1e} ({row['torch']:.1e})",
             f"{row['state']}: {'the same' if row['graph'] else '**another**'}, {'every bit' if row['bits'] else '**not**'}", agreed(row["any"]),
             on_integers(ort["kernels"]), f"{codes['differing']:,} of {codes['total']:,}", agreed(ort)]
    return "| " + " | ".join(map(str, cells)) + " |\n"


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    table, failed = HEAD, False
    print(HEAD, end="", flush=True)
    for name in args.networks.split(","):
        with tempfile.TemporaryDirectory() as temporary:
            folder = args.folder / name if args.folder else pathlib.Path(temporary)
            if args.folder:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
            row, failures = check_network(name, args, folder)
        table += line(row)
        print(line(row), end="", flush=True)
        for failure in failures:
            print(f"{name}: {failure}", file=sys.stderr, flush=True)
        failed = failed or bool(failures)
    if args.table:
        pathlib.Path(args.table).write_text(table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
