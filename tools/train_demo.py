#!/usr/bin/env python3
"""Trains the bundled model: a ResNet18 of a quarter of the width, on Fashion-MNIST (Debian: dataset-fashion-mnist).

    tools/train_demo.py weights/fashion-resnet18.bin

Needs torch, torchvision, numpy and Pillow. Trains on all 60,000 training images and prints the test accuracy at the end.
With --hold-out 5000 the last 5,000 training images are kept back and tested on instead: so its settings were chosen.
"""

import argparse
import gzip
import pathlib
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet

from export_weights import write_bin

CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
MEAN, STD = 0.2860, 0.3530  # of the training images' pixels


class ThinResNet18(ResNet):
    """torchvision's ResNet18 with grey input and `width` instead of 64 channels after the stem."""

    def __init__(self, width):
        super().__init__(BasicBlock, [1, 1, 1, 1], num_classes=len(CLASSES))  # for its forward; the layers are replaced
        self.inplanes = width
        self.conv1 = nn.Conv2d(1, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        for stage in range(4):
            layer = self._make_layer(BasicBlock, width << stage, 2, stride=1 if stage == 0 else 2)
            setattr(self, f"layer{stage + 1}", layer)
        self.fc = nn.Linear(width << 3, len(CLASSES))
        for module in self.modules():  # as torchvision starts its own
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


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
            with torch.autocast("cpu", torch.bfloat16):
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


def parse_arguments():
    parser = argparse.ArgumentParser(description="Trains adaq's bundled model on Fashion-MNIST.")
    parser.add_argument("output", metavar="OUT.bin")
    parser.add_argument(
        "--data", type=pathlib.Path, default="/usr/share/datasets/fashion-mnist", help="folder of the IDX files"
    )
    parser.add_argument("--size", type=int, default=48, help="images are resized to this, in pixels")
    parser.add_argument("--width", type=int, default=16, help="channels after the stem (ResNet18 itself: 64)")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--lr", type=float, default=0.2, help="the cycle's highest learning rate")
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--label-smoothing", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--hold-out", type=int, default=0, metavar="N", help="test on the last N training images instead"
    )
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    images, labels = load(arguments.data, "train", arguments.size)
    if arguments.hold_out:
        test_images, test_labels = images[-arguments.hold_out :], labels[-arguments.hold_out :]
        images, labels = images[: -arguments.hold_out], labels[: -arguments.hold_out]
    else:
        test_images, test_labels = load(arguments.data, "t10k", arguments.size)
    model = ThinResNet18(arguments.width).to(memory_format=torch.channels_last)
    train(model, images, labels, arguments)
    correct = count_correct(model, test_images, test_labels)
    print(f"top-1 {100 * correct / len(test_labels):.2f} % ({correct} of {len(test_labels)})")
    preprocessing = {"resize": arguments.size, "crop": arguments.size, "channels": 1, "mean": [MEAN], "std": [STD]}
    write_bin(arguments.output, model.state_dict(), preprocessing, CLASSES)


if __name__ == "__main__":
    main()
