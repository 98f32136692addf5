#!/usr/bin/env python3
"""The main job's images and weights, made on the machine with the card (python3 with torch, torchvision, numpy and Pillow): class folders of
224x224 crops, six of each photograph, and a seeded ResNet18 whose batch norms have seen them.

    inputs.py --photographs FOLDER --to FOLDER --images N        N crops to calibrate (TO/calib), the others to validate (TO/val), TO/r18.pth
"""
import argparse
import pathlib
import random

SIDE, CROPS, SHORT_EDGE = 224, 6, 256


def have_inputs(folder):
    return (folder / "r18.pth").exists() and (folder / "calib").is_dir() and (folder / "val").is_dir()


def make_crops(photographs, folder, images):
    from PIL import Image
    random.seed(1)
    crops = []
    for path in sorted(p for p in photographs.iterdir() if p.suffix.lower() in (".jpg", ".jpeg")):
        image = Image.open(path).convert("RGB")
        scale = SHORT_EDGE / min(image.size)
        image = image.resize([max(SIDE, round(edge * scale)) for edge in image.size], Image.BILINEAR)
        for number in range(CROPS):
            x, y = random.randint(0, image.width - SIDE), random.randint(0, image.height - SIDE)
            crops.append((path.stem, number, image.crop((x, y, x + SIDE, y + SIDE))))
    if not crops:
        raise SystemExit(f"{photographs}: no JPEG photographs")
    crops.sort(key=lambda crop: crop[1])  # one of each photograph in turn
    for i, (name, number, crop) in enumerate(crops):
        for part in ("calib", "val"):
            (folder / part / name).mkdir(parents=True, exist_ok=True)
        crop.save(folder / ("calib" if i < images else "val") / name / f"{number}.jpg", quality=95)
    for part in ("calib", "val"):  # a class folder without images is an error, and both are to have the same classes
        for name in sorted(p for p in (folder / part).iterdir() if not any(p.iterdir())):
            crops[0][2].save(name / "filler.jpg", quality=95)
    return len(crops)


def make_weights(folder, path):
    import numpy as np
    import torch
    import torchvision
    from PIL import Image
    torch.manual_seed(0)
    model = torchvision.models.resnet18(num_classes=sum(1 for _ in (folder / "calib").iterdir())).train()
    files = sorted((folder / "calib").rglob("*.jpg"))[:128]
    pixels = np.stack([np.asarray(Image.open(f).convert("RGB"), dtype=np.float32) / 255 for f in files])
    images = torch.from_numpy((pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).float().permute(0, 3, 1, 2)
    with torch.no_grad():
        for batch in images.split(32):
            model(batch)
    torch.save(model.state_dict(), path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photographs", type=pathlib.Path, required=True)
    parser.add_argument("--to", type=pathlib.Path, required=True)
    parser.add_argument("--images", type=int, default=1024)
    args = parser.parse_args()
    print(f"{make_crops(args.photographs, args.to, args.images)} crops")
    make_weights(args.to, args.to / "r18.pth.new")
    (args.to / "r18.pth.new").rename(args.to / "r18.pth")  # there only when it is whole


if __name__ == "__main__":
    main()
