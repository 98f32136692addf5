#!/usr/bin/env python3
"""Makes tests/fixtures/import/: small float networks as PyTorch's two exporters write them, and the logits that PyTorch computes in float64.

    venv/bin/python tools/make_import_fixtures.py        # needs torch, onnx and onnxscript

Each network is written by the exporter of torch.onnx.export(dynamo=False) and by that of dynamo=True: residual blocks, inverted residuals with
ReLU6 and depthwise convolutions, and a chain that flattens a map. "normed" keeps its batch norms, "outside" its weights in a file of their own.
"""
import json
import pathlib

import onnx
import torch
from torch import nn

TARGET = pathlib.Path(__file__).parent.parent / "tests/fixtures/import"
SIDE = 24  # pixels


def conv(inputs, outputs, kernel=3, stride=1, groups=1, activation=nn.ReLU, dilation=1):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2 * dilation, groups=groups, bias=False, dilation=dilation), nn.BatchNorm2d(outputs)]
    return layers + ([activation()] if activation else [])


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(*conv(inputs, outputs, 3, stride), *conv(outputs, outputs, activation=None))
        self.shortcut = nn.Sequential(*conv(inputs, outputs, 1, stride, activation=None)) if stride > 1 else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.body(x) + self.shortcut(x))


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        inner = 3 * inputs
        self.body = nn.Sequential(*conv(inputs, inner, 1, activation=nn.ReLU6), *conv(inner, inner, 3, stride, inner, nn.ReLU6),
                                  *conv(inner, outputs, 1, activation=None))
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.adds else self.body(x)


def residual():
    return nn.Sequential(*conv(3, 8, 5, 2), nn.MaxPool2d(3, 2, 1), Residual(8, 8, 1), Residual(8, 12, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(12, 5))


def inverted():
    return nn.Sequential(*conv(3, 8, 3, 2, activation=nn.ReLU6), Inverted(8, 8, 1), Inverted(8, 12, 2), *conv(12, 24, 3, 1, 4, nn.ReLU6, 2),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(24, 5))


def chain():
    return nn.Sequential(nn.Conv2d(3, 6, (3, 5), (2, 1), (1, 2)), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2),
                         nn.Flatten(), nn.Linear(8 * 3 * 6, 16), nn.ReLU(), nn.Linear(16, 5))


def made(make, seed):
    """With statistics and weights that matter."""
    torch.manual_seed(seed)
    network = make()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, -1.0, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    return network.eval()


def export(network, name, dynamo, **options):
    image = (torch.zeros(2, 3, SIDE, SIDE),)
    free = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)} if dynamo else {"dynamic_axes": {"input": {0: "batch"}}}
    path = TARGET / f"{name}.onnx"
    torch.onnx.export(network, image, path, input_names=["input"], output_names=["logits"], dynamo=dynamo, **{"external_data": False, **free, **options})
    model = onnx.load(path, load_external_data=False)
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]  # stack traces of the machine that made it
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    onnx.save(model, path)


def main():
    TARGET.mkdir(exist_ok=True)
    draw = torch.Generator().manual_seed(1)
    images = torch.randn(2, 3, SIDE, SIDE, generator=draw)
    expected = {"side": SIDE, "images": [round(v, 6) for v in images.permute(0, 2, 3, 1).reshape(-1).tolist()], "logits": {}}
    rounded = torch.tensor(expected["images"], dtype=torch.float64).reshape(2, SIDE, SIDE, 3).permute(0, 3, 1, 2)
    for seed, make in enumerate((residual, inverted, chain)):
        network, name = made(make, seed), make.__name__
        for kind, dynamo in (("traced", False), ("exported", True)):
            export(network, f"{name}_{kind}", dynamo)
        if make is residual:
            export(network, "normed", False, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
        if make is chain:
            export(network, "outside", True, external_data=True)
        expected["logits"][name] = [round(v, 9) for v in network.double()(rounded).detach().reshape(-1).tolist()]
    (TARGET / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
