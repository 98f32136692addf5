#!/usr/bin/env python3
"""The main job at full size on a card: ResNet18 at 224x224, 1,024 calibration images, batch 32, each method as published, beside the yardstick on
the same card.

    tools/gpu_check.sh build PHOTOGRAPHS YARDSTICK.py        where there are packages: puts all that is needed into build/gpu
    tools/measure_card.py --out OUT                          on the machine with the card (python3 with torch, torchvision, Pillow)

Crops of the photographs (six of each) and seeded weights are made first. Then each step runs on its own, the most important first, until
--budget minutes are over; OUT/card.json and OUT/card.md are written anew after every step, so that nothing is lost where time runs out.
Learning is timed at --iters iterations a unit and scaled to 20,000 (brecq's scales: to 5,000); --whole METHOD runs that method in full.
--device cpu tries the tool itself where there is no card. --only WORD... chooses steps: see --list.
"""
import argparse
import filecmp
import json
import math
import pathlib
import random
import re
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIDE, CROPS = 224, 6
# The published setting of each, and the seconds that it may take on an H200-class card at 20,000 iterations and bf16.
METHODS = {"brecq": (4, 32, ["--head-stem-8bit"], 60), "qdrop": (4, 4, ["--head-stem-8bit"], 90),
           "pdquant": (4, 4, ["--head-stem-8bit"], 180), "adaround": (4, 8, [], 120)}
ITERATIONS, SCALE_ITERATIONS = 20000, 5000
TIMES_YARDSTICK = 10  # the least that adaq is to be faster


def make_crops(photographs, folder, images):
    """class folders of JPEG crops: the first `images` to calibrate, the others to validate."""
    from PIL import Image
    random.seed(1)
    crops = []
    files = sorted(p for p in photographs.iterdir() if p.suffix.lower() in (".jpg", ".jpeg"))
    for path in files:
        image = Image.open(path).convert("RGB")
        scale = 256 / min(image.size)
        image = image.resize([max(SIDE, round(edge * scale)) for edge in image.size], Image.BILINEAR)
        for number in range(CROPS):
            x, y = random.randint(0, image.width - SIDE), random.randint(0, image.height - SIDE)
            crops.append((path.stem, number, image.crop((x, y, x + SIDE, y + SIDE))))
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
    """A seeded ResNet18 whose batch norms have seen the crops."""
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


