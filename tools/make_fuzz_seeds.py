#!/usr/bin/env python3
"""Makes the first seeds of the fuzzers, tests/fuzz/seeds/<target>/: small inputs that reach every branch of a parser.

    tools/make_fuzz_seeds.py [--adaq-run build/release/adaq-run]

Inputs that fuzzing found stand beside them under other names, and stay. With --adaq-run the files of finished units are made anew, too.
Needs Python alone; images are those of tests/fixtures.
"""
import argparse
import gzip
import json
import pathlib
import struct
import subprocess
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURES, SEEDS = ROOT / "tests/fixtures", ROOT / "tests/fuzz/seeds"

LABELS = {
    "numbers": b"0\n2\n1\n0\n", "names": b"a.png 0\nb c.png\t1\nd.JPEG,2\nILSVRC2012_val_00000001.JPEG 0\n",
    "csv": b"image,label\r\na.png,tench\r\n\"b c.png\",\"great white shark\"\r\nd.JPEG,n01440764\r\nILSVRC2012_val_00000001,0\r\n",
    "old_mac": b"a.png 0\rb c.png 1\rd.JPEG 2\rILSVRC2012_val_00000001.JPEG 0\r", "mark": b"\xef\xbb\xbf0\n1\n2\n3\n",
    "annotations": b"a.png\tn01440764\t0\t32\t44\t62\nd.JPEG\ttench\t52\t55\t57\t59\n",
    "solution": b"ImageId,PredictionString\nILSVRC2012_val_00000001,n01440764 85 1 499 272 n01440764 1 2 3 4 \na,n01440764 1 1 2 2\n",
}

TABLE = {"title": "A table", "published_from": "somewhere", "notes": ["one note"], "options": "--w4 --a8",
         "columns": [{"title": "W4", "options": "--w4"}, {"title": "W8", "options": "--w8 --a32"}],
         "rows": [{"title": "norm", "options": "--scheme norm", "published": [69.5, {"top1": 69.1, "seconds": 12, "note": "the log"}]},
                  {"title": "lp", "options": "--scheme lp --fold", "published": [None, 1]}]}


def write(target, name, content):
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def pickles():
    for name in ("basic", "basic_checkpoint", "basic_protocol4", "basic_strided"):
        with zipfile.ZipFile(FIXTURES / f"weights/{name}.pth") as archive:
            member = next(entry for entry in archive.namelist() if entry.endswith("/data.pkl"))
            write("pickle", name, archive.read(member))


def flat_headers():
    for name in ("quantised", "coarse_halves", "graph"):
        content = (FIXTURES / f"weights/{name}.bin").read_bytes()
        write("flat_header", name, content[16:16 + struct.unpack("<Q", content[8:16])[0]])


def idx():
    images = struct.pack(">IIII", 0x803, 3, 4, 5) + bytes(range(60))
    labels = struct.pack(">II", 0x801, 3) + bytes((0, 1, 2))
    for name, content in (("images", images), ("images.gz", gzip.compress(images, mtime=0)), ("labels", labels)):
        write("idx", name, content)


def units(adaq_run):
    """The payload of two units' files: what one short run keeps."""
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "data"
        data.mkdir()
        pixels = bytes((7 * i) % 256 for i in range(8 * 16 * 16))
        (data / "train-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, 8, 16, 16) + pixels)
        (data / "train-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 8) + bytes(i % 7 for i in range(8)))
        state = pathlib.Path(folder) / "state"
        subprocess.run([adaq_run, "--weights", FIXTURES / "networks/basic.bin", "--calib", data, "--images", "8", "--minibatch", "4", "--w2", "--a4",
                        "--method", "qdrop", "--iters", "3", "--device", "cpu", "--state", state, "--save", state.with_name("q.bin")], check=True, capture_output=True)
        files = sorted(state.glob("*.unit"), key=lambda file: file.stat().st_size)
        for name, file in zip(("small", "middle"), (files[0], files[1])):
            write("unit", name, file.read_bytes()[20:-4])  # without magic, format, length and checksum


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--adaq-run", help="makes units' files with it")
    args = parser.parse_args()
    pickles()
    flat_headers()
    idx()
    for name, content in LABELS.items():
        write("labels", name, content)
    write("table", "whole", json.dumps(TABLE, indent=1).encode())
    write("table", "least", b'{"title": "t", "columns": [{"title": "a"}], "rows": [{"title": "b"}]}')
    if args.adaq_run:
        units(args.adaq_run)


if __name__ == "__main__":
    main()
