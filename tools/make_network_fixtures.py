#!/usr/bin/env python3
"""Makes tests/fixtures/networks/: thin random ResNets, a few images, and what PyTorch and the yardstick make of them.

    tools/make_network_fixtures.py --yardstick YARDSTICK.py

The yardstick (the methods in plain PyTorch) is imported by its path, so that both sides cannot share one misreading. It knows basic
blocks only; for the bottleneck network only the float logits are kept.
"""
import argparse
import copy
import json
import pathlib

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from export_weights import write_bin
from yardstick_module import given_yardstick

TARGET = pathlib.Path(__file__).parent.parent / "tests/fixtures/networks"
IMAGE = 40  # pixels
CONFIGURATIONS = {
    "w4a32 minmax": dict(w=4, scheme="minmax"),
    "w4a32 norm layer folded": dict(w=4, scheme="norm", granularity="layer", fold=True),
    "w8a8 minmax": dict(w=8, a=8, scheme="minmax"),
    "w4a4 norm": dict(w=4, a=4, scheme="norm"),
    "w4a4 minmax layer sites": dict(w=4, a=4, scheme="minmax", act_sites="layer"),
    "w2a4 lp head and stem 8 bit": dict(w=2, a=4, scheme="lp", head_stem_8bit=True, fold=True),
    "w3a5 minmax, orgnorm activations": dict(w=3, a=5, scheme="minmax", act_scheme="orgnorm"),
}


def thin_resnet(block, blocks, width, classes, channels):
    net = ResNet(block, [1] * 4, num_classes=classes)
    net.inplanes = width
    net.conv1 = nn.Conv2d(channels, width, 7, 2, 3, bias=False)
    net.bn1 = nn.BatchNorm2d(width)
    for stage, count in enumerate(blocks):
        setattr(net, f"layer{stage + 1}", net._make_layer(block, width << stage, count, stride=1 if stage == 0 else 2))
    net.fc = nn.Linear((width << 3) * block.expansion, classes)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    return net.eval()


def site_names(units):
    """The yardstick's quantisers under adaq's names of sites."""
    names = {}
    for i, unit in enumerate(units):
        if i == 0 or i == len(units) - 1:
            names["conv1" if i == 0 else "fc"] = unit.act
            continue
        block = f"layer{i}.0"
        names[block] = unit.act
        names |= {f"{block}.conv1": unit.conv1.act, f"{block}.conv2": unit.conv2.act}
        if unit.down is not None:
            names[f"{block}.downsample"] = unit.down.act
    return {name: act for name, act in names.items() if act is not None}


def quantised(yardstick, net, images, changes):
    defaults = dict(w=4, a=32, method="nearest", scheme="minmax", act_scheme=None, p=2.4, granularity="channel", fold=False, bn="fixed",
                    head_stem_8bit=False, act_sites="block", correction_steps=0)
    args = argparse.Namespace(**{**defaults, **changes})
    rounded = yardstick.Net(net, args)
    original = yardstick.Net(net, argparse.Namespace(**{**vars(args), "scheme": "minmax", "a": 32, "fold": False}))
    original.set("float", False)
    with torch.no_grad():
        rounded.set("hard", False)
        if args.a < 32:
            yardstick.run(rounded, original, images, args)
        rounded.set("hard", args.a < 32)
        logits = rounded(images)
    sites = {name: dict(bits=act.bits, one_sided=act.one_sided, scale=act.scale.item(), zero_point=act.z.item())
             for name, act in site_names(rounded.units).items()}
    return dict(settings={k: v for k, v in changes.items()}, sites=sites, logits=logits.flatten().tolist())


def main():
    yardstick = given_yardstick(__doc__)
    torch.manual_seed(4)  # of a few, one where no activation lies within float rounding of a tie
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, block, blocks, width, channels in (("basic", BasicBlock, [1, 1, 1, 1], 6, 3), ("bottleneck", Bottleneck, [2, 1, 1, 1], 4, 1)):
        net = thin_resnet(block, blocks, width, 7, channels)
        images = torch.randint(-16, 17, (3, channels, IMAGE, IMAGE)).float() / 8  # exact in a few digits
        with torch.no_grad():
            logits = copy.deepcopy(net).double()(images.double())
        expected = dict(image=IMAGE, images=[int(8 * v) for v in images.permute(0, 2, 3, 1).flatten().tolist()], logits=logits.flatten().tolist())
        if block is BasicBlock:
            expected["configurations"] = {key: quantised(yardstick, net, images, changes) for key, changes in CONFIGURATIONS.items()}
        write_bin(TARGET / f"{name}.bin", net.state_dict())
        (TARGET / f"{name}.json").write_text(json.dumps(expected, separators=(",", ":")))
    for path in sorted(TARGET.iterdir()):
        print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
