#!/usr/bin/env python3
"""Makes tests/fixtures/onnx/openvino.json: codes that OpenVINO computes, where adaq's own float32 operations give others.

    venv/bin/python tools/make_openvino_fixtures.py        # needs numpy, onnx and openvino

Networks of one quantised layer run on many random codes: a convolution and a ReLU (layers), one to which codes are added
(residuals), and two that are added (pairs). A convolution behind them turns the codes into values that can be read, for
codes that leave a network are computed otherwise. Kept are the few that a sum of values, divided by the scale, rounds to
another code (docs/arithmetic.md, section 11).
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

    def __init__(self, draw):
        self.x_scale, self.w = F32(draw.uniform(0.01, 0.05)), draw.integers(-127, 128, (CHANNELS, CHANNELS)).astype(np.int8)
        self.w_scale = draw.uniform(0.001, 0.004, CHANNELS).astype(F32)
        self.bias = draw.uniform(-1, 1, CHANNELS).astype(F32)

    def value(self, codes):
        sums = np.einsum("nchw,kc->nkhw", codes.astype(np.int32), self.w.astype(np.int32)).astype(F32)
        return sums * by_channel(self.x_scale * self.w_scale) + by_channel(self.bias)

    def case(self, x, channel):
        return {"x": x.tolist(), "w": self.w[channel].tolist(), "x_scale": self.x_scale.item(), "w_scale": self.w_scale[channel].item(),
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

    def quantised(self, value, scale):
        parameters = [self.constant(f"{value}.scale", scale), self.constant(f"{value}.zero", np.uint8(0))]
        codes = self.node("QuantizeLinear", [value, *parameters], f"{value}.codes")
        return self.node("DequantizeLinear", [codes, *parameters], f"{value}.dequantised")

    def input(self, name, scale):
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [IMAGES, CHANNELS, SIDE, SIDE]))
        return self.quantised(name, scale)

    def convolution(self, name, x, w, w_scale, bias):
        codes = self.constant(f"{name}.w.codes", w.reshape(CHANNELS, CHANNELS, 1, 1))
        scale, zero = self.constant(f"{name}.w.scale", w_scale), self.constant(f"{name}.w.zero", np.zeros(CHANNELS, np.int8))
        weight = self.node("DequantizeLinear", [codes, scale, zero], f"{name}.w", axis=0)
        return self.node("Conv", [x, weight, self.constant(f"{name}.bias", bias)], name)

    def identity(self, name, x):
        one = np.full(CHANNELS, F32(1) / F32(127))
        return self.convolution(name, x, (127 * np.eye(CHANNELS)).astype(np.int8), one, np.zeros(CHANNELS, F32))

    def codes_of(self, value, scale, feeds):
        """What relu(value) is quantised to."""
        y = self.quantised(self.node("Relu", [value], "y"), scale)
        self.identity("read", y)
        output = helper.make_tensor_value_info("read", TensorProto.FLOAT, [IMAGES, CHANNELS, SIDE, SIDE])
        model = helper.make_model(helper.make_graph(self.nodes, "graph", self.inputs, [output], self.constants), ir_version=8,
                                  opset_imports=[helper.make_opsetid("", 17)])
        onnx.checker.check_model(model)
        config = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", config)
        return np.rint(next(iter(compiled(feeds).values())) / scale).astype(int)


def draw_codes(draw):
    return draw.integers(0, 256, (IMAGES, CHANNELS, SIDE, SIDE), np.uint8)


def output_scale(draw, value):
    return F32(np.abs(value).max() / draw.uniform(200, 255))


def differing(codes, value, scale):
    other = np.clip(np.rint(np.maximum(value, 0) / scale), 0, 255)
    return np.argwhere(codes != other)[:2]


def layers(draw):
    layer, x = Layer(draw), draw_codes(draw)
    value, b = layer.value(x), Builder()
    scale = output_scale(draw, value)
    made = b.convolution("a", b.input("x", layer.x_scale), layer.w, layer.w_scale, layer.bias)
    codes = b.codes_of(made, scale, {"x": x.astype(F32) * layer.x_scale})
    for n, k, h, w in differing(codes, value, scale):
        yield {"a": layer.case(x[n, :, h, w], k), "y_scale": scale.item(), "code": codes[n, k, h, w].item()}


def residuals(draw):
    """Its input is what is added. A layer comes before it: a network's input OpenVINO keeps in floats."""
    layer, x = Layer(draw), draw_codes(draw)
    value, b = layer.value(x) + x.astype(F32) * layer.x_scale, Builder()
    scale = output_scale(draw, value)
    before = b.node("Relu", [b.identity("before", b.input("x", layer.x_scale))], "before.y")
    first = b.quantised(before, layer.x_scale)
    added = b.node("Add", [b.convolution("a", first, layer.w, layer.w_scale, layer.bias), first], "sum")
    codes = b.codes_of(added, scale, {"x": x.astype(F32) * layer.x_scale})
    for n, k, h, w in differing(codes, value, scale):
        yield {"a": layer.case(x[n, :, h, w], k), "r": x[n, k, h, w].item(), "y_scale": scale.item(), "code": codes[n, k, h, w].item()}


def pairs(draw):
    first, second, x, z = Layer(draw), Layer(draw), draw_codes(draw), draw_codes(draw)
    value, b = first.value(x) + second.value(z), Builder()
    scale = output_scale(draw, value)
    made = [b.convolution(name, b.input(data, layer.x_scale), layer.w, layer.w_scale, layer.bias)
            for name, data, layer in (("a", "x", first), ("b", "z", second))]
    codes = b.codes_of(b.node("Add", made, "sum"), scale, {"x": x.astype(F32) * first.x_scale, "z": z.astype(F32) * second.x_scale})
    for n, k, h, w in differing(codes, value, scale):
        yield {"a": first.case(x[n, :, h, w], k), "b": second.case(z[n, :, h, w], k), "y_scale": scale.item(), "code": codes[n, k, h, w].item()}


def main():
    draw, cases = np.random.default_rng(11), {}
    for kind in (layers, residuals, pairs):
        found = cases[kind.__name__] = []
        while len(found) < KEPT:
            found.extend(kind(draw))
    lines = [f'"{kind}":[\n' + ",\n".join(json.dumps(case, separators=(",", ":")) for case in found) + "]" for kind, found in cases.items()]
    TARGET.write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
