#!/usr/bin/env python3
"""Makes tests/fixtures/families/: what torchvision's families of networks look like, and what small ones of them compute.

shapes.txt.gz lists every tensor of full-size networks with random weights, and their multiply-adds for one image. logits.json has the
logits of small networks in float64, and how far PyTorch's own float32 is from them. Their weights are made by a formula of names and
indices, here and in the tests (tests/support/family_fixtures.h), so that no file holds them. onnx/ has the same networks as PyTorch's two
exporters write them ("traced", "exported"), and with their batch norms ("normed"). Of a weight such a file says that it is elsewhere, in a
file of the weight's name, which there is not.
"""
import gzip
import json
import pathlib
import tempfile
import zlib

import numpy as np
import onnx
import torch
import torchvision
from torch import nn
from torchvision.models.regnet import BlockParams, RegNet
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.vgg import VGG, make_layers

TARGET = pathlib.Path(__file__).parent.parent / "tests/fixtures/families"
FULL_SIZE = """resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d resnext101_32x8d resnext101_64x4d wide_resnet50_2
wide_resnet101_2 mobilenet_v2 mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3 regnet_x_400mf regnet_x_800mf regnet_x_1_6gf regnet_x_3_2gf
regnet_x_8gf regnet_x_16gf regnet_x_32gf vgg11_bn vgg13_bn vgg16_bn vgg19_bn vgg11 vgg13 vgg16 vgg19""".split()
CLASSES = 20
IMAGES = 5


def made_up(name, shape):
    """Numbers in [-1, 1), the same on every machine: a hash of the name and the index, 24 bits of it."""
    count = int(np.prod(shape, dtype=np.int64))
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(zlib.crc32(name.encode()))
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    x ^= x >> np.uint32(16)
    return ((x >> np.uint32(8)).astype(np.float32) * np.float32(2**-23) - np.float32(1)).reshape(shape)


def parameter(name, shape):
    u = made_up(name, shape)
    if len(shape) > 1:  # as wide as keeps the variance behind a ReLU
        return u * np.float32(np.sqrt(6.0 / np.prod(shape[1:])))
    factor, middle = dict(running_var=(0.75, 1.25), running_mean=(0.25, 0.0), weight=(0.5, 1.0), bias=(0.25, 0.0))[name.rsplit(".", 1)[1]]
    return u * np.float32(factor) + np.float32(middle)


def tensors_of(net):
    return {name: tuple(tensor.shape) for name, tensor in net.state_dict().items() if not name.endswith("num_batches_tracked")}


def multiply_adds(net, size):
    total = 0

    def count(module, _, output):
        nonlocal total
        total += output.numel() * module.weight[0].numel()

    hooks = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        net(torch.zeros(1, 3, size, size))
    for hook in hooks:
        hook.remove()
    return total


def full_size_lists():
    lines = []
    for name in FULL_SIZE:
        with torch.device("cpu" if name.startswith("regnet") else "meta"):  # whose widths are computed as tensors
            net = getattr(torchvision.models, name)(weights=None).eval().to("meta")
        with torch.device("meta"):
            macs = multiply_adds(net, 224)
        lines.append(f"{name} {macs}")
        lines += [f"  {tensor} {'x'.join(map(str, shape))}" for tensor, shape in tensors_of(net).items()]
    return "\n".join(lines) + "\n"


def resnet(block, **options):
    return ResNet(block, [1, 1, 2, 2], num_classes=CLASSES, **options), 64


def thin_vgg(plan, norms):
    with torch.device("meta"):  # whose classifier is large, and made anew
        net = VGG(nn.Identity(), init_weights=False)
    net.features = make_layers(plan, batch_norm=norms)
    net.classifier = nn.Sequential(nn.Linear(plan[-2] * 49, 48), nn.ReLU(True), nn.Dropout(), nn.Linear(48, 40), nn.ReLU(True), nn.Dropout(),
                                   nn.Linear(40, CLASSES))
    return net, 224


