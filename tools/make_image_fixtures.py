#!/usr/bin/env python3
"""Makes tests/fixtures/images: small synthetic images in many formats, and the pixels that Pillow and torchvision make of them.

    python3 tools/make_image_fixtures.py tests/fixtures/images

expected.json lists the cases; expected.bin.gz holds their numbers one after the other. Needs numpy, Pillow (13 or later: see
loaders/images/resample.h), torch and torchvision.
"""
import gzip
import json
import os
import struct
import sys
import zlib

import numpy as np
from PIL import Image
from torchvision import transforms


def photo(height, width, seed):
    """Something like a photograph: smooth light, a few hard edges, a little noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    image = np.zeros((height, width, 3))
    for channel in range(3):
        for _ in range(4):
            fy, fx, phase = random.uniform(-14, 14), random.uniform(-14, 14), random.uniform(0, 6)
            image[..., channel] += random.uniform(10, 35) * np.sin(fy * y + fx * x + phase)
    for _ in range(6):
        cy, cx, radius = random.uniform(0, y.max()), random.uniform(0, x.max()), random.uniform(0.05, 0.2)
        image[(y - cy) ** 2 + (x - cx) ** 2 < radius ** 2] += random.uniform(-90, 90, 3)
    image += 128 + random.normal(0, 3, image.shape)
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))


def png(width, height, depth, colour_type, rows):
    """A PNG file of the given raw rows (Pillow cannot write every kind)."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def write_images(folder):
    def path(name):
        return os.path.join(folder, name)

    photo(61, 97, 1).save(path("420.jpg"), quality=85, subsampling="4:2:0")
    photo(53, 70, 2).save(path("422.jpg"), quality=85, subsampling="4:2:2")
    photo(64, 64, 3).save(path("444.jpg"), quality=90, subsampling="4:4:4")
    photo(47, 59, 4).convert("L").save(path("grey.jpg"), quality=85)
    photo(45, 66, 5).convert("CMYK").save(path("cmyk.jpg"), quality=85)
    photo(75, 50, 6).save(path("progressive.jpg"), quality=80, progressive=True, subsampling="4:2:0")
    photo(38, 51, 7).save(path("restart.jpg"), quality=80, restart_marker_blocks=2)
    photo(1, 1, 8).save(path("one-pixel.jpg"))
    photo(3, 120, 9).save(path("strip.jpg"), subsampling="4:2:0")
    photo(203, 310, 10).save(path("wide.jpg"), quality=75, subsampling="4:2:0")
    photo(260, 171, 11).save(path("tall.jpg"), quality=75, subsampling="4:4:4")
    photo(150, 52, 15).save(path("narrow.jpg"), quality=80)
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turned by 90 degrees
    photo(40, 56, 12).save(path("rotated.jpg"), quality=85, exif=exif)

    rgb = photo(33, 41, 13)
    alpha = Image.fromarray(np.linspace(0, 255, 33 * 41).astype(np.uint8).reshape(33, 41))
    rgb.save(path("rgb.png"))
    Image.merge("RGBA", (*rgb.split(), alpha)).save(path("rgba.png"))
    Image.merge("LA", (rgb.convert("L"), alpha)).save(path("grey-alpha.png"))
    rgb.quantize(31).save(path("palette.png"))
    rgb.quantize(7).save(path("palette-transparent.png"), transparency=2)
    rgb.convert("1").save(path("1-bit.png"))
    rgb.save(path("rgb.bmp"))
    rgb.quantize(16).save(path("palette.bmp"))
    rgb.quantize(20).save(path("palette.gif"))
    rgb.save(path("rgb.ppm"))
    rgb.convert("L").save(path("grey.pgm"))
    random = np.random.default_rng(14)
    grey16 = random.integers(0, 700, (9, 12)).astype(">u2")
    rgb16 = random.integers(0, 65536, (9, 12, 3)).astype(">u2")
    with open(path("grey-16.png"), "wb") as file:
        file.write(png(12, 9, 16, 0, [row.tobytes() for row in grey16]))
    with open(path("rgb-16.png"), "wb") as file:
        file.write(png(12, 9, 16, 2, [row.tobytes() for row in rgb16]))


class Expected:
    def __init__(self):
        self.cases, self.data = [], b""

    def add(self, values, **case):
        values = np.ascontiguousarray(values)
        self.cases.append({**case, "shape": list(values.shape), "offset": len(self.data)})
        self.data += values.tobytes()

    def write(self, folder):
        with open(os.path.join(folder, "expected.json"), "w") as file:
            file.write("[\n" + ",\n".join(json.dumps(case) for case in self.cases) + "\n]\n")
        with open(os.path.join(folder, "expected.bin.gz"), "wb") as file:
            file.write(gzip.compress(self.data, 9, mtime=0))


def pixels(image, mode="RGB"):
    array = np.asarray(image.convert(mode))
    return array if array.ndim == 3 else array[..., None]


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    write_images(folder)
    expected = Expected()
    for name in sorted(os.listdir(folder)):
        if name.startswith("expected"):
            continue
        image = Image.open(os.path.join(folder, name))
        if name not in ("wide.jpg", "tall.jpg", "narrow.jpg"):  # large: resized only
            expected.add(pixels(image), kind="decode", file=name)
        if name in ("420.jpg", "grey.jpg", "cmyk.jpg", "rgba.png", "grey-16.png", "palette.png"):
            expected.add(pixels(image, "L"), kind="decode", file=name)

    # shrinking, enlarging, one step only, odd remainders, a crop larger than the image
    for name, resize, crop in [("wide.jpg", 72, 64), ("wide.jpg", 61, 50), ("tall.jpg", 64, 56), ("tall.jpg", 0, 63), ("420.jpg", 80, 65),
                               ("444.jpg", 64, 64), ("444.jpg", 32, 0), ("progressive.jpg", 40, 37), ("strip.jpg", 5, 9),
                               ("rgb.png", 20, 40), ("rgba.png", 24, 24), ("one-pixel.jpg", 4, 3), ("422.jpg", 0, 75), ("narrow.jpg", 36, 34), ("narrow.jpg", 36, 0)]:
        steps = ([transforms.Resize(resize)] if resize else []) + ([transforms.CenterCrop(crop)] if crop else [])
        for mode in ["RGB", "L"] if name in ("wide.jpg", "420.jpg") else ["RGB"]:
            image = Image.open(os.path.join(folder, name)).convert(mode)
            expected.add(pixels(transforms.Compose(steps)(image), mode), kind="preprocess", file=name, resize=resize, crop=crop)

    # crop first, then resize, as RandomResizedCrop does with the box that it draws
    for name, y, x, height, width, size in [("wide.jpg", 17, 43, 150, 201, 48), ("wide.jpg", 3, 90, 180, 30, 48), ("420.jpg", 5, 9, 31, 24, 40), ("444.jpg", 60, 60, 4, 4, 7)]:
        image = Image.open(os.path.join(folder, name)).convert("RGB")
        image = transforms.functional.resized_crop(image, y, x, height, width, [size, size])
        expected.add(pixels(image), kind="part", file=name, y=y, x=x, height=height, width=width, size=size)

    ramp = Image.fromarray(np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2))
    steps = [transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
    normalised = transforms.Compose(steps)(ramp)
    expected.add(normalised.permute(1, 2, 0).numpy().astype("<f4"), kind="normalise")
    expected.write(folder)


if __name__ == "__main__":
    main()
