#!/usr/bin/env python3
"""Float logits of adaq and of PyTorch beside float64, on torchvision's networks of full size: the error in PyTorch's own.

    tools/compare_float_logits.py --adaq-run build/release/adaq-run [--images 8] [--size 224] [--target 2] [NETWORK ...]

Each network has random weights whose batch norms were given the statistics of random images. The root of the mean square
of the logits' distance from float64 is divided by that of PyTorch's float32 network, whose tensors have the layout that
adaq's have (channels_last; PyTorch's contiguous ones take other kernels, and err otherwise: their error has a column).
adaq reads the same weights three times: the state dict, and the .onnx files of both of torch's exporters. They fold
batch norms, which rounds each weight once more. Prints a Markdown table; exit status 1 where a ratio is above --target.
Needs torch, torchvision, onnx, onnxscript and Pillow.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torchvision
from PIL import Image

NETWORKS = ["resnet18", "resnet50", "wide_resnet50_2", "resnext50_32x4d", "mobilenet_v2", "mnasnet1_0", "regnet_x_400mf",
            "regnet_x_3_2gf", "vgg11_bn"]
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def write_images(folder, count, size):
    """Smooth random pictures as .png with their labels.txt; as floats [N, 3, size, size], normalised."""
    random, pixels = np.random.default_rng(0), []
    folder.mkdir()
    for i in range(count):
        coarse = Image.fromarray(random.integers(0, 256, (max(size // 8, 1), max(size // 8, 1), 3)).astype(np.uint8))
        picture = coarse.resize((size, size), Image.Resampling.BICUBIC)
        picture.save(folder / f"{i}.png")
        pixels.append(np.asarray(picture))
    (folder / "labels.txt").write_text("".join(f"{i}.png 0\n" for i in range(count)))
    return ((torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255 - MEAN) / STD).contiguous()


def random_network(name, x):
    torch.manual_seed(0)
    network = getattr(torchvision.models, name)()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    with torch.no_grad():
        network.train()(x + 0.1 * torch.randn_like(x))
    return network.eval()


def write_weights(network, name, x, folder):
    """What adaq reads: {column: file}."""
    files = {"state dict": folder / "n.pth", "ONNX, older exporter": folder / "o.onnx", "ONNX, newer exporter": folder / "d.onnx"}
    torch.save({"arch": name, "state_dict": network.state_dict()}, files["state dict"])
    for column, newer in (("ONNX, older exporter", False), ("ONNX, newer exporter", True)):
        torch.onnx.export(network, (x[:1],), files[column], dynamo=newer, verbose=False)
    return files


def rms(difference):
    return float(np.sqrt(np.mean(np.square(difference))))


def row(args, name, images, x, folder):
    network = random_network(name, x)
    files = write_weights(network, name, x, folder)
    with torch.no_grad():
        single = {layout: network.to(memory_format=layout)(x.contiguous(memory_format=layout)).double().numpy()
                  for layout in (torch.contiguous_format, torch.channels_last)}
        exact = network.double()(x.double()).numpy()
    contiguous, own = (rms(logits - exact) for logits in single.values())
    ratios = []
    for weights in files.values():
        logits = folder / "logits.npy"
        run = subprocess.run([args.adaq_run, "--weights", weights, "--val", images, "--float", "--logits", logits],
                             capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(f"{name}, {weights.name}: {run.stderr}")
        ratios.append(rms(np.load(logits) - exact) / own)
    print(f"| {name} | {own / np.abs(exact).max():.1e} | {contiguous / own:.2f} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |", flush=True)
    return max(ratios)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adaq-run", required=True, metavar="FILE", help="the program to run")
    parser.add_argument("--images", type=int, default=8, help="how many [8]")
    parser.add_argument("--size", type=int, default=224, help="their edge in pixels [224]")
    parser.add_argument("--target", type=float, default=2.0, help="ratio not to exceed [2]")
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="NETWORK", help="torchvision's names [nine]")
    args = parser.parse_args()
    args.adaq_run = os.path.abspath(args.adaq_run)
    print("| network | PyTorch's error, of the largest logit | contiguous | state dict | ONNX, older exporter | ONNX, newer exporter |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        images = pathlib.Path(folder) / "images"
        x = write_images(images, args.images, args.size)
        highest = max(row(args, name, images, x, pathlib.Path(folder)) for name in args.networks)
    print(f"\nhighest ratio {highest:.2f}, wanted at most {args.target}")
    return 0 if highest <= args.target else 1


if __name__ == "__main__":
    sys.exit(main())
