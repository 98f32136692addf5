#!/usr/bin/env python3
"""Writes a PyTorch ResNet as adaq's flat binary (weights/FORMAT.md), for those who have torch at hand.

    tools/export_weights.py resnet.pth resnet.bin --resize 256 --crop 224 --classes names.txt
    tools/export_weights.py torchvision:resnet18 resnet18.bin

adaq-convert does the same without Python. From Python: write_bin(path, state_dict, preprocessing, classes),
and read_bin(path) for a float network of any family.
"""

import argparse
import contextlib
import json
import os
import pathlib
import pickle
import re
import sys
import tempfile
import zlib

import torch

MAGIC = b"ADAQBIN1"
ALIGNMENT = 64  # bytes; of every tensor, counted from the start of the file
CRC_PLACEHOLDER = "00000000"
DTYPES = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}
STAGES = 4
IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class ExportError(Exception):
    """One sentence for a person: what was found and what was expected."""


def read_state_dict(path):
    """The tensors of a .pth file by torchvision's names, whether saved bare or nested, with or without "module." before them."""
    with naming(path):
        return tidy(nested_state_dict(load_tensors(path)))


@contextlib.contextmanager
def naming(subject):
    """Puts what an error is about (a file, an option) before its sentence."""
    try:
        yield
    except ExportError as e:
        raise ExportError(f"{subject}: {e}") from e


def load_tensors(path):
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as e:
        raise ExportError(f"cannot be read ({e.strerror or e})") from e
    except pickle.UnpicklingError as e:
        raise ExportError(
            "holds more than tensors (a whole pickled model?), expected a state dict, as saved by "
            "torch.save(model.state_dict(), FILE)"
        ) from e
    except (RuntimeError, EOFError, ValueError, LookupError) as e:
        raise ExportError("cut short or damaged, or not a file of torch.save at all, expected a state dict") from e


def nested_state_dict(found):
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict):
        raise ExportError(f"holds a {type(found).__name__}, expected a state dict")
    return found


def tidy(state):
    """Bare names, no num_batches_tracked (inference has no use for it), doubles as floats; refuses NaN and infinity.

    The prefixes that go are those of DataParallel, torch.compile and Lightning.
    """
    tensors = {}
    for name, value in state.items():
        name = re.sub(r"^((module|_orig_mod|model)\.)+", "", str(name))
        if name.endswith("num_batches_tracked"):
            continue
        if not isinstance(value, torch.Tensor):
            raise ExportError(f"{name}: is of type {type(value).__name__}, expected a tensor")
        value = value.detach().cpu().contiguous()
        if value.dtype == torch.float64:
            value = value.float()
        if value.dtype not in DTYPES:
            raise ExportError(f"{name}: has dtype {value.dtype}, expected one of {', '.join(map(str, DTYPES))}")
        if not torch.isfinite(value).all():
            raise ExportError(f"{name}: holds NaN or infinity, expected finite values")
        tensors[name] = value
    return tensors


def torchvision_model(name):
    """State dict, preprocessing and class names of torchvision's "resnet18" or "resnet50:IMAGENET1K_V2"."""
    import torchvision  # only here: a state dict of one's own does not need it

    model, _, version = name.partition(":")
    try:
        weights = torchvision.models.get_model_weights(model)[version or "IMAGENET1K_V1"]
    except (ValueError, KeyError) as e:
        raise ExportError(f"torchvision:{name}: torchvision has no such model or weights") from e
    try:
        state_dict = weights.get_state_dict(check_hash=True)
    except (OSError, RuntimeError) as e:
        raise ExportError(f"torchvision:{name}: {weights.url} cannot be downloaded ({first_line(e)})") from e
    recipe = weights.transforms()
    preprocessing = {
        "resize": recipe.resize_size[0],
        "crop": recipe.crop_size[0],
        "channels": 3,
        "mean": recipe.mean,
        "std": recipe.std,
    }
    if recipe.interpolation.value != "bilinear":
        preprocessing["interpolation"] = recipe.interpolation.value
    return tidy(state_dict), preprocessing, weights.meta["categories"]


