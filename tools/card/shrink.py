#!/usr/bin/env python3
"""Copies a folder's JPEG photographs, shrunk so that their shorter edge has 256 pixels, for bringing along to a card.

    shrink.py FROM TO

Needs Pillow (python3-pil) or ImageMagick (its program convert).
"""
import pathlib
import shutil
import subprocess
import sys

SHORT_EDGE, QUALITY = 256, 92


def with_pillow(source, target):
    from PIL import Image
    image = Image.open(source).convert("RGB")
    scale = min(1.0, SHORT_EDGE / min(image.size))
    image.resize([max(1, round(edge * scale)) for edge in image.size], Image.BICUBIC).save(target, format="JPEG", quality=QUALITY)


def with_imagemagick(source, target):
    subprocess.run(["convert", str(source), "-resize", f"{SHORT_EDGE}x{SHORT_EDGE}^>", "-colorspace", "sRGB", "-strip", "-quality", str(QUALITY),
                    f"jpg:{target}"], check=True)


def chosen():
    try:
        import PIL.Image  # noqa: F401
        return with_pillow
    except ImportError:
        if shutil.which("convert"):
            return with_imagemagick
    raise SystemExit("shrink.py: neither Pillow nor ImageMagick is here; install python3-pil or imagemagick")


def main():
    if len(sys.argv) != 3:
        raise SystemExit("usage: shrink.py FROM TO")
    source, target = map(pathlib.Path, sys.argv[1:])
    shrink = chosen()
    photographs = sorted(p for p in source.iterdir() if p.suffix.lower() in (".jpg", ".jpeg"))
    if not photographs:
        raise SystemExit(f"shrink.py: {source} has no JPEG photographs")
    target.mkdir(parents=True, exist_ok=True)
    for photograph in photographs:
        shrink(photograph, target / (photograph.stem + ".jpg"))


if __name__ == "__main__":
    main()
