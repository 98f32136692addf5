#!/usr/bin/env python3
"""Trains the bundled networks (weights/README.md) on Fashion-MNIST (Debian: dataset-fashion-mnist).

    tools/train_demo.py weights/fashion-resnet18.bin
    tools/train_demo.py weights/fashion-mobilenet_v2.bin --network mobilenet_v2

Needs torch, torchvision, numpy and Pillow, and adaq-convert for all networks but ResNet18. Trains on all 60,000 training images and
prints the test accuracy at the end. With --hold-out 5000 the last 5,000 training images are kept back and tested on instead: so its
settings were chosen.
"""

import argparse
import gzip
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from export_weights import write_bin
from thin_networks import CLASSES, NETWORKS

MEAN, STD = 0.2860, 0.3530  # of the training images' pixels
IN_FLOAT32 = ("mobilenet_v2", "mnasnet")  # PyTorch's depthwise convolutions are several times slower in bf16


def read_idx(path):
    """An IDX file: two zero bytes, the type (8: bytes), how many dimensions, these big-endian, then the data."""
    content = gzip.decompress(pathlib.Path(path).read_bytes())
    if content[:3] != b"\0\0\x08":
        raise SystemExit(f"{path}: starts with {content[:3]!r}, expected an IDX file of bytes")
    shape = np.frombuffer(content, ">u4", content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)


def load(folder, part, size):
    """Images as bytes [N, size, size], resized as torchvision's Resize does a PIL image, and labels [N]."""
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
    if size != images.shape[1]:
        bilinear = Image.Resampling.BILINEAR
        images = np.stack([np.asarray(Image.fromarray(image).resize((size, size), bilinear)) for image in images])
    return torch.from_numpy(images.copy()), torch.from_numpy(labels.astype(np.int64))


def normalise(images):
    """Bytes [N, H, W] to the network's input [N, 1, H, W]."""
    return ((images.float() / 255 - MEAN) / STD).unsqueeze(1).contiguous(memory_format=torch.channels_last)


def augment(images, generator):
    """Each image flipped or not, and moved by up to an eighth of its size."""
    count, size, _ = images.shape
    reach = size // 8
    padded = F.pad(images, (reach,) * 4)
    shift = torch.randint(2 * reach + 1, (2, count, 1), generator=generator)
    rows, columns = shift + torch.arange(size)
    flip = torch.rand(count, 1, generator=generator) < 0.5
    columns = torch.where(flip, columns.flip(1), columns)
    return padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def train(model, images, labels, arguments):
    """SGD with one learning-rate cycle."""
    generator = torch.Generator().manual_seed(arguments.seed)
    steps = len(images) // arguments.batch
    optimiser = torch.optim.SGD(
        model.parameters(), lr=arguments.lr, momentum=0.9, nesterov=True, weight_decay=arguments.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, arguments.lr, total_steps=steps * arguments.epochs, pct_start=0.2
    )
    started = time.time()
    for epoch in range(arguments.epochs):
        model.train()
        order = torch.randperm(len(images), generator=generator)
        total = 0.0
        for batch in order[: steps * arguments.batch].split(arguments.batch):
            x = normalise(augment(images[batch], generator))
            with torch.autocast("cpu", torch.bfloat16, enabled=arguments.network not in IN_FLOAT32):
                logits = model(x)
            loss = F.cross_entropy(logits.float(), labels[batch], label_smoothing=arguments.label_smoothing)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(
            f"epoch {epoch + 1}/{arguments.epochs}: loss {total / steps:.4f}, {time.time() - started:.0f} s", flush=True
        )


@torch.inference_mode()
def count_correct(model, images, labels):
    model.eval()
    return sum((model(normalise(x)).argmax(1) == y).sum().item() for x, y in zip(images.split(500), labels.split(500)))


def write(model, arguments):
    """The network as .bin: ResNet18 in the first version of the format, which needs no program of adaq's."""
    size = arguments.size
    if arguments.network == "resnet18":
        preprocessing = {"resize": size, "crop": size, "channels": 1, "mean": [MEAN], "std": [STD]}
        write_bin(arguments.output, model.state_dict(), preprocessing, CLASSES)
        return
    with tempfile.TemporaryDirectory() as folder:
        torch.save(model.state_dict(), f"{folder}/{arguments.network}.pth")
        pathlib.Path(f"{folder}/classes.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
        options = ["--classes", f"{folder}/classes.txt", "--resize", size, "--crop", size, "--mean", MEAN, "--std", STD]
        command = [arguments.adaq_convert, f"{folder}/{arguments.network}.pth", arguments.output, *options]
        subprocess.run(list(map(str, command)), check=True)


def number(text):
    return float(text) if "." in text else int(text)


def parse_arguments():
    parser = argparse.ArgumentParser(description="Trains adaq's bundled networks on Fashion-MNIST.")
    parser.add_argument("output", metavar="OUT.bin")
    parser.add_argument("--network", choices=NETWORKS, default="resnet18")
    parser.add_argument(
        "--adaq-convert", default="build/release/adaq-convert", metavar="PROGRAM", help="writes networks but ResNet18"
    )
    parser.add_argument(
        "--data", type=pathlib.Path, default="/usr/share/datasets/fashion-mnist", help="folder of the IDX files"
    )
    parser.add_argument("--size", type=int, help="images are resized to this, in pixels (default: 40, ResNet18: 48)")
    parser.add_argument(
        "--width", type=number, nargs=1, default=[], help="of the network, as its function in thin_networks.py takes it"
    )
    parser.add_argument("--epochs", type=int, help="default: 16, ResNet18: 20")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--lr", type=float, default=0.2, help="the cycle's highest learning rate")
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--label-smoothing", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--hold-out", type=int, default=0, metavar="N", help="test on the last N training images instead"
    )
    arguments = parser.parse_args()
    arguments.size = arguments.size or (48 if arguments.network == "resnet18" else 40)
    arguments.epochs = arguments.epochs or (20 if arguments.network == "resnet18" else 16)
    return arguments


def main():
    arguments = parse_arguments()
    if arguments.network != "resnet18" and not pathlib.Path(arguments.adaq_convert).exists():
        raise SystemExit(f"{arguments.adaq_convert}: not there; build it, or give --adaq-convert")
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    images, labels = load(arguments.data, "train", arguments.size)
    if arguments.hold_out:
        test_images, test_labels = images[-arguments.hold_out :], labels[-arguments.hold_out :]
        images, labels = images[: -arguments.hold_out], labels[: -arguments.hold_out]
    else:
        test_images, test_labels = load(arguments.data, "t10k", arguments.size)
    model = NETWORKS[arguments.network](*arguments.width).to(memory_format=torch.channels_last)
    train(model, images, labels, arguments)
    correct = count_correct(model, test_images, test_labels)
    print(f"top-1 {100 * correct / len(test_labels):.2f} % ({correct} of {len(test_labels)})")
    write(model, arguments)


if __name__ == "__main__":
    main()
