#!/usr/bin/env python3
"""tools/verify_onnx.py as its users run it: what it runs, and what it refuses in one line with exit status 2. Arguments: adaq-run and
adaq-convert. Where onnx, onnxruntime or pillow is not installed, that it says so is all that is tested."""
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT, FIXTURES = ROOT / "tools" / "verify_onnx.py", ROOT / "tests" / "fixtures"
ADAQ_RUN, ADAQ_CONVERT = sys.argv.pop(1), sys.argv.pop(1)
INSTALLED = all(importlib.util.find_spec(name) for name in ("numpy", "onnx", "onnxruntime", "PIL"))
CLASSES, SIDE = 3, 40


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300)


def draw_images(folder, classes, side):
    import numpy as np
    from PIL import Image
    draw = np.random.default_rng(0)
    for name in range(classes):
        (folder / str(name)).mkdir(parents=True)
        for i in range(4):
            Image.fromarray(draw.integers(0, 256, (side, side, 3), np.uint8)).save(folder / str(name) / f"{i}.png")
    return folder


class WithoutPackages(unittest.TestCase):
    def test_says_what_is_not_installed(self):
        done = run(sys.executable, "-S", SCRIPT, "q.onnx", "--val", "val")  # no packages but Python's own
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
        self.assertIn("not installed: numpy, onnx, onnxruntime, pillow; the first lines of tools/verify_onnx.py say", done.stderr)


@unittest.skipUnless(INSTALLED, "onnx, onnxruntime or pillow is not installed")
class VerifyOnnx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.holder.name)
        cls.val = draw_images(cls.folder / "val", CLASSES, SIDE)
        for name, bits in (("w8", ["--w8"]), ("w4", ["--w4"]), ("w2", ["--w2", "--head-stem-8bit"])):
            files = [cls.folder / f"{name}{ending}" for ending in (".bin", ".json", ".npy")]
            done = run(ADAQ_RUN, "--weights", FIXTURES / "weights" / "basic.pth", "--calib", cls.val, "--val", cls.val, *bits, "--a8", "--scheme", "minmax",
                       "--deploy", "ort", "--images", 4 * CLASSES, "--threads", 1, "--save", files[0], "--report", files[1], "--logits", files[2])
            assert done.returncode == 0, done.stderr
        cls.file = cls.convert("w8")

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    @classmethod
    def convert(cls, name, *words):
        file = cls.folder / ("-".join([name, *words]).replace("--", "") + ".onnx")
        done = run(ADAQ_CONVERT, cls.folder / f"{name}.bin", file, "--for", "ort", *words)
        assert done.returncode == 0, done.stderr
        return file

    def verify(self, *words, file=None, val=None):
        return run(sys.executable, SCRIPT, file or self.file, "--val", val or self.val, "--runtimes", "ort", *words)

    def refused(self, message, *words, file=None, val=None):
        done = self.verify(*words, file=file, val=val)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stdout + done.stderr)
        self.assertIn(message, done.stderr)

    def test_every_code_of_files_for_onnxruntime_is_as_defined(self):
        for name in ("w8", "w4", "w2"):
            for words in ([], ["--pack"], ["--onnx-input", "u8"], ["--pack", "--onnx-input", "u8"]):
                results = self.folder / "results.json"
                done = self.verify("--expect", self.folder / f"{name}.json", "--logits", self.folder / f"{name}.npy", "--codes", 0, "--json", results,
                                   file=self.convert(name, *words))
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                result = json.loads(results.read_text())["runtimes"][0]
                self.assertEqual(result["codes"]["differing"], 0)
                self.assertEqual(result["same_class_as_adaq"], 4 * CLASSES)

    def test_refuses_options_that_are_no_such_numbers(self):
        self.refused("--images: -3: expected a whole number of 0 or more", "--images", -3)
        self.refused("--threads: -1: expected a whole number from 1 to ", "--threads", -1)
        self.refused("--threads: 99999: expected a whole number from 1 to ", "--threads", 99999)
        self.refused("--codes: nan: expected a number from 0 to 1", "--codes", "nan")
        self.refused("there is no folder ", "--json", self.folder / "none" / "r.json")

    def test_refuses_files_that_adaq_did_not_write(self):
        cut = self.folder / "cut.onnx"
        cut.write_bytes(self.file.read_bytes()[:-100])
        self.refused("cut.onnx: no valid ONNX file: ", file=cut)
        self.refused("made by pytorch, expected a file that adaq-convert or adaq-run --save wrote", file=FIXTURES / "import" / "chain_exported.onnx")

    def test_refuses_images_of_another_network(self):
        self.refused("no class folders, expected one a class", val=self.val / "0")
        empty = self.folder / "empty"
        empty.mkdir()
        self.refused("no class folders, expected one a class", val=empty)
        self.refused("2 class folders, expected 3, as many as the network has classes", val=draw_images(self.folder / "two", 2, SIDE))
        small = draw_images(self.folder / "small", CLASSES, SIDE - 8)
        self.refused("of images of 40x40 pixels, expected 32x32 as those of --val", "--expect", self.folder / "w8.json", val=small)
        (small / "1" / "0.png").write_bytes((self.val / "1" / "0.png").read_bytes())
        self.refused("0.png: 40x40 pixels, expected 32x32", val=small)
        (small / "1" / "0.png").write_text("no image")
        self.refused("0.png: no image that can be read", val=small)

    def test_refuses_what_adaq_said_of_another_network(self):
        self.refused("w4.json: the report of another network: weight_bits 4, expected 8", "--expect", self.folder / "w4.json")
        self.refused("no report of adaq-run", "--expect", self.file)
        self.refused("it can be compared on all images of --val alone", "--expect", self.folder / "w8.json", "--images", 5)
        self.refused("no .npy file", "--logits", self.folder / "w8.json")


if __name__ == "__main__":
    unittest.main()
