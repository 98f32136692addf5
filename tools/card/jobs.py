"""adaq-run and the yardstick on the main job, ResNet18 at 224x224: their command lines, and what their reports tell."""
import json
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
# The published setting of each, and the seconds that it may take on an H200-class card at 20,000 iterations and bf16.
METHODS = {"brecq": (4, 32, ["--head-stem-8bit"], 60), "qdrop": (4, 4, ["--head-stem-8bit"], 90),
           "pdquant": (4, 4, ["--head-stem-8bit"], 180), "adaround": (4, 8, [], 120), "best": (4, 4, ["--head-stem-8bit"], None)}
YARDSTICKS = ("brecq", "qdrop", "pdquant", "adaround")  # it has no `best`
ITERATIONS, SCALE_ITERATIONS = 20000, 5000


def scale_iterations(iterations):
    return max(1, iterations * SCALE_ITERATIONS // ITERATIONS)


def files(args):
    return ["--weights", f"{args.work}/r18.pth", "--calib", f"{args.work}/calib", "--val", f"{args.work}/val"]


def learning_command(visit, method, math_name, iterations, scales=None, images=None, a=None, more=()):
    """adaq-run on the main job; scales: iterations of brecq's second phase, where other than at full length's share."""
    args = visit.args
    w, published_a, options, _ = METHODS[method]
    if method == "brecq":
        options = [*options, "--iters-scale", str(scales or scale_iterations(iterations))]
    return [visit.program("adaq-run"), *files(args), f"--w{w}", f"--a{a or published_a}", "--images", str(images or args.images), "--method", method,
            *options, "--device", args.device, "--math", math_name, "--iters", str(iterations), *more]


def scaled(rows):
    """Seconds of learning at full length, of units that were timed for fewer iterations."""
    return sum(row["seconds"] / row["iterations"] * (SCALE_ITERATIONS if row["phase"] == "scales" else ITERATIONS) for row in rows)


class Memory(threading.Thread):
    """The most memory of the card that was in use while a program ran, MiB; None where nvidia-smi is not there."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.over = None, threading.Event()

    def run(self):
        while not self.over.wait(0.5):
            try:
                text = subprocess.run(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"], capture_output=True, text=True, check=True,
                                      timeout=10).stdout
                self.most = max(self.most or 0, int(text.split()[0]))
            except (OSError, subprocess.SubprocessError, ValueError, IndexError):
                return

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def learn(step, method, math_name, iterations, more=(), log_name="output"):
    """Runs a method and tells of its units, its times and its accuracy."""
    report = step.visit.logs / f"{step.name.replace(' ', '-')}-{log_name}.json"
    command = learning_command(step.visit, method, math_name, iterations, more=["--report", str(report), *more])
    with Memory() as memory:
        done = step.must(command, log_name)
    step.visit.archive.keep(report)
    told = json.loads(report.read_text())
    units = [{"unit": u["name"], "phase": u["phase"], "iterations": u["iterations"], "seconds": u["seconds"],
              "tflops": round(u["gflops_per_second"] / 1000, 2)} for u in told["learning"]]
    for unit in units:
        step.tell(**unit)
    learning, reconstruct = sum(u["seconds"] for u in units), told["seconds"]["reconstruct"]
    w, a, _, _ = METHODS[method]
    accuracy = told["accuracy"]["quantised"]
    return {"method": method, "w": w, "a": a, "math": math_name, "iterations": iterations, "reconstruction": round(reconstruct, 2),
            "learning": round(learning, 2), "whole": round(done.seconds, 2), "scaled": round(reconstruct - learning + scaled(units), 1),
            "memory_mib": memory.most, "top1": accuracy["top1"]["correct"], "val_images": accuracy["images"]}


def time_yardstick(step, method):
    """The plain PyTorch program on the same job, its warm-up left out (yardstick_time.py)."""
    args = step.visit.args
    w, a, options, _ = METHODS[method]
    rows = step.visit.logs / f"yardstick-{method}.jsonl"
    command = [sys.executable, HERE / "yardstick_time.py", "--yardstick", args.yardstick, "--rows", rows, "--warm-up", args.yardstick_warm_up, "--",
               *files(args), "--w", w, "--a", a, "--images", args.images, "--val-images", 32, "--method", method, *options, "--device", args.device,
               "--iters", args.yardstick_iters, "--iters-scale", args.yardstick_iters]
    units = []

    def told(row):
        units.append(row)
        step.tell(**row)

    step.follow(rows, told)
    step.must(command)
    step.take_rows()
    return {"method": method, "iterations": args.yardstick_iters, "learning": round(sum(u["seconds"] for u in units), 2), "scaled": round(scaled(units), 1)}
