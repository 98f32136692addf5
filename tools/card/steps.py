"""The steps of each visit, in their order: the most important first. A step is (name, limit in seconds, function of a Step)."""
import filecmp
import importlib.metadata
import importlib.util
import json
import math
import pathlib
import re
import shutil
import site
import subprocess
import sys
import sysconfig

from inputs import have_inputs
from jobs import HERE, ITERATIONS, YARDSTICKS, learn, learning_command, time_yardstick
from runner import Failed, Job, OutOfTime
from visit import NO_CARD

ROOT = HERE.parent.parent
SUITES_AT_A_TIME = 4


# ---- card and libraries

def library_folders():
    """Where pip packages keep cuDNN and cuBLAS: the lib folders below each site-packages' nvidia/, and torch's own."""
    homes = {sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"], *site.getsitepackages(), site.getusersitepackages()}
    torch = importlib.util.find_spec("torch")
    if torch and torch.origin:
        homes.add(str(pathlib.Path(torch.origin).parent.parent))
    found = []
    for home in sorted(homes):
        found += sorted(str(p) for p in pathlib.Path(home).glob("nvidia/*/lib")) + [str(p) for p in [pathlib.Path(home) / "torch/lib"] if p.exists()]
    return found


def said_by(command):
    """The last line that a program tells of itself, or None where it is not there."""
    try:
        text = subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return text.splitlines()[-1].strip() if text else ""


def package_versions():
    return {name: package.version for package in importlib.metadata.distributions() if (name := package.metadata["Name"])
            and re.fullmatch(r"torch|torchvision|pillow|numpy|nvidia-(cudnn|cublas).*", name.lower())}


def card(step):
    visit = step.visit
    folders = library_folders()
    visit.environment["LD_LIBRARY_PATH"] = ":".join(folders + [p for p in [visit.environment.get("LD_LIBRARY_PATH")] if p])
    visit.environment.update(ADAQ_FIXTURES=str(ROOT / "tests/fixtures"), ADAQ_SOURCE_DIR=str(ROOT))
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total,compute_cap,clocks.sm,clocks.max.sm,power.limit", "--format=csv,noheader"]
    found = {"card": said_by(query), "nvcc": said_by(["nvcc", "--version"]), "ncu": said_by(["ncu", "--version"]),
             "compute_sanitizer": said_by(["compute-sanitizer", "--version"]), "python": sys.version.split()[0], "packages": package_versions(),
             "library_folders": folders}
    step.tell(**found)
    bench = [visit.program("adaq-bench")]
    done = step.run([*bench, "operations", "--device", visit.args.device, "--operation", "global average pool", "--batch", "32", "--seconds", "0.01"], "first")
    if not done.fine:
        raise Failed(NO_CARD, output=done.tail(), **found)
    found["machine"] = done.text.splitlines()[0]
    done = step.run([*bench, "convolutions", "--device", visit.args.device, "--math", "bf16", "--image", "32", "--batch", "1", "--layers", "layer4",
                     "--seconds", "0.01"], "libraries")
    found["libraries"] = done.text.splitlines()[0] if done.fine else done.verdict()
    start_inputs(visit)
    return found


# ---- crops and weights, made beside the first steps

def start_inputs(visit):
    if have_inputs(pathlib.Path(visit.args.work)):
        return
    log = visit.logs / "inputs.txt"
    visit.archive.keep(log)
    visit.background = Job([sys.executable, HERE / "inputs.py", "--photographs", visit.args.photographs, "--to", visit.args.work, "--images",
                            visit.args.images], log, visit.args.budget)


def inputs(step):
    visit = step.visit
    while visit.background:
        done = visit.background.over()
        if done is None:
            step.tick()
            continue
        visit.background = None
        if not done.fine:
            raise Failed(done.verdict(), output=done.tail())
    if not have_inputs(pathlib.Path(visit.args.work)):
        raise Failed(f"{visit.args.work}: no crops and weights; bring photographs (tools/gpu_check.sh build PHOTOGRAPHS YARDSTICK)")
    return {"crops": sum(1 for _ in pathlib.Path(visit.args.work).rglob("*.jpg"))}


# ---- tests

def suites(step):
    program = step.visit.program("adaq-cuda-tests")
    listed = step.must([program, "--list-test-suites"], "list").text.splitlines()
    names = [line for line in listed if line.strip() and not line.startswith(("[doctest]", "="))]
    if not names:
        raise Failed(f"{program}: no suite is listed")

    def starter(index, env=None, log="suite"):
        return step.starter([program, "-ts=" + names[index].replace(",", "\\,")], f"{log}-{index}", limit=60, env=env)

    broken = []
    for index, done in step.run_all([starter(i) for i in range(len(names))], SUITES_AT_A_TIME):
        counts = re.search(r"test cases: +(\d+) \| +(\d+) passed \| +(\d+) failed", done.text)
        errors = [line.strip() for line in done.text.splitlines() if re.search(r"ERROR|FATAL|TEST CASE:", line)]
        step.tell(suite=names[index], verdict=done.verdict(), seconds=round(done.seconds, 1), cases=int(counts[1]) if counts else None,
                  failed=int(counts[3]) if counts else None, **({} if done.fine else {"output": "\n".join(errors[:20]) or done.tail()}))
        if not done.fine:
            broken.append(index)
    # Step by step, with a wait behind each: the error names the operation.
    for position, (_, done) in enumerate(step.run_all([starter(i, {"ADAQ_CUDA_SYNC": "1"}, "step-by-step") for i in broken])):
        step.tell(step_by_step=names[broken[position]], verdict=done.verdict(), output=done.tail(800))
    found = {"suites": len(names), "failed_suites": [names[i] for i in broken]}
    if broken:
        raise Failed(f"{len(broken)} of {len(names)} suites failed", **found)
    return found


def sanitizer(tool, iterations):
    """compute-sanitizer over a few iterations of brecq in bf16: tensor core kernels, rounding, scales and all that learning needs."""

    def work(step):
        if not shutil.which("compute-sanitizer"):
            return {"status": "skipped", "why": "compute-sanitizer is not here"}
        images = min(64, step.visit.args.images)
        command = learning_command(step.visit, "brecq", "bf16", iterations, iterations, images, 4, ["--val-images", "32"])
        done = step.run(["compute-sanitizer", "--tool", tool, "--error-exitcode", "9", "--print-limit", "20", *command])
        summary = re.findall(r"(?:ERROR|RACECHECK) SUMMARY:.*", done.text)
        found = {"summary": summary[-1] if summary else "none"}
        if not done.fine:
            places = [line for line in done.text.splitlines() if line.startswith("=========")][:30]
            raise (OutOfTime if done.status is None else Failed)(done.verdict(), output="\n".join(places) or done.tail(), **found)
        return found

    return work


# ---- times

def method(name, math_name, iterations=None):
    return lambda step: learn(step, name, math_name, iterations or step.visit.args.iters)


def yardstick(name):
    def work(step):
        if not step.visit.args.yardstick:
            return {"status": "skipped", "why": "no yardstick was brought along"}
        return time_yardstick(step, name)

    return work


def convolutions(math_name, batch, direction="all", more=()):
    """adaq-bench, whose rows are taken over one by one."""

    def work(step):
        rows = step.visit.logs / f"{step.name.replace(' ', '-')}.jsonl"
        step.follow(rows, lambda row: step.tell(**row))
        command = [step.visit.program("adaq-bench"), "convolutions", "--device", step.visit.args.device, "--math", math_name, "--direction", direction, "--image",
                   "224", "--batch", batch, "--seconds", "0.03", "--rows", rows, *more]
        done = step.must(command)
        lines = done.text.splitlines()
        return {"machine": lines[0], "means": [line for line in lines if "geometric mean" in line]}

    return work


def codes(step):
    """Forward convolutions of integer execution, on 8-bit codes."""
    return convolutions("fp32", "32", "forward", ["--codes"])(step)


def wgmma(step):
    if not (said_by(["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]) or "").startswith("9.0"):
        return {"status": "skipped", "why": "not a card of compute capability 9.0"}
    return convolutions("tf32", "32", "forward", ["--wgmma"])(step)


def operations(step):
    rows = step.visit.logs / "operations.jsonl"
    step.follow(rows, lambda row: step.tell(**row))
    done = step.must([step.visit.program("adaq-bench"), "operations", "--device", step.visit.args.device, "--batch", "32", "--seconds", "0.03", "--rows", rows])
    return {"machine": done.text.splitlines()[0]}


def profile(step):
    """Time by kernel, of one iteration of each unit of brecq in bf16 (ADAQ_CUDA_PROFILE marks it for the profiler)."""
    if not shutil.which("ncu"):
        return {"status": "skipped", "why": "ncu is not here"}
    run = learning_command(step.visit, "brecq", "bf16", 3, images=min(64, step.visit.args.images), more=["--val-images", "32"])
    shares = ["sm__throughput", "gpu__compute_memory_throughput", "dram__throughput", "lts__throughput"]
    for name, metrics in (("shares", ["gpu__time_duration.sum"] + [f"{m}.avg.pct_of_peak_sustained_elapsed" for m in shares]),
                          ("times", ["gpu__time_duration.sum"])):  # where a card has not all of them
        command = ["ncu", "--clock-control", "none", "--profile-from-start", "off", "--metrics", ",".join(metrics), "--csv", "--page", "raw", *run]
        done = step.run(command, name, env={"ADAQ_CUDA_PROFILE": "1", "ADAQ_CUDA_SYNC": "1"})
        kernels = kernel_times(done.text, metrics[1:])
        if kernels:
            break
    if not kernels:
        raise (OutOfTime if done.status is None else Failed)(f"{done.verdict()}, and no kernel was told of", output=done.tail())
    for kernel in kernels:
        step.tell(**kernel)
    return {"launches": sum(k["launches"] for k in kernels), "microseconds": round(sum(k["microseconds"] for k in kernels), 1)}


def kernel_times(text, shares):
    """By kernel, of ncu's raw page: launches, microseconds, shares of peaks (weighted by time); the longest first."""
    import csv
    rows = list(csv.reader(line for line in text.splitlines() if line.startswith('"')))
    if len(rows) < 3 or "Kernel Name" not in rows[0] or "gpu__time_duration.sum" not in rows[0]:
        return []
    name, duration = rows[0].index("Kernel Name"), rows[0].index("gpu__time_duration.sum")
    unit = {"ns": 1e-3, "nsecond": 1e-3, "us": 1.0, "usecond": 1.0, "ms": 1e3, "msecond": 1e3}.get(rows[1][duration], 1e-3)
    columns = {metric.split(".")[0]: rows[0].index(metric) for metric in shares if metric in rows[0]}
    kernels = {}
    for row in rows[2:]:
        if len(row) != len(rows[0]):
            continue  # cut off where the profiler was stopped
        kernel = kernels.setdefault(re.sub(r"\(.*\)$", "", row[name]), {"launches": 0, "microseconds": 0.0, **dict.fromkeys(columns, 0.0)})
        took = number(row[duration]) * unit
        kernel["launches"] += 1
        kernel["microseconds"] += took
        for share, column in columns.items():
            kernel[share] += took * number(row[column])
    told = []
    for kernel, sums in sorted(kernels.items(), key=lambda entry: -entry[1]["microseconds"]):
        whole = sums["microseconds"] or 1.0
        told.append({"kernel": kernel, "launches": sums["launches"], "microseconds": round(sums["microseconds"], 1),
                     **{share: round(sums[share] / whole, 1) for share in columns}})
    return told


def number(text):
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return 0.0


# ---- results

def same_bits(step):
    """One command twice: the saved files must be equal."""
    saved = [step.visit.work / name for name in ("a.bin", "b.bin")]
    for path in saved:
        learn(step, "qdrop", "bf16", min(300, step.visit.args.iters), ["--save", str(path)], path.stem)
    if not filecmp.cmp(*saved, shallow=False):
        raise Failed("different files from one command", same=False)
    return {"same": True}


def integer_logits(step):
    """A quantised network that a CPU saved, executed as integers: its logits must be those that the CPU wrote, to the bit."""
    args, here = step.visit.args, step.visit.work / "card.logits"
    step.must([step.visit.program("adaq-run"), "--weights", args.cpu_network, "--val", pathlib.Path(args.data) / "t10k-images-idx3-ubyte.gz", "--device",
               args.device, "--logits", here])
    if not filecmp.cmp(here, args.cpu_logits, shallow=False):
        raise Failed("logits differ from the CPU's", same=False)
    return {"same": True}


def agreement(step):
    """The bundled model's accuracy beside that of the same run on a CPU, whose report was brought along."""
    args = step.visit.args
    brought = json.loads(pathlib.Path(args.cpu_report).read_text())
    settings, data, report = brought["settings"], pathlib.Path(args.data), step.visit.logs / "agreement.json"
    step.must([step.visit.program("adaq-run"), "--weights", ROOT / "weights/fashion-resnet18.bin", "--calib", data / "train-images-idx3-ubyte.gz", "--val",
               data / "t10k-images-idx3-ubyte.gz", f"--w{settings['weight_bits']}", f"--a{settings['activation_bits']}", "--method", settings["method"],
               "--iters", settings["iters"], "--seed", settings["seed"], "--device", args.device, "--report", report])
    here, there = json.loads(report.read_text())["accuracy"]["quantised"], brought["accuracy"]["quantised"]
    if there["images"] != here["images"]:
        raise Failed(f"{args.cpu_report}: of {there['images']} images, here {here['images']}")
    share, images = there["top1"]["share"], here["images"]
    error = math.sqrt(2 * share * (1 - share) / images)
    found = {"here": here["top1"]["correct"], "cpu": there["top1"]["correct"], "images": images}
    if abs(here["top1"]["share"] - share) > 2 * error:
        raise Failed("the accuracies differ by more than two standard errors", **found)
    return found


def on_a_card(args, *steps):
    return list(steps) if args.device == "cuda" else []


def first(args):
    steps = [("card", 40, card), ("suites", 100, suites), ("inputs", 90, inputs)]
    steps += on_a_card(args, ("memcheck", 60, sanitizer("memcheck", 5)))
    steps += [("brecq bf16", 90, method("brecq", "bf16"))]
    steps += on_a_card(args, ("profile", 60, profile))
    steps += [("yardstick brecq", 90, yardstick("brecq")), ("convolutions bf16", 60, convolutions("bf16", "32")), ("convolutions codes", 30, codes)]
    if args.cpu_network and args.cpu_logits:
        steps += [("integer logits", 30, integer_logits)]
    steps += [("same bits", 70, same_bits)]
    steps += [(f"{name} bf16", 90, method(name, "bf16")) for name in ("qdrop", "pdquant", "adaround", "best")]
    if args.cpu_report:
        steps += [("agreement", 60, agreement)]
    return steps


def second(args):
    steps = [("card", 40, card), ("inputs", 90, inputs), ("brecq bf16 whole", 180, method("brecq", "bf16", ITERATIONS))]
    steps += [("convolutions tf32", 40, convolutions("tf32", "32"))]
    steps += on_a_card(args, ("convolutions wgmma", 30, wgmma))
    steps += [("brecq tf32", 40, method("brecq", "tf32", 300)), ("brecq fp32", 40, method("brecq", "fp32", 300))]
    steps += on_a_card(args, *[(tool, 60, sanitizer(tool, 2)) for tool in ("racecheck", "synccheck", "initcheck")])
    steps += [("operations", 40, operations), ("convolutions bf16, batch 128", 60, convolutions("bf16", "128"))]
    steps += [(f"yardstick {name}", 90, yardstick(name)) for name in YARDSTICKS[1:]]
    return steps


VISITS = {1: (first, 480), 2: (second, 210)}  # steps, and the seconds that a visit may take