def architecture_of(tensors):
    """Reads the ResNet's shape off its tensors and checks that they are exactly those of such a torchvision ResNet."""
    for name, dimensions in (("conv1.weight", 4), ("fc.weight", 2)):
        if name not in tensors or tensors[name].dim() != dimensions:
            raise ExportError(f"{name}: missing or not of {dimensions} dimensions, expected a torchvision ResNet")
    blocks = []
    for stage in range(1, STAGES + 1):
        indices = {int(m[1]) for name in tensors if (m := re.match(rf"layer{stage}\.(\d+)\.", name))}
        if not indices:
            raise ExportError(f"layer{stage}: missing, expected a torchvision ResNet of {STAGES} stages")
        blocks.append(len(indices))  # a gap in the numbers shows below, as a missing tensor
    width, input_channels = tensors["conv1.weight"].shape[:2]
    architecture = {
        "family": "resnet",
        "block": "bottleneck" if "layer1.0.conv3.weight" in tensors else "basic",
        "blocks": blocks,
        "width": width,
        "classes": tensors["fc.weight"].shape[0],
        "input_channels": input_channels,
        "stem": "conv7x7s2-maxpool3x3s2",
    }
    check_shapes(tensors, expected_shapes(architecture), architecture)
    return architecture


def expected_shapes(architecture):
    """Shape of each tensor that torchvision's ResNet of this architecture has, by name, in network order."""
    shapes = {}

    def conv_bn(conv, bn, output, inputs, kernel):
        shapes[f"{conv}.weight"] = [output, inputs, kernel, kernel]
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{bn}.{part}"] = [output]

    channels = architecture["width"]
    conv_bn("conv1", "bn1", channels, architecture["input_channels"], 7)
    for stage, count in enumerate(architecture["blocks"]):
        planes = architecture["width"] << stage
        kernels, outputs = [3, 3], [planes, planes]
        if architecture["block"] == "bottleneck":
            kernels, outputs = [1, 3, 1], [planes, planes, 4 * planes]
        for index in range(count):
            block = f"layer{stage + 1}.{index}"
            inputs = [channels, *outputs[:-1]]
            for i, (output, source, kernel) in enumerate(zip(outputs, inputs, kernels, strict=True), start=1):
                conv_bn(f"{block}.conv{i}", f"{block}.bn{i}", output, source, kernel)
            if index == 0 and (stage > 0 or channels != outputs[-1]):
                conv_bn(f"{block}.downsample.0", f"{block}.downsample.1", outputs[-1], channels, 1)
            channels = outputs[-1]
    shapes["fc.weight"], shapes["fc.bias"] = [architecture["classes"], channels], [architecture["classes"]]
    return shapes


def check_shapes(tensors, shapes, architecture):
    """Refuses a tensor that is missing, of another shape, or one too many, by name."""
    block, blocks, width = (architecture[key] for key in ("block", "blocks", "width"))
    what = f"a torchvision ResNet ({block} blocks {blocks}, width {width})"
    for name, shape in shapes.items():
        if name not in tensors:
            raise ExportError(f"{name}: missing, expected in {what}")
        if list(tensors[name].shape) != shape:
            raise ExportError(f"{name}: has shape {list(tensors[name].shape)}, expected {shape} in {what}")
    if extra := next((name for name in tensors if name not in shapes), None):
        raise ExportError(f"{extra}: not expected in {what}")


