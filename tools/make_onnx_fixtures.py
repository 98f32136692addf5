#!/usr/bin/env python3
"""Makes tests/fixtures/onnx/: a tiny quantised network as adaq writes it for each runtime, and what onnxruntime computes on these files.

    venv/bin/python tools/make_onnx_fixtures.py --programs build/release        # needs numpy, onnx and onnxruntime

block.bin has a batch norm's factor below 0, one of 0, and a quantised input. The codes of its sites and its logits are onnxruntime's
with all optimisations off: an independent reading of the files' bytes. onnx.checker and protobuf's own writer check the bytes; forms.onnx
is protobuf's work alone, with fields in the forms that adaq does not write.
"""
import argparse
import json
import pathlib
import struct
import subprocess
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).parent.parent
WEIGHTS = ROOT / "tests/fixtures/weights"
TARGET = ROOT / "tests/fixtures/onnx"
SIDE = 20  # pixels
FILES = {  # options of adaq-convert
    "any": "--for any", "ort": "--for ort", "openvino": "--for openvino", "packed": "--for ort --pack", "u8": "--onnx-input u8",
}
TENSORRT = {"tensorrt": "--for tensorrt"}
DEPLOYED = {"deployed": "--for ort"}


def read_safetensors(path):
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8:8 + length]), content[8 + length:]
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"]).copy()
            for name, entry in header.items() if entry["dtype"] == "F32"}


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(values.astype("<f4").tobytes() for values in tensors.values()))


def write_images(folder):
    """Class folders of PPM files."""
    draw = np.random.default_rng(3)
    for label in range(3):
        (folder / str(label)).mkdir(parents=True)
        for i in range(4):
            pixels = draw.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
            (folder / str(label) / f"{i}.ppm").write_bytes(b"P6 %d %d 255\n" % (SIDE, SIDE) + pixels.tobytes())


def quantise(programs, folder):
    """The networks: 4-bit weights and mixed activations, one that suits TensorRT, and one that is made for onnxruntime."""
    tensors = read_safetensors(WEIGHTS / "basic.safetensors")
    tensors["layer1.0.bn1.weight"][0] *= -1
    tensors["layer2.0.bn2.weight"][1] = 0
    write_safetensors(folder / "network.safetensors", tensors)
    write_images(folder / "images")
    run = [programs / "adaq-run", "--weights", folder / "network.safetensors", "--calib", folder / "images", "--mean", "0.5,0.4,0.3",
           "--std", "0.25,0.2,0.3", "--threads", "1", "--images", "12", "--w4"]
    subprocess.run([*run, "--a8", "--input-bits", "8", "--act-bits", "layer1.0.conv1=4,layer2.0=3", "--bits", "layer2.0.conv1=2",
                    "--save", TARGET / "block.bin"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*run, "--a7", "--symmetric", "--act-bits", "layer1.0=5", "--save", TARGET / "signed.bin"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*run, "--a8", "--deploy", "ort", "--act-bits", "layer1.0.conv2=5,avgpool=6", "--bits", "layer1.0.conv2=8,fc=8",
                    "--save", TARGET / "deployed.bin"], check=True, stdout=subprocess.DEVNULL)


def computed(path, images):
    """Codes around their zero points by site, and the logits."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.SerializeToString() == path.read_bytes(), "protobuf's writer would write other bytes"
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    infos = {info.name: info for info in onnx.shape_inference.infer_shapes(model).graph.value_info}
    zeros = {}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0].endswith(".codes") and node.input[0] in infos and "weight" not in node.input[0]:
            zeros[node.input[0].removesuffix(".codes")] = int(constants[node.input[2]])
    zeros.pop("maxpool", None)  # codes of the site before it
    model.graph.output.extend(infos[f"{site}.codes"] for site in zeros)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    logits, *codes = session.run(None, {"input": images})
    nhwc = [c.astype(int).transpose(0, 2, 3, 1) if c.ndim == 4 else c.astype(int) for c in codes]
    return {site: (values - zeros[site]).reshape(-1).tolist() for site, values in zip(zeros, nhwc)}, logits


def expectations(programs, network, files, pixels):
    floats = ((pixels.astype(np.float32) / np.float32(255) - np.float32([.5, .4, .3])) / np.float32([.25, .2, .3])).transpose(0, 3, 1, 2)
    first = None
    for name, options in files.items():
        path = TARGET / f"{name}.onnx"
        subprocess.run([programs / "adaq-convert", TARGET / f"{network}.bin", path, *options.split()], check=True, stdout=subprocess.DEVNULL)
        codes, logits = computed(path, pixels if name == "u8" else np.ascontiguousarray(floats))
        if first is None:
            first = codes, logits
        assert codes == first[0], f"{name}: other codes"
        assert np.abs(logits - first[1]).max() < 1e-5, f"{name}: other logits"
    return {"codes": first[0], "logits": [round(float(value), 7) for value in first[1].reshape(-1)]}


def forms():
    """Everything that may stand in fields of several kinds: typed data packed and not, attributes of every kind, texts for people."""
    def typed(name, kind, values, dims):
        return helper.make_tensor(name, kind, dims, values)
    tensors = [typed("floats", TensorProto.FLOAT, [1.5, -2, 0, 3], [2, 2]), typed("doubles", TensorProto.DOUBLE, [.1, -1e300], [2]),
               typed("bytes", TensorProto.INT8, [-128, 127, 0], [3]), typed("wide", TensorProto.INT64, [-2**62, 5], [2]),
               typed("narrow", TensorProto.INT4, [-8, 7, 1], [3]), typed("words", TensorProto.UINT16, [65535, 1], [2]),
               typed("scalar", TensorProto.INT32, [-7], []), typed("none", TensorProto.FLOAT, [], [0, 3])]
    node = helper.make_node("Anything", ["input", "", "floats"], ["output"], name="node", domain="of.mine", doc_string="for people",
                            whole=-3, real=.5, text="words", reals=[1.0, 2.5], wholes=[-1, 2**40], texts=["a", "b"], value=tensors[2])
    value = helper.make_tensor_value_info
    graph = helper.make_graph([node], "graph", [value("input", TensorProto.FLOAT, ["batch", None, 4])], [value("output", TensorProto.UINT8, [])],
                              tensors, doc_string="for people", value_info=[value("between", TensorProto.FLOAT, [1])])
    model = helper.make_model(graph, producer_name="by hand", ir_version=10, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("of.mine", 2)])
    helper.set_model_props(model, {"key": "its value"})
    (TARGET / "forms.onnx").write_bytes(model.SerializeToString())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="folder of adaq-run and adaq-convert")
    programs = parser.parse_args().programs
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        quantise(programs, pathlib.Path(folder))
    pixels = np.random.default_rng(4).integers(0, 256, (2, SIDE, SIDE, 3), np.uint8)
    expected = {"side": SIDE, "pixels": pixels.reshape(-1).tolist(), "block": expectations(programs, "block", FILES, pixels),
                "signed": expectations(programs, "signed", TENSORRT, pixels), "deployed": expectations(programs, "deployed", DEPLOYED, pixels)}
    (TARGET / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    forms()


if __name__ == "__main__":
    main()