class Memory(threading.Thread):
    """The most memory of the card that was in use while a program ran, MiB; None where nvidia-smi is not there."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.over = None, threading.Event()

    def run(self):
        while not self.over.wait(0.5):
            try:
                text = subprocess.run(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"], capture_output=True, text=True, check=True)
            except (OSError, subprocess.CalledProcessError):
                return
            self.most = max(self.most or 0, int(text.stdout.split()[0]))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


class Card:
    def __init__(self, args):
        self.args, self.work, self.out = args, pathlib.Path(args.work), pathlib.Path(args.out)
        self.started = time.monotonic()
        self.out.mkdir(parents=True, exist_ok=True)
        self.results = {"card": self.describe(), "date": time.strftime("%Y-%m-%d"), "commit": self.commit(), "command": " ".join(sys.argv),
                        "images": args.images, "steps": {}}

    @staticmethod
    def describe():
        try:
            line = subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"], capture_output=True, text=True,
                                  check=True).stdout.strip().splitlines()[0]
        except (OSError, subprocess.CalledProcessError):
            return "no card"
        return line

    def commit(self):
        if self.args.commit:
            return self.args.commit
        found = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
        return found.stdout.strip() or "unknown"

    def left(self):
        return 60 * self.args.budget - (time.monotonic() - self.started)

    def step(self, name, limit, work):
        """Runs one step unless the time is over; a failure is a result like any other."""
        if self.args.only and not any(word in name for word in self.args.only):
            return
        if self.left() < 5:
            self.results["steps"][name] = {"skipped": "no time left"}
            return self.write()
        start = time.monotonic()
        try:
            result = work(min(limit, self.left()))
        except subprocess.TimeoutExpired as late:
            result = {"failed": f"took longer than {late.timeout:.0f} s"}
        except subprocess.CalledProcessError as failure:
            result = {"failed": f"status {failure.returncode}", "output": ((failure.stdout or "") + (failure.stderr or ""))[-2000:]}
        except (OSError, KeyError, ValueError, ImportError) as failure:
            result = {"failed": f"{type(failure).__name__}: {failure}"}
        result["step_seconds"] = round(time.monotonic() - start, 1)
        self.results["steps"][name] = result
        print(f"{name:28} {result.get('failed', 'done'):30} {result['step_seconds']:7.1f} s", flush=True)
        self.write()

    def write(self):
        (self.out / "card.json").write_text(json.dumps(self.results, indent=1) + "\n")
        (self.out / "card.md").write_text(markdown(self.results))

    # ---- steps

    def inputs(self, limit):
        if not (self.work / "r18.pth").exists():
            crops = make_crops(pathlib.Path(self.args.photographs), self.work, self.args.images)
            make_weights(self.work, self.work / "r18.pth")
        else:
            crops = sum(1 for _ in self.work.rglob("*.jpg"))
        return {"crops": crops}

    def files(self):
        return ["--weights", str(self.work / "r18.pth"), "--calib", str(self.work / "calib"), "--val", str(self.work / "val")]

    def adaq(self, method, math_name, iterations, limit, more=()):
        w, a, options, _ = METHODS[method]
        scale_iterations = max(1, iterations * SCALE_ITERATIONS // ITERATIONS)
        if method == "brecq":
            options = [*options, "--iters-scale", str(scale_iterations)]
        report = self.work / "report.json"
        command = [self.args.adaq_run, *self.files(), f"--w{w}", f"--a{a}", "--images", str(self.args.images), "--method", method, *options, "--device",
                   self.args.device, "--math", math_name, "--iters", str(iterations), "--report", str(report), *more]
        with Memory() as memory:
            start = time.monotonic()
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=limit)
            whole = time.monotonic() - start
        told = json.loads(report.read_text())
        units = [{"unit": u["name"], "phase": u["phase"], "iterations": u["iterations"], "seconds": round(u["seconds"], 3),
                  "tflops": round(u["gflops_per_second"] / 1000, 2)} for u in told["learning"]]
        learning = sum(u["seconds"] for u in units)
        return {"method": method, "w": w, "a": a, "math": math_name, "iterations": iterations, "reconstruction": round(told["seconds"]["reconstruct"], 2),
                "learning": round(learning, 2), "whole": round(whole, 2), "memory_mib": memory.most, "units": units,
                "scaled": round(told["seconds"]["reconstruct"] - learning + learning * ITERATIONS / iterations, 1),
                "top1": told["accuracy"]["quantised"]["top1"]["correct"], "val_images": told["accuracy"]["quantised"]["images"]}

    def yardstick(self, method, limit):
        w, a, options, _ = METHODS[method]
        iterations = self.args.yardstick_iters
        command = [sys.executable, self.args.yardstick, *self.files(), "--w", str(w), "--a", str(a), "--images", str(self.args.images), "--method", method,
                   *options, "--device", self.args.device, "--iters", str(iterations), "--iters-scale",
                   str(max(1, iterations * SCALE_ITERATIONS // ITERATIONS))]
        text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=limit).stdout
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        units = [line for line in lines if "unit" in line]
        learning = sum(line["seconds"] for line in units)
        return {"method": method, "iterations": iterations, "learning": round(learning, 2), "units": units,
                "scaled": round(learning * ITERATIONS / iterations, 1)}

    def same_bits(self, limit):
        files = [self.work / name for name in ("a.bin", "b.bin")]
        for path in files:
            self.adaq("qdrop", self.args.math[0], min(500, self.args.iters), limit / 2, ["--save", str(path)])
        return {"same": filecmp.cmp(*files, shallow=False)}

    def agreement(self, limit):
        """The bundled model's accuracy beside that of the same run on a CPU, whose report was brought along."""
        report = self.work / "agreement.json"
        brought = json.loads(pathlib.Path(self.args.cpu_report).read_text())
        settings = brought["settings"]
        data = pathlib.Path(self.args.data)
        command = [self.args.adaq_run, "--weights", str(ROOT / "weights/fashion-resnet18.bin"), "--calib", str(data / "train-images-idx3-ubyte.gz"), "--val",
                   str(data / "t10k-images-idx3-ubyte.gz"), f"--w{settings['weight_bits']}", f"--a{settings['activation_bits']}", "--method", settings["method"],
                   "--iters", str(settings["iters"]), "--seed", str(settings["seed"]), "--device", self.args.device, "--report", str(report)]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=limit)
        here = json.loads(report.read_text())["accuracy"]["quantised"]
        there = brought["accuracy"]["quantised"]
        if there["images"] != here["images"]:
            raise ValueError(f"{self.args.cpu_report}: of {there['images']} images, here {here['images']}")
        share, n = there["top1"]["share"], here["images"]
        error = math.sqrt(2 * share * (1 - share) / n)
        difference = here["top1"]["share"] - share
        return {"here": here["top1"]["correct"], "cpu": there["top1"]["correct"], "images": n, "within_two_standard_errors": abs(difference) <= 2 * error}

    def profile(self, limit):
        """Time by kernel, of one iteration of pdquant's slowest unit or so: the launches between two numbers."""
        w, a, options, _ = METHODS["pdquant"]
        command = ["ncu", "--graph-profiling", "node", "--launch-skip", str(self.args.profile_skip), "--launch-count", str(self.args.profile_count), "--metrics",
                   "gpu__time_duration.sum", "--csv", "--page", "raw", self.args.adaq_run, *self.files(), f"--w{w}", f"--a{a}", "--images", "64", "--method",
                   "pdquant", *options, "--device", "cuda", "--math", self.args.math[0], "--iters", "20", "--val-images", "32"]
        text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=limit).stdout
        return {"kernels": kernel_times(text)}


