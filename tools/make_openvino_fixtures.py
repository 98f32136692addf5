#!/usr/bin/env python3
"""Makes tests/fixtures/onnx/openvino.json: codes that OpenVINO computes, where adaq's own float32 operations give others.

    venv/bin/python tools/make_openvino_fixtures.py        # needs numpy, onnx and openvino

Networks of one quantised layer run on many random codes: a convolution and a ReLU (layers), one to which codes are added
(residuals), and two that are added (pairs). The same without the ReLU, with codes that have zero points (layers_with_zeros
and so on). A convolution behind them turns the codes into values that can be read, for codes that leave a network are
computed otherwise. Kept are the few that a sum of values, divided by the scale, rounds to another code
(docs/arithmetic.md, section 11).
"""
import json
import pathlib

import numpy as np
import onnx
import openvino
from onnx import TensorProto, helper, numpy_helper

TARGET = pathlib.Path(__file__).parent.parent / "tests/fixtures/onnx/openvino.json"
F32 = np.float32
CHANNELS, IMAGES, SIDE, KEPT = 16, 16, 128, 80


class Layer:
    """A convolution of one position by [CHANNELS, CHANNELS] weights."""

    def __init__(self, draw, zeros=False):
        self.x_zero = int(draw.integers(50, 200)) if zeros else 0
        self.x_scale, self.w = F32(draw.uniform(0.01, 0.05)), draw.integers(-127, 128, (CHANNELS, CHANNELS)).astype(np.int8)
        self.w_scale = draw.uniform(0.001, 0.004, CHANNELS).astype(F32)
        self.bias = draw.uniform(-1, 1, CHANNELS).astype(F32)

    def value(self, codes):
        sums = np.einsum("nchw,kc->nkhw", codes.astype(np.int32) - self.x_zero, self.w.astype(np.int32)).astype(F32)
        return sums * by_channel(self.x_scale * self.w_scale) + by_channel(self.bias)

    def dequantised(self, codes):
        return (codes.astype(F32) - F32(self.x_zero)) * self.x_scale

    def case(self, x, channel):
        zero = {"x_zero": self.x_zero} if self.x_zero else {}
        return {**zero, "x": x.tolist(), "w": self.w[channel].tolist(), "x_scale": self.x_scale.item(), "w_scale": self.w_scale[channel].item(),
                "bias": self.bias[channel].item()}


def by_channel(values):
    return values.reshape(1, -1, 1, 1)


class Builder:
    def __init__(self):
        self.nodes, self.constants, self.inputs = [], [], []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def quantised(self, value, scale, zero=0):
        parameters = [self.constant(f"{value}.scale", scale), self.constant(f"{value}.zero", np.uint8(zero))]
        codes = self.node("QuantizeLinear", [value, *parameters], f"{value}.codes")
        return self.node("DequantizeLinear", [codes, *parameters], f"{value}.dequantised")

    def input(self, name, layer):
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", CHANNELS, SIDE, SIDE]))
        return self.quantised(name, layer.x_scale, layer.x_zero)

    def convolution(self, name, x, w, w_scale, bias):
        codes = self.constant(f"{name}.w.codes", w.reshape(CHANNELS, CHANNELS, 1, 1))
        scale, zero = self.constant(f"{name}.w.scale", w_scale), self.constant(f"{name}.w.zero", np.zeros(CHANNELS, np.int8))
        weight = self.node("DequantizeLinear", [codes, scale, zero], f"{name}.w", axis=0)
        return self.node("Conv", [x, weight, self.constant(f"{name}.bias", bias)], name)

    def identity(self, name, x):
        one = np.full(CHANNELS, F32(1) / F32(127))
        return self.convolution(name, x, (127 * np.eye(CHANNELS)).astype(np.int8), one, np.zeros(CHANNELS, F32))

    def codes_of(self, value, grid, feeds):
        """What value is quantised to, behind a ReLU where codes count from 0."""
        y = self.quantised(self.node("Identity" if grid.zero else "Relu", [value], "y"), grid.scale, grid.zero)
        self.identity("read", y)
        output = helper.make_tensor_value_info("read", TensorProto.FLOAT, ["batch", CHANNELS, SIDE, SIDE])
        model = helper.make_model(helper.make_graph(self.nodes, "graph", self.inputs, [output], self.constants), ir_version=8,
                                  opset_imports=[helper.make_opsetid("", 17)])
        onnx.checker.check_model(model)
        config = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", config)
        return np.rint(next(iter(compiled(feeds).values())) / grid.scale).astype(int) + grid.zero