def small_networks():
    plan = [8, "M", 12, "M", 16, 16, "M", 16, 16, "M", 24, 24, "M"]
    regnet = BlockParams(depths=[1, 2, 3, 1], widths=[16, 32, 48, 64], group_widths=[8, 8, 16, 16], bottleneck_multipliers=[1.0] * 4, strides=[2] * 4)
    return {
        "resnet": resnet(BasicBlock),
        "resnext": resnet(Bottleneck, groups=8, width_per_group=4),
        "wide_resnet": resnet(Bottleneck, width_per_group=96),
        "dilated_resnet_os8": resnet(Bottleneck, replace_stride_with_dilation=[False, True, True]),
        "dilated_resnet_os16": resnet(Bottleneck, replace_stride_with_dilation=[False, False, True]),
        "mobilenet_v2": (torchvision.models.mobilenet_v2(weights=None, width_mult=0.25, num_classes=CLASSES), 64),
        "mnasnet": (torchvision.models.MNASNet(0.35, num_classes=CLASSES), 64),
        "regnet_x": (RegNet(regnet, num_classes=CLASSES, stem_width=12), 64),
        "vgg_bn": thin_vgg(plan, True),
        "vgg": thin_vgg(plan, False),
    }


def filled(net):
    shapes = tensors_of(net)
    for name, tensor in net.eval().state_dict().items():
        if name in shapes:
            tensor.copy_(torch.from_numpy(parameter(name, shapes[name])))
    return net


def case(net, size):
    shapes = tensors_of(net)
    images = torch.from_numpy(made_up("images", (IMAGES, 3, size, size)))
    with torch.no_grad():
        own = net(images).double()
        exact = net.double()(images.double())
    error = (own - exact).square().mean().sqrt().item()
    return dict(size=size, tensors=[[name, list(shape)] for name, shape in shapes.items()], logits=exact.flatten().tolist(), float32_error=error)


def as_onnx(net, size, path, dynamo, **options):
    """Without weights, and without what tells the machine that made it."""
    free = {"dynamic_shapes": ({0: torch.export.Dim("batch")},), "external_data": False} if dynamo else {"dynamic_axes": {"input": {0: "batch"}}}
    torch.onnx.export(net, (torch.zeros(2, 3, size, size),), path, input_names=["input"], output_names=["logits"], dynamo=dynamo, **free, **options)
    model = onnx.load(path)
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.dims:
            size = len(tensor.raw_data)
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=tensor.name)
            tensor.external_data.add(key="length", value=str(size))
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    return gzip.compress(model.SerializeToString(), mtime=0)


def export(name, net, size):
    """After filled(): the older exporter keeps equal tensors once."""
    (TARGET / "onnx").mkdir(exist_ok=True)
    norms = dict(training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "network.onnx"
        for kind, dynamo, options in (("traced", False, {}), ("exported", True, {}), ("normed", False, norms)):
            (TARGET / f"onnx/{name}_{kind}.onnx.gz").write_bytes(as_onnx(net, size, path, dynamo, **options))


def main():
    torch.set_num_threads(1)
    TARGET.mkdir(parents=True, exist_ok=True)
    networks = {name: (filled(net), size) for name, (net, size) in small_networks().items()}
    for name, (net, size) in networks.items():
        export(name, net, size)
    (TARGET / "shapes.txt.gz").write_bytes(gzip.compress(full_size_lists().encode(), mtime=0))
    cases = {name: case(net, size) for name, (net, size) in networks.items()}
    (TARGET / "logits.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    for path in sorted(TARGET.rglob("*.gz")) + [TARGET / "logits.json"]:
        print(path.name, path.stat().st_size, "bytes")
    for name, values in cases.items():
        print(f"{name}: logits of about {np.sqrt(np.mean(np.square(values['logits']))):.3g}, float32 off by {values['float32_error']:.2g}")


if __name__ == "__main__":
    main()
