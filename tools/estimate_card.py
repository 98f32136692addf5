#!/usr/bin/env python3
"""Estimates, without a card, how long ResNet18's convolutions take on an H100 or H200: from the tiles and splits that
`adaq-bench choices` prints and from the kernels as ptxas compiled them (registers, and the instructions of the loop
over k, which cuobjdump shows). Nothing here is a measurement.

Of each product: how many blocks fit a multiprocessor, how many rounds of them there are, and how long the busiest
multiprocessor takes for its share on each of its parts (tensor cores, instruction issue, the integer pipe, shared
memory), the L2 cache and device memory for all of it; the longest is the estimate. What latencies cost that no other
warp covers is left out, so that it is a bound on what can be had, not a forecast. In bf16 activations and their
gradients are taken to be stored so (engine/program/bf16_storage.h) and weights to be rounded before each product; what a product
reads in float32 costs a pass over it more (--floats: all of it does).

Usage: tools/estimate_card.py BUILD [--card h100|h200] [--batch 32,128] [--layers] [--floats] [--cuobjdump PROGRAM]
BUILD has objects for sm_90 (-DCMAKE_CUDA_ARCHITECTURES=90-real) and adaq-bench.
"""
import argparse
import collections
import json
import math
import pathlib
import re
import subprocess

CARDS = {"h100": 3.35e12, "h200": 4.8e12}  # bytes a second of device memory; the chips are the same
MULTIPROCESSORS = 132
CLOCK = 1.83e9  # Hz under load; 4 * 512 * 132 multiply-adds of bf16 a cycle give the 989 TFLOP/s of the data sheet
L2_BYTES = 5.5e12  # a second, the lower end of what is reported; every block's copies come from there
DEVICE_SHARE = 0.9  # of device memory's bandwidth that kernels reach
SHARED_CYCLE = 128  # bytes a multiprocessor moves to or from shared memory in a cycle
LAUNCH = 1.5e-6  # seconds a kernel within a graph takes besides its work
MACS = {"fp32": 128, "tf32": 1024, "bf16": 2048}  # a cycle and multiprocessor
MMA_SHARE = 0.63  # of it that mma.sync reaches on Hopper, wgmma all (arXiv 2402.13499)
PEAK = {name: 2 * macs * MULTIPROCESSORS * CLOCK for name, macs in MACS.items()}
SCHEDULERS = 4
TILES = {"large": (128, 128), "tall": (128, 64), "small": (64, 64)}
MATHS = ["fp32", "tf32", "bf16"]
# 16 lanes of each scheduler: a warp takes two cycles.
INTEGER = re.compile(r"^(IADD3|VIADD|LOP3|LEA|ISETP|FSETP|SHF|SEL|PRMT|F2FP|VIMNMX|IMNMX|FMNMX|PLOP3)")

VECTOR = {"fp32": 4, "tf32": 4, "bf16": 8, "wgmma": 4}  # elements of 16 bytes

Kernel = collections.namedtuple("Kernel", "direction math m n k vector threads warpgroups registers loop")


def parse_name(name):
    """(direction, math, M, N, K, threads, vector, warpgroups) of a mangled gemm_kernel of floats; None of another's."""
    kind = re.search(r"(Forward|ToData|ToWeights)Problem|WarpgroupForward", name)
    if "gemm_kernel" not in name or not kind:
        return None
    m, n, k, warps_m, warps_n = map(int, re.search(r"4TileILi(\d+)ELi(\d+)ELi(\d+)ELi(\d+)ELi(\d+)E", name).groups())
    threads = warps_m * warps_n * 32
    if not kind.group(1):
        return "forward", "tf32", m, n, k, threads, 4, True
    direction = {"Forward": "forward", "ToData": "data", "ToWeights": "weights"}[kind.group(1)]
    math_name = MATHS[int(re.search(r"MathE(\d)", name).group(1))]
    vector = int(re.search(r"EEELi(\d)E", name).group(1))
    return direction, math_name, m, n, k, threads, vector, False


def loop_of(lines, copies_needed, chunks):
    """Opcodes of one pass of the loop over k, each with how often it is issued."""
    code = []
    for line in lines:
        found = re.match(r"\s+/\*([0-9a-f]{4,5})\*/\s+(@!?U?P\w+\s+)?([A-Z][\w.]*)([^;]*);", line)
        if found:  # before each copy sm_90 has three reads that never happen: issued, no more
            never = (found.group(2) or "").strip() == "@!PT"
            code.append((int(found.group(1), 16), "NEVER" if never else found.group(3), found.group(4)))
    is_math = re.compile(r"^(HMMA|HGMMA|FFMA)")
    loops = []
    for address, opcode, rest in code:
        target = re.search(r"0x([0-9a-f]+)", rest) if opcode == "BRA" else None
        if target and int(target.group(1), 16) < address:
            loops.append((int(target.group(1), 16), address))

    def body(loop):
        return [op for op in code if loop[0] <= op[0] <= loop[1]]

    both = [loop for loop in loops if any(is_math.match(op[1]) for op in body(loop))
            and any(op[1].startswith("LDGSTS") for op in body(loop))]
    whole = min(both, key=lambda loop: loop[1] - loop[0])
    inner = [loop for loop in loops if whole[0] <= loop[0] and loop[1] <= whole[1] and loop != whole]
    copying = [loop for loop in inner if any(op[1].startswith("LDGSTS") for op in body(loop))]
    multiplying = [loop for loop in inner if any(is_math.match(op[1]) for op in body(loop))]
    within = lambda op, of: any(loop[0] <= op[0] <= loop[1] for loop in of)
    copies = [op for op in body(whole) if op[1].startswith("LDGSTS")]
    rolled = sum(within(op, copying) for op in copies)
    passes = (copies_needed - (len(copies) - rolled)) / rolled if rolled else 1
    counts = collections.Counter()
    for op in body(whole):
        counts[op[1]] += passes if within(op, copying) else chunks if within(op, multiplying) else 1
    return counts