def draw_codes(draw):
    return draw.integers(0, 256, (IMAGES, CHANNELS, SIDE, SIDE), np.uint8)


class Output:
    """The grid of an output that takes such values; with zeros it holds negative ones, too."""

    def __init__(self, draw, value, zeros):
        low = min(value.min(), 0) if zeros else 0
        self.scale = F32((np.abs(value).max() if not zeros else value.max() - low) / draw.uniform(200, 255))
        self.zero = int(np.rint(-low / self.scale))

    def differing(self, codes, value):
        value = value if self.zero else np.maximum(value, 0)
        other = np.clip(np.rint(value / self.scale) + self.zero, 0, 255)
        return np.argwhere(codes != other)[:2]

    def case(self, code):
        zero = {"y_zero": self.zero} if self.zero else {}
        return {**zero, "y_scale": self.scale.item(), "code": code.item()}


def layers(draw, zeros=False):
    layer, x = Layer(draw, zeros), draw_codes(draw)
    value, b = layer.value(x), Builder()
    output = Output(draw, value, zeros)
    made = b.convolution("a", b.input("x", layer), layer.w, layer.w_scale, layer.bias)
    codes = b.codes_of(made, output, {"x": layer.dequantised(x)})
    for n, k, h, w in output.differing(codes, value):
        yield {"a": layer.case(x[n, :, h, w], k), **output.case(codes[n, k, h, w])}


def residuals(draw, zeros=False):
    """Its input is what is added. A layer comes before it: a network's input OpenVINO keeps in floats."""
    layer, x = Layer(draw, zeros), draw_codes(draw)
    value, b = layer.value(x) + layer.dequantised(x), Builder()
    output = Output(draw, value, zeros)
    before = b.node("Identity" if zeros else "Relu", [b.identity("before", b.input("x", layer))], "before.y")
    first = b.quantised(before, layer.x_scale, layer.x_zero)
    added = b.node("Add", [b.convolution("a", first, layer.w, layer.w_scale, layer.bias), first], "sum")
    codes = b.codes_of(added, output, {"x": layer.dequantised(x)})
    for n, k, h, w in output.differing(codes, value):
        yield {"a": layer.case(x[n, :, h, w], k), "r": x[n, k, h, w].item(), **output.case(codes[n, k, h, w])}


def pairs(draw, zeros=False):
    first, second, x, z = Layer(draw, zeros), Layer(draw, zeros), draw_codes(draw), draw_codes(draw)
    value, b = first.value(x) + second.value(z), Builder()
    output = Output(draw, value, zeros)
    made = [b.convolution(name, b.input(data, layer), layer.w, layer.w_scale, layer.bias)
            for name, data, layer in (("a", "x", first), ("b", "z", second))]
    codes = b.codes_of(b.node("Add", made, "sum"), output, {"x": first.dequantised(x), "z": second.dequantised(z)})
    for n, k, h, w in output.differing(codes, value):
        yield {"a": first.case(x[n, :, h, w], k), "b": second.case(z[n, :, h, w], k), **output.case(codes[n, k, h, w])}


def main():
    draw, cases = np.random.default_rng(11), {}
    for zeros in (False, True):
        for kind in (layers, residuals, pairs):
            found = cases[kind.__name__ + ("_with_zeros" if zeros else "")] = []
            while len(found) < KEPT:
                found.extend(kind(draw, zeros))
    lines = [f'"{kind}":[\n' + ",\n".join(json.dumps(case, separators=(",", ":")) for case in found) + "]" for kind, found in cases.items()]
    TARGET.write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