def write_bin(path, state_dict, preprocessing=None, classes=None):
    """Writes a state dict as adaq's flat binary, or raises ExportError.

    preprocessing: {"resize": 256, "crop": 224, "channels": 3, "mean": [...], "std": [...]}, and "interpolation":
    "bicubic" where that is how images are resized, see weights/FORMAT.md;
    classes: a list of names; either may be None.
    """
    tensors = tidy(state_dict)
    architecture = architecture_of(tensors)
    header = {"format": 1, "header_crc32": CRC_PLACEHOLDER, "architecture": architecture}
    if preprocessing is not None:
        check_preprocessing(preprocessing, architecture["input_channels"])
        header["preprocessing"] = preprocessing
    if classes is not None:
        if len(classes) != architecture["classes"]:
            raise ExportError(f"{len(classes)} class names, expected {architecture['classes']}: one a row of fc.weight")
        header["classes"] = list(classes)
    blobs = {name: tensor_bytes(tensors[name]) for name in expected_shapes(architecture)}
    entries = [
        {
            "name": name,
            "dtype": DTYPES[tensors[name].dtype],
            "shape": list(tensors[name].shape),
            "offset": 0,
            "bytes": len(blob),
            "crc32": f"{zlib.crc32(blob):08x}",
        }
        for name, blob in blobs.items()
    ]
    header_bytes = lay_out(header, entries)
    replace_file(path, file_bytes(header_bytes, entries, blobs))


def read_bin(path):
    """Tensors by name, and the preprocessing, of a float network that adaq or write_bin wrote."""
    content = pathlib.Path(path).read_bytes()
    header = json.loads(content[16 : 16 + int.from_bytes(content[8:16], "little")])
    dtypes = {name: dtype for dtype, name in DTYPES.items()}
    tensors = {}
    for entry in header["tensors"]:
        blob = bytearray(content[entry["offset"] : entry["offset"] + entry["bytes"]])
        tensors[entry["name"]] = torch.frombuffer(blob, dtype=dtypes[entry["dtype"]]).reshape(entry["shape"])
    return tensors, header["preprocessing"]


def check_preprocessing(preprocessing, channels):
    if preprocessing["channels"] != channels:
        raise ExportError(f"preprocessing: {preprocessing['channels']} channels, expected the network's {channels}")
    for key in ("mean", "std"):
        if len(preprocessing[key]) != channels:
            count = len(preprocessing[key])
            raise ExportError(f"preprocessing: {count} values of {key}, expected {channels}: one a channel")
    if min(preprocessing["std"]) <= 0:
        raise ExportError(f"preprocessing: std {preprocessing['std']}, expected positive values")
    for key in ("resize", "crop"):
        if preprocessing[key] < 0:
            raise ExportError(f"preprocessing: {key} {preprocessing[key]}, expected pixels, or 0 to leave the step out")
    if (found := preprocessing.get("interpolation", "bilinear")) not in INTERPOLATIONS:
        raise ExportError(f"preprocessing: interpolation {found}, expected {' or '.join(INTERPOLATIONS)}")


def tensor_bytes(tensor):
    """Row-major, little-endian (numpy knows no bf16, so the bytes are viewed as integers of the same size)."""
    integers = {2: torch.int16, 4: torch.int32}[tensor.element_size()]
    array = tensor.view(integers).numpy()
    return array.astype(array.dtype.newbyteorder("<")).tobytes()


