"""What tools/verify_onnx.py and tools/check_networks.py read, checked before any of it is used: options, the file, images, adaq's report and
logits. What is wrong is told in one line, and the exit status is 2.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import re
import sys

PROGRAM = pathlib.Path(sys.argv[0]).name
MISSING = [package for module, package in {"numpy": "numpy", "onnx": "onnx", "onnxruntime": "onnxruntime", "PIL": "pillow"}.items()
           if importlib.util.find_spec(module) is None]
if MISSING:
    sys.stderr.write(f"{PROGRAM}: not installed: {', '.join(MISSING)}; the first lines of tools/verify_onnx.py say how to install what it needs\n")
    sys.exit(2)

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from PIL import Image

IMAGE_NAMES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
BATCH = 25
MOST_THREADS = os.cpu_count() or 1  # with more, runtimes hardly get on


def refuse(message):
    sys.stderr.write(f"{PROGRAM}: {' '.join(str(message).split())}\n")
    sys.exit(2)


def first_line(error):
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


# ---- options

class Parser(argparse.ArgumentParser):
    def error(self, message):
        refuse(message)


def number(kind, least, most=float("inf")):
    """A type for argparse: a number of these bounds."""
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            what = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"{text}: expected {what} " + (f"of {least} or more" if most == float("inf") else f"from {least} to {most}"))
        return value
    return parse


def check_paths(file, val, others, output):
    """others: files to be read; output: one that is to be written. Any of these may be None."""
    for path in (file, *others):
        if path and not pathlib.Path(path).is_file():
            refuse(f"{path}: no such file")
    if not pathlib.Path(val).is_dir():
        refuse(f"{val}: no such folder")
    if not file.endswith(".onnx"):
        refuse(f"{file}: expected an .onnx file")
    if output:
        folder = pathlib.Path(output).absolute().parent
        if not folder.is_dir():
            refuse(f"--json {output}: there is no folder {folder}")
        if pathlib.Path(output).is_dir() or not os.access(output if pathlib.Path(output).exists() else folder, os.W_OK):
            refuse(f"--json {output}: cannot be written")


# ---- the file

def metadata(model, key):
    found = [entry.value for entry in model.metadata_props if entry.key == key]
    return json.loads(found[0]) if found else None


def classes_of(model):
    """How many; None where the model does not say."""
    shape = model.graph.output[0].type.tensor_type.shape.dim if model.graph.output else []
    return shape[-1].dim_value or None if shape else None


def load(path):
    try:
        onnx.checker.check_model(path, full_check=True)
        model = onnx.load(path)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, DecodeError, ValueError, OSError, RuntimeError) as error:
        refuse(f"{path}: no valid ONNX file: {first_line(error)}")
    names = [[info.name for info in infos] for infos in (model.graph.input, model.graph.output)]
    if model.producer_name != "adaq" or names != [["input"], ["logits"]]:
        refuse(f"{path}: made by {model.producer_name or 'an unknown program'}, expected a file that adaq-convert or adaq-run --save wrote")
    return model


# ---- images

class Images:
    """Class folders, as the network wants them. The class is the folder's place in sorted order, or that of its name among the classes."""

    def __init__(self, folder, model):
        self.preprocessing = metadata(model, "adaq.preprocessing") or {"resize": 0, "crop": 0, "mean": [.485, .456, .406], "std": [.229, .224, .225]}
        self.pixels = model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
        self.channels = len(self.preprocessing["mean"])
        folders = sorted(entry.name for entry in pathlib.Path(folder).iterdir() if entry.is_dir())
        if not folders:
            refuse(f"{folder}: no class folders, expected one a class with its images in it")
        names = (metadata(model, "adaq.classes") or {}).get("classes", [])
        by_name, classes = set(folders) <= set(names), classes_of(model)
        if not by_name and classes and len(folders) != classes:
            refuse(f"{folder}: {len(folders)} class folders, expected {classes}, as many as the network has classes")
        order = names if by_name else folders
        self.files = [(file, order.index(name)) for name in folders
                      for file in sorted((pathlib.Path(folder) / name).iterdir()) if file.suffix.lower() in IMAGE_NAMES]
        if not self.files:
            refuse(f"{folder}: no images in its class folders")
        self.size = self.common_size()

    def common_size(self):
        """Of all images once prepared: (width, height). Headers alone are read."""
        common = None
        for file, _ in self.files:
            try:
                with Image.open(file) as opened:
                    size = (self.preprocessing["crop"],) * 2 if self.preprocessing["crop"] else self.resized(opened.size)
            except OSError as error:
                refuse(f"{file}: no image that can be read: {first_line(error)}")
            common = common or size
            if size != common:
                refuse(f"{file}: {size[0]}x{size[1]} pixels, expected {common[0]}x{common[1]} as of {self.files[0][0]}: the file has no crop")
        return common

    def resized(self, size):
        width, height = size
        resize = self.preprocessing["resize"]
        if not resize or min(size) == resize:
            return size
        return (resize, int(resize * height / width)) if width <= height else (int(resize * width / height), resize)

    def subset(self, count):
        """Positions of so many, evenly spread; 0: of all."""
        count = min(count or len(self.files), len(self.files))
        return [i * len(self.files) // count for i in range(count)]

    def labels(self, positions):
        return np.array([self.files[i][1] for i in positions])

    def one(self, position):
        file = self.files[position][0]
        try:
            with Image.open(file) as opened:
                image = opened.convert("L" if self.channels == 1 else "RGB")
        except OSError as error:
            refuse(f"{file}: no image that can be read: {first_line(error)}")
        size, crop = self.resized(image.size), self.preprocessing["crop"]
        if size != image.size:
            bicubic = self.preprocessing.get("interpolation") == "bicubic"
            image = image.resize(size, Image.Resampling.BICUBIC if bicubic else Image.Resampling.BILINEAR)
        if crop:
            left, top = (int(round((extent - crop) / 2.0)) if extent >= crop else -((crop - extent) // 2) for extent in image.size)
            image = image.crop((left, top, left + crop, top + crop))
        return np.asarray(image).reshape(image.height, image.width, self.channels)

    def batch(self, positions):
        pixels = np.stack([self.one(i) for i in positions])
        if self.pixels:
            return pixels
        mean, std = (np.array(self.preprocessing[key], np.float32) for key in ("mean", "std"))
        return np.ascontiguousarray(((pixels.astype(np.float32) / np.float32(255) - mean) / std).transpose(0, 3, 1, 2))

    def batches(self, positions):
        for start in range(0, len(positions), BATCH):
            yield self.batch(positions[start:start + BATCH])


# ---- what adaq said

def logits_of_adaq(path, images, model):
    """[all images, classes]"""
    try:
        logits = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        refuse(f"{path}: no .npy file: {first_line(error)}")
    wanted = (len(images.files), classes_of(model))
    if not isinstance(logits, np.ndarray) or logits.shape != wanted or logits.dtype.kind != "f":
        refuse(f"{path}: {getattr(logits, 'dtype', 'no array')} {list(getattr(logits, 'shape', []))}, expected the logits of all images, {list(wanted)}")
    return logits


def expected_top1(path, model, images, positions):
    """Images that adaq's report has right: that of the network in the file, on all these images."""
    try:
        report = json.loads(pathlib.Path(path).read_text())
        settings, accuracy, validation = report["settings"], report["accuracy"], report["validation"]
        network = report["model"]["architecture"]
    except (ValueError, KeyError, TypeError) as error:
        refuse(f"{path}: no report of adaq-run: {first_line(error)}")
    stored = metadata(model, "adaq.settings")
    found = differences(stored, settings) if stored else []
    if "\\" not in model.graph.name and network != model.graph.name:
        found.insert(0, f"network {network}, expected {model.graph.name}")
    if found:
        refuse(f"{path}: the report of another network: {'; '.join(found)}")
    of_images = accuracy["quantised" if stored else "float32"]
    if not of_images:
        refuse(f"{path}: has no accuracy of the {'quantised' if stored else 'float'} network")
    if of_images["images"] != len(images.files) or len(positions) != len(images.files):
        refuse(f"{path}: of {of_images['images']} images; it can be compared on all images of --val alone, {len(images.files)}")
    size = re.search(r"(\d+)x(\d+) pixels", validation["preprocessing"])
    if size and (int(size[2]), int(size[1])) != images.size:
        refuse(f"{path}: of images of {size[0]}, expected {images.size[1]}x{images.size[0]} as those of --val")
    return of_images["top1"]["correct"]


def differences(stored, settings):
    """Settings that the file and the report both have, and have otherwise; of none of them a runtime is no runtime."""
    both = [key for key in stored if key in settings] + ["deploy"] * (("deploy" in stored) != ("deploy" in settings))
    return [f"{key} {settings.get(key, 'none')}, expected {stored.get(key, 'none')}" for key in both if settings.get(key) != stored.get(key)]
