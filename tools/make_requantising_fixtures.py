#!/usr/bin/env python3
"""Makes tests/fixtures/onnx/requantising.json: what onnxruntime makes of integers where another order of float32 operations gives another code.

    venv/bin/python tools/make_requantising_fixtures.py        # needs numpy, onnx and onnxruntime, and a processor with AVX2

Its operators QLinearConv, QLinearAdd, QLinearGlobalAveragePool and QLinearAveragePool run alone, on random scales and many codes. Kept are the few outputs that
ONNX's own definition, which adds a bias as a float and divides by the output's scale, rounds to another code.
"""
import json
import pathlib

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

TARGET = pathlib.Path(__file__).parent.parent / "tests/fixtures/onnx/requantising.json"
F32 = np.float32
INPUTS = 16  # of a sum of products
POSITIONS = 5  # of a pooled map


def session(kind, data, constants, domain="", **attributes):
    """One operator. constants: name to array, in the order of its inputs, None for data."""
    initialisers = [helper.make_tensor(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape, value.reshape(-1)) for name, value in constants.items()
                    if value is not None]
    node = helper.make_node(kind, list(constants), ["y"], domain=domain, **attributes)
    inputs = [helper.make_tensor_value_info(name, TensorProto.UINT8, [None] * rank) for name, rank in data.items()]
    graph = helper.make_graph([node], "graph", inputs, [helper.make_tensor_value_info("y", TensorProto.UINT8, [None] * max(data.values()))], initialisers)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def scale(draw):
    return F32(draw.uniform(0.01, 0.5))


def coded(values, scale, zero):
    return np.clip(np.rint(values / scale) + F32(zero), 0, 255).astype(np.uint8)


def plain(value):
    return value.item() if isinstance(value, np.generic) else value


def layers(draw):
    kept = []
    while len(kept) < 40:
        s_x, s_w, s_y, z_x, z_y = scale(draw), scale(draw), scale(draw) * 400, int(draw.integers(0, 256)), int(draw.integers(0, 256))
        x = draw.integers(0, 256, (20000, INPUTS, 1, 1), np.uint8)
        w = draw.integers(-127, 128, (1, INPUTS, 1, 1)).astype(np.int8)
        bias = np.array([draw.integers(-200000, 200000)], np.int32)
        run = session("QLinearConv", {"x": 4}, {"x": None, "xs": s_x, "xz": np.uint8(z_x), "w": w, "ws": np.array([s_w]), "wz": np.array([0], np.int8), "ys": s_y,
                                                "yz": np.uint8(z_y), "bias": bias})
        codes = run.run(None, {"x": x})[0].reshape(-1)
        sums = (x.reshape(-1, INPUTS).astype(int) - z_x) @ w.reshape(-1).astype(int)
        other = coded(sums.astype(F32) * (s_x * s_w) + bias.astype(F32) * (s_x * s_w), s_y, z_y)
        for i in np.flatnonzero(codes != other)[:2]:
            kept.append({"x": x[i].reshape(-1).tolist(), "w": w.reshape(-1).tolist(), "bias": int(bias[0]), "x_scale": s_x, "w_scale": s_w, "y_scale": s_y,
                         "x_zero": z_x, "y_zero": z_y, "code": int(codes[i])})
    return kept


def additions(draw):
    a, b = (codes.reshape(-1).astype(np.uint8) for codes in np.meshgrid(np.arange(256), np.arange(256)))
    kept = []
    while len(kept) < 60:
        s_a, s_b, s_y = scale(draw), scale(draw), scale(draw)
        z_a, z_b, z_y = (int(draw.integers(0, 256)) for _ in range(3))
        run = session("QLinearAdd", {"a": 1, "b": 1}, {"a": None, "as": s_a, "az": np.uint8(z_a), "b": None, "bs": s_b, "bz": np.uint8(z_b), "ys": s_y,
                                                       "yz": np.uint8(z_y)}, "com.microsoft")
        codes = run.run(None, {"a": a, "b": b})[0]
        other = coded((a.astype(F32) - F32(z_a)) * s_a + (b.astype(F32) - F32(z_b)) * s_b, s_y, z_y)
        for i in np.flatnonzero(codes != other)[:3]:
            kept.append({"a": int(a[i]), "b": int(b[i]), "a_scale": s_a, "b_scale": s_b, "y_scale": s_y, "a_zero": z_a, "b_zero": z_b, "y_zero": z_y,
                         "code": int(codes[i])})
    return kept


def means(draw):
    kept = []
    while len(kept) < 40:
        s_x, s_y, z_x, z_y = scale(draw), scale(draw), int(draw.integers(0, 256)), int(draw.integers(0, 256))
        x = draw.integers(0, 256, (4000, 8, POSITIONS, 1), np.uint8)
        run = session("QLinearGlobalAveragePool", {"x": 4}, {"x": None, "xs": s_x, "xz": np.uint8(z_x), "ys": s_y, "yz": np.uint8(z_y)}, "com.microsoft",
                      channels_last=0)
        codes = run.run(None, {"x": x})[0].reshape(-1)
        rows = x.reshape(-1, POSITIONS)
        other = coded((rows.astype(int).sum(1) - POSITIONS * z_x).astype(F32) * s_x / F32(POSITIONS), s_y, z_y)
        for i in np.flatnonzero(codes != other)[:2]:
            kept.append({"x": rows[i].tolist(), "x_scale": s_x, "y_scale": s_y, "x_zero": z_x, "y_zero": z_y, "code": int(codes[i])})
    return kept


def windows(draw):
    """Means of a 2x3 window at a corner, whose third column is padding: counted or not."""
    kept = []
    while len(kept) < 60:
        s_x, s_y, z_x, z_y = scale(draw), scale(draw), int(draw.integers(0, 256)), int(draw.integers(0, 256))
        counts = len(kept) // 2 % 2
        x = draw.integers(0, 256, (4000, 8, 2, 2), np.uint8)
        run = session("QLinearAveragePool", {"x": 4}, {"x": None, "xs": s_x, "xz": np.uint8(z_x), "ys": s_y, "yz": np.uint8(z_y)}, "com.microsoft",
                      kernel_shape=[2, 3], pads=[0, 0, 0, 1], count_include_pad=counts, channels_last=0)
        codes = run.run(None, {"x": x})[0].reshape(-1)
        rows = x.reshape(-1, 4)
        count = 6 if counts else 4
        other = coded((rows.astype(int).sum(1) - 4 * z_x).astype(F32) * (s_x / F32(count)), s_y, z_y)
        for i in np.flatnonzero(codes != other)[:2]:
            kept.append({"x": rows[i].tolist(), "counts_padding": counts, "x_scale": s_x, "y_scale": s_y, "x_zero": z_x, "y_zero": z_y, "code": int(codes[i])})
    return kept


def main():
    draw = np.random.default_rng(7)
    cases = {"layers": layers(draw), "additions": additions(draw), "means": means(draw), "windows": windows(draw)}
    lines = [f'"{kind}":[\n' + ",\n".join(json.dumps({key: plain(value) for key, value in case.items()}, separators=(",", ":")) for case in found) + "]"
             for kind, found in cases.items()]
    TARGET.write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