def aligned(offset):
    return -(-offset // ALIGNMENT) * ALIGNMENT


def lay_out(header, entries):
    """Sets each entry's offset and returns the header's bytes with its CRC.

    The offsets' digits count towards the header's own length, so the start of the data is moved until both agree; it
    only ever grows.
    """
    data_start = 0
    while True:
        offset = data_start
        for entry in entries:
            entry["offset"] = offset
            offset = aligned(offset + entry["bytes"])
        text = json.dumps(header | {"tensors": entries}, ensure_ascii=False, separators=(",", ":")).encode()
        needed = aligned(len(MAGIC) + 8 + len(text))
        if needed == data_start:
            break
        data_start = needed
    field = '"header_crc32":"{}"'  # cannot occur inside a JSON string, where quotes are escaped
    crc = f"{zlib.crc32(text):08x}"
    return text.replace(field.format(CRC_PLACEHOLDER).encode(), field.format(crc).encode(), 1)


def file_bytes(header_bytes, entries, blobs):
    out = bytearray(MAGIC + len(header_bytes).to_bytes(8, "little") + header_bytes)
    for entry in entries:
        out += bytes(entry["offset"] - len(out))  # zeros
        out += blobs[entry["name"]]
    return out


def replace_file(path, content):
    """Writes beside and renames, so that nobody ever sees half a file."""
    path = pathlib.Path(path)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as beside:
            with open(pathlib.Path(beside) / path.name, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            os.replace(out.name, path)
    except OSError as e:
        raise ExportError(f"{path}: cannot be written ({e.strerror})") from e


def first_line(error):
    return (str(error).splitlines() or [type(error).__name__])[0]


def parse_arguments():
    parser = argparse.ArgumentParser(description="Writes a PyTorch ResNet as adaq's flat binary (weights/FORMAT.md).")
    parser.add_argument(
        "input",
        metavar="IN",
        help="a state dict saved by torch.save, or torchvision:MODEL[:WEIGHTS], e.g. torchvision:resnet18 "
        "(downloads IMAGENET1K_V1)",
    )
    parser.add_argument("output", metavar="OUT.bin")
    parser.add_argument("--classes", metavar="FILE", help="class names, one a line")
    parser.add_argument("--resize", type=int, metavar="PIXELS", help="resize images to this shorter edge; 0: do not")
    parser.add_argument("--crop", type=int, metavar="PIXELS", help="then crop a centred square of this edge; 0: do not")
    parser.add_argument("--interpolation", choices=INTERPOLATIONS, help="how images are resized (default: bilinear)")
    parser.add_argument(
        "--mean",
        type=float,
        nargs="+",
        metavar="M",
        help="one a channel, of values in [0, 1] (default for 3 channels: ImageNet's)",
    )
    parser.add_argument("--std", type=float, nargs="+", metavar="S", help="likewise")
    return parser.parse_args()


def chosen_preprocessing(arguments, known, channels):
    """What the options say over what is known of the weights; None where neither says anything."""
    keys = ("resize", "crop", "mean", "std", "interpolation")
    given = {key: value for key in keys if (value := getattr(arguments, key)) is not None}
    if not given and known is None:
        return None
    defaults = known or {"resize": 0, "crop": 0, "channels": channels}
    if channels == 3:
        defaults = {"mean": IMAGENET_MEAN, "std": IMAGENET_STD} | defaults
    result = defaults | given
    if missing := [f"--{key}" for key in ("mean", "std") if key not in result]:
        raise ExportError(f"{' and '.join(missing)}: missing, expected for a network of {channels} input channels")
    if result.get("interpolation") == "bilinear":
        del result["interpolation"]
    keys = ("resize", "crop", "channels", "mean", "std", "interpolation")
    return {key: result[key] for key in keys if key in result}


def read_classes(path):
    try:
        return [line.strip() for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as e:
        raise ExportError(f"--classes {path}: cannot be read ({e.strerror})") from e
    except UnicodeDecodeError as e:
        raise ExportError(f"--classes {path}: not UTF-8 at byte {e.start}") from e


def main():
    arguments = parse_arguments()
    try:
        kind, _, name = arguments.input.partition(":")
        if kind == "torchvision":
            tensors, preprocessing, classes = torchvision_model(name)
        else:
            tensors, preprocessing, classes = read_state_dict(arguments.input), None, None
        if arguments.classes:
            classes = read_classes(arguments.classes)
        with naming(arguments.input):
            channels = architecture_of(tensors)["input_channels"]
        write_bin(arguments.output, tensors, chosen_preprocessing(arguments, preprocessing, channels), classes)
    except ExportError as e:
        sys.exit(f"export_weights: {e}")


if __name__ == "__main__":
    main()