def kernels_of(build, cuobjdump):
    found = {}
    for report in sorted(build.glob("CMakeFiles/adaq_cuda*/**/*.cu.o.ptxas")):
        if not re.search(r"(forward|to_data|to_weights|convolution)_", report.name):
            continue
        registers = {}
        name = None
        for line in report.read_text().splitlines():
            if entry := re.search(r"Compiling entry function '(\S+)' for 'sm_90", line):
                name = entry.group(1)
            elif used := re.search(r"Used (\d+) registers", line):
                registers[name] = int(used.group(1))
        listing = subprocess.run([cuobjdump, "-sass", str(report)[:-len(".ptxas")]], check=True, capture_output=True,
                                 text=True).stdout
        for function in listing.split("Function : ")[1:]:
            name, *lines = function.splitlines()
            parsed = parse_name(name)
            if not parsed or name not in registers:
                continue
            direction, math_name, m, n, k, threads, vector, warpgroups = parsed
            needed = (m + n) * k // vector // threads
            key = (direction, "wgmma" if warpgroups else math_name, m, n, vector)
            found[key] = Kernel(direction, math_name, m, n, k, vector, threads, warpgroups, registers[name],
                                loop_of(lines, needed, k // 4))
    return found


def element_bytes(kernel):
    return 2 if kernel.vector == 8 else 4


def shared_bytes(kernel):
    """As SharedPlan (gemm.h) has it: three stages, pixel rows, a double a warp."""
    pad = 8
    a = kernel.k * (kernel.m + (pad if kernel.direction == "weights" else 0))
    b = kernel.k * (kernel.n + (pad if kernel.direction != "forward" else 0))
    rows = 1 if kernel.direction == "weights" else kernel.m
    return 3 * (a + b) * element_bytes(kernel) + rows * 16 + 256


def resident(kernel):
    registers = math.ceil(kernel.registers * 32 / 256) * 256 * kernel.threads // 32
    return max(1, min(65536 // registers, (228 * 1024) // (shared_bytes(kernel) + 1024), 2048 // kernel.threads))


def cycles_of_stage(kernel):
    """Of one block and one stage, on each part of a multiprocessor."""
    warps = kernel.threads / 32
    issued = sum(kernel.loop.values()) * warps / SCHEDULERS
    integer = 2 * sum(n for op, n in kernel.loop.items() if INTEGER.match(op)) * warps / SCHEDULERS
    moved = 0
    for opcode, count in kernel.loop.items():
        if opcode.startswith(("LDSM", "LDS", "LDGSTS")):  # narrow ones are fragments, or pixel rows that lanes share
            moved += count * warps * 32 * (16 if ".128" in opcode or "88.4" in opcode else 4)
    if kernel.warpgroups:  # operand B, read by the tensor cores for each 64 rows
        moved += kernel.m // 64 * kernel.n * kernel.k * 4
    share = 1 if kernel.warpgroups or kernel.math == "fp32" else MMA_SHARE
    return {"products": kernel.m * kernel.n * kernel.k / (MACS[kernel.math] * share), "issue": issued,
            "integers": integer, "shared": moved / SHARED_CYCLE}


def operands_of(row):
    """Elements of both operands and of the result."""
    x, w, y = (math.prod(row[name]) for name in "xwy")
    x, y = row["batch"] * x, row["batch"] * y
    return {"forward": (x, w, y), "data": (y, w, x), "weights": (y, x, w)}[row["direction"]]


def rounded_bytes(row, kind, floats):
    """Read and written by the launches that round operands before the product."""
    a, b, _ = operands_of(row)
    if kind == "wgmma":
        return 8 * b, 1
    if kind != "bf16" or not row["vectors"]:
        return 0, 0
    rounded = [b] if row["direction"] != "weights" else []
    if floats:
        rounded = [a, b]
    return 6 * sum(rounded), len(rounded)


def estimate(row, kernels, kind, bandwidth, floats=False):
    """Seconds, what limits them, blocks resident and rounds."""
    tile = row["tile"] if row["vectors"] else "tall" if row["direction"] == "forward" else "small"
    vector = VECTOR[kind] if row["vectors"] else 1
    if kind == "wgmma" and vector == 1:
        kind = "tf32"
    widest = math.ceil(row["rows"] / 256) * math.ceil(row["columns"] / 128) * row["splits"]
    extent = (256, 128) if kind == "wgmma" and tile == "large" and widest >= MULTIPROCESSORS else TILES[tile]
    kernel = kernels[row["direction"], kind, *extent, vector]
    blocks = math.ceil(row["rows"] / kernel.m) * math.ceil(row["columns"] / kernel.n) * row["planes"] * row["splits"]
    stages = math.ceil(math.ceil(row["total"] / kernel.k) / row["splits"])
    if row["planes"] > 1:  # of the taps that all parities see together
        stages = stages * (math.prod(row["w"][1:3]) / math.ceil(row["w"][1] / row["stride"]) ** 2) / row["planes"]
    fits = resident(kernel)
    rounds = math.ceil(blocks / (MULTIPROCESSORS * fits))
    of_one = math.ceil(blocks / MULTIPROCESSORS)
    seconds = {part: of_one * stages * cycles / CLOCK for part, cycles in cycles_of_stage(kernel).items()}
    a, b, result = operands_of(row)
    tensors = element_bytes(kernel) * (a + b) + 4 * result
    parts = 4 * math.prod((row["rows"], row["columns"], row["planes"])) * row["splits"] * 2 if row["splits"] > 1 else 0
    rounding, rounding_launches = rounded_bytes(row, kind, floats)
    seconds["L2"] = (blocks * stages * (kernel.m + kernel.n) * kernel.k * element_bytes(kernel) + parts) / L2_BYTES
    seconds["memory"] = tensors / (bandwidth * DEVICE_SHARE)
    limit = max(seconds, key=seconds.get)
    launches = 1 + (row["splits"] > 1) + rounding_launches
    total = seconds[limit] + launches * LAUNCH + (parts + rounding) / (bandwidth * DEVICE_SHARE)
    return total, limit, f"{kernel.m}x{kernel.n}", fits, rounds


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("build", type=pathlib.Path)
    arguments.add_argument("--card", choices=CARDS, default="h100")
    arguments.add_argument("--batch", default="32,128")
    arguments.add_argument("--layers", action="store_true", help="a line a layer, not the totals alone")
    arguments.add_argument("--floats", action="store_true", help="bf16: operands lie in float32")
    arguments.add_argument("--cuobjdump", default="cuobjdump")
    chosen = arguments.parse_args()
    kernels = kernels_of(chosen.build, chosen.cuobjdump)
    print("Cycles of a multiprocessor for one block's stage, and blocks that fit it:")
    print(f"{'kernel':24}{'products':>9}{'issue':>7}{'integers':>9}{'shared':>7}{'registers':>10}{'KiB':>5}"
          f"{'blocks':>7}")
    for (direction, kind, m, n, vector), kernel in sorted(kernels.items(), key=lambda item: str(item[0])):
        name = f"{direction} {kind} {m}x{n}" + ("" if vector > 1 else " /1")
        parts = cycles_of_stage(kernel)
        print(f"{name:24}{parts['products']:9.0f}{parts['issue']:7.0f}{parts['integers']:9.0f}{parts['shared']:7.0f}"
              f"{kernel.registers:10}{shared_bytes(kernel) // 1024:5}{resident(kernel):7}")
    totals = []
    for kind in MATHS + ["wgmma"]:
        name = "tf32" if kind == "wgmma" else kind
        command = [chosen.build / "adaq-bench", "choices", "--math", name, "--batch", chosen.batch,
                   "--multiprocessors", str(MULTIPROCESSORS)]
        rows = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        sums = collections.defaultdict(lambda: [0.0, 0.0])
        for row in rows:
            if kind == "wgmma" and row["direction"] != "forward":
                continue
            if row["layer"] == "conv1" and row["direction"] == "data":
                continue  # the image's gradient: nobody asks for it
            seconds, limit, tile, fits, rounds = estimate(row, kernels, kind, CARDS[chosen.card], chosen.floats)
            speed = row["flops"] / seconds
            if chosen.layers:
                print(f"{kind:6}{row['direction']:8}{row['batch']:4} {row['layer']:22}x{row['count']} {tile:8}"
                      f"{row['splits']:3} splits {fits:2} fit {rounds:3} rounds {seconds * 1e6:8.1f} us "
                      f"{speed / 1e12:6.1f} TFLOP/s {100 * speed / PEAK[name]:5.1f} %  {limit}")
            sums[row["direction"], row["batch"]][0] += seconds * row["count"]
            sums[row["direction"], row["batch"]][1] += row["flops"] * row["count"]
        totals += [(kind, *key, *value) for key, value in sums.items()]
    print(f"All of ResNet18's convolutions, {chosen.card}:")
    for kind, direction, batch, seconds, flops in totals:
        name = "tf32" if kind == "wgmma" else kind
        print(f"{kind:6}{direction:8}{batch:4} {seconds * 1e3:8.3f} ms {flops / seconds / 1e12:6.1f} TFLOP/s "
              f"{100 * flops / seconds / PEAK[name]:5.1f} % of {PEAK[name] / 1e12:.0f}")


if __name__ == "__main__":
    main()