def kernel_times(text):
    """[name, launches, microseconds] of ncu's raw page, the longest first."""
    import csv
    lines = [line for line in text.splitlines() if line.startswith('"')]
    rows = list(csv.reader(lines))
    if len(rows) < 3:
        raise ValueError("ncu told of no kernel")
    name, duration = rows[0].index("Kernel Name"), rows[0].index("gpu__time_duration.sum")
    unit = {"ns": 1e-3, "nsecond": 1e-3, "us": 1.0, "usecond": 1.0, "ms": 1e3, "msecond": 1e3}[rows[1][duration]]
    sums = {}
    for row in rows[2:]:
        entry = sums.setdefault(re.sub(r"\(.*\)$", "", row[name]), [0, 0.0])
        entry[0] += 1
        entry[1] += float(row[duration].replace(",", "")) * unit
    return sorted(([kernel, count, round(time, 1)] for kernel, (count, time) in sums.items()), key=lambda entry: -entry[2])


def markdown(results):
    steps = results["steps"]
    text = f"# {results['card']}\n\n{results['date']}, adaq at {results['commit']}: `{results['command']}`\n\n"
    text += f"ResNet18 at 224×224, {results['images']:,} calibration images, batch 32; seconds of the reconstruction at 20,000 iterations a unit (brecq: and 5,000 for scales).\n\n"
    text += "| | arithmetic | iterations run | reconstruction, s | at 20,000, s | target, s | memory, MiB | yardstick at 20,000, s | ratio |\n" + "| --- " * 9 + "|\n"
    for name, step in steps.items():
        if "method" not in step or not name.startswith("adaq"):
            continue
        other = steps.get(f"yardstick {step['method']}", {}).get("scaled")
        target = METHODS[step["method"]][3]
        ratio = f"{other / step['scaled']:.1f}×" if other else "–"
        text += (f"| {step['method']} W{step['w']}A{step['a']} | {step['math']} | {step['iterations']:,} | {step['reconstruction']} | {step['scaled']} | {target} | "
                 f"{step['memory_mib'] or '–'} | {other or '–'} | {ratio} |\n")
    for name, step in steps.items():
        if name.startswith("adaq") and "units" in step:
            text += f"\n{name}, by unit: " + ", ".join(f"{u['unit']}{' scales' if u['phase'] else ''} {u['seconds']} s ({u['tflops']} TFLOP/s)" for u in step["units"]) + "\n"
    if "kernels" in steps.get("profile", {}):
        text += "\n| kernel | launches | µs |\n| --- | --- | --- |\n"
        text += "".join(f"| `{kernel}` | {count} | {time} |\n" for kernel, count, time in steps["profile"]["kernels"][:20])
    if "same" in steps.get("same bits", {}):
        same = "the same file" if steps["same bits"]["same"] else "**different files**"
        text += f"\nTwo runs of the same command: {same}.\n"
    if "cpu" in steps.get("agreement", {}):
        found = steps["agreement"]
        within = "within" if found["within_two_standard_errors"] else "**not within**"
        text += (f"\nThe bundled model, of {found['images']:,} images right: {found['here']:,} here, {found['cpu']:,} on a CPU, "
                 f"{within} two standard errors.\n")
    for name, step in steps.items():
        for what in ("failed", "skipped"):
            if what in step:
                text += f"\n**{name}: {what}**: {step[what]}. {' '.join(step.get('output', '').split())[-300:]}\n"
    return text


def steps_of(card):
    args = card.args
    steps = [("inputs", 120, card.inputs)]
    for math_name in args.math:
        for method in METHODS:
            steps.append((f"adaq {method} {math_name}", 240, lambda limit, m=method, n=math_name: card.adaq(m, n, args.iters, limit)))
        if math_name == args.math[0]:
            if args.yardstick:
                for method in METHODS:
                    steps.append((f"yardstick {method}", 180, lambda limit, m=method: card.yardstick(m, limit)))
            steps.append(("same bits", 240, card.same_bits))
            if args.cpu_report:
                steps.append(("agreement", 120, card.agreement))
            if args.device == "cuda":
                steps.append(("profile", 120, card.profile))
            if args.whole:
                steps.append((f"adaq {args.whole} {math_name} whole", 400, lambda limit, n=math_name: card.adaq(args.whole, n, ITERATIONS, limit)))
    return steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    carried = ROOT / "build/gpu"
    parser.add_argument("--out", required=True)
    parser.add_argument("--work", default="/tmp/adaq-card", help="crops, weights and reports")
    parser.add_argument("--adaq-run", default=str(carried / "adaq-run"))
    parser.add_argument("--photographs", default=str(carried / "photographs"))
    parser.add_argument("--data", default=str(carried / "data"), help="of the bundled model")
    default = lambda path: str(path) if path.exists() else None
    parser.add_argument("--yardstick", default=default(carried / "yardstick.py"))
    parser.add_argument("--cpu-report", default=default(carried / "cpu.json"), help="JSON report of the bundled model, learned on a CPU from --data")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--iters", type=int, default=1000)
    parser.add_argument("--yardstick-iters", type=int, default=50)
    parser.add_argument("--math", nargs="+", default=["bf16", "tf32"])
    parser.add_argument("--whole", choices=METHODS, help="a method to run at 20,000 iterations too")
    parser.add_argument("--profile-skip", type=int, default=4000, help="launches before those that are profiled")
    parser.add_argument("--profile-count", type=int, default=400)
    parser.add_argument("--budget", type=float, default=9.0, help="minutes after which no step is started")
    parser.add_argument("--only", nargs="+", help="steps with one of these words in their names (inputs: always)")
    parser.add_argument("--commit", default="", help="where there is no git")
    parser.add_argument("--list", action="store_true", help="name the steps and stop")
    args = parser.parse_args()
    pathlib.Path(args.work).mkdir(parents=True, exist_ok=True)
    if args.only:
        args.only.append("inputs")
    card = Card(args)
    for name, limit, work in steps_of(card):
        if args.list:
            print(name)
        else:
            card.step(name, limit, work)
    failed = [name for name, step in card.results["steps"].items() if "failed" in step or False in (step.get("same"), step.get("within_two_standard_errors"))]
    print(f"{len(failed)} steps failed: {', '.join(failed)}" if failed else "no step failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
