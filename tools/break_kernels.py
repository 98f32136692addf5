#!/usr/bin/env python3
"""Does the emulator bite? Takes out each barrier, each fence, each wait for copies or products in the background and
each bounds check of every production kernel in turn, and runs the emulated tests, which must fail.

The sources are copied, and every such place is made to ask which one is to be left out (the environment variable
ADAQ_MUTANT), so that one build serves all.

    tools/break_kernels.py [--build DIR] [--only SUBSTRING]... [--first TESTS] [--jobs N]
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
STATEMENTS = re.compile(r"\b(__syncthreads\(\)|__syncwarp\(\)|(?:cp_async|wgmma)_wait<[^;]*>\(\)|wgmma_(?:fence|commit)\(\)|"
                        r"fence_async_proxy\(\));")
CHECKS = re.compile(r"(?<![\w:])inside\(")
NOT_KERNELS = {"platform.h", "ptx.h", "wgmma.h"}
SWITCH = """
namespace adaq::cuda {
// Made by tools/break_kernels.py.
inline const int kLeftOut = [] {
    const char* text = std::getenv("ADAQ_MUTANT");
    return text ? std::atoi(text) : -1;
}();
/// Whether place number `number` is left out. The emulator is not to see that it looks at the host's memory.
__attribute__((noinline, no_sanitize("thread"))) inline bool left_out(int number) { return number == kLeftOut; }
}  // namespace adaq::cuda
"""


def end_of_call(text, opening):
    depth = 0
    for i in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i + 1
    raise ValueError("unbalanced parentheses")


def places_of(text):
    """(begin, end) of each place, in order. Comments are left alone."""
    comments = [m.span() for m in re.finditer(r"//[^\n]*|/\*.*?\*/", text, re.S)]
    found = [m.span() for m in STATEMENTS.finditer(text)]
    found += [(m.start(), end_of_call(text, m.end() - 1)) for m in CHECKS.finditer(text)]
    return sorted(s for s in found if not any(a <= s[0] < b for a, b in comments))


def without(text, number):
    if text.startswith("inside("):
        return f"(left_out({number}) || {text})"
    return f"if (!left_out({number})) {text}"


def instrument(tree):
    """Rewrites the copy's kernels; returns (file, line, text) of each place."""
    places = []
    for path in sorted((tree / "kernels/cuda").rglob("*")):
        if path.suffix not in {".cu", ".h"} or path.name in NOT_KERNELS:
            continue
        text, result, last = path.read_text(), "", 0
        for begin, end in places_of(text):
            line = text.count("\n", 0, begin) + 1
            result += text[last:begin] + without(text[begin:end], len(places))
            places.append((str(path.relative_to(tree)), line, " ".join(text[begin:end].split())))
            last = end
        path.write_text(result + text[last:])
    platform = tree / "kernels/cuda/platform.h"
    text = platform.read_text().replace("#include <cstdint>\n", "#include <cstdint>\n#include <cstdlib>\n", 1)
    platform.write_text(text + SWITCH)
    return places


def copy_sources(tree):
    files = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True).stdout
    for name in files.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


def build(tree, folder):
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DADAQ_UNITY=ON", "-DADAQ_CUDA=OFF"]
    options += [f"-D{name}={os.environ[name]}" for name in ["CMAKE_CXX_COMPILER_LAUNCHER"] if name in os.environ]
    subprocess.run(["cmake", "-S", tree, "-B", folder, "-G", "Ninja", *options], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "-j", "2", "--target", "adaq-emulated-tests"], check=True,
                   stdout=subprocess.DEVNULL)
    return folder / "tests/adaq-emulated-tests"


def caught(program, number, limit, first=None):
    """How the tests noticed, or None."""
    environment = {**os.environ, "ADAQ_MUTANT": str(number), "OMP_WAIT_POLICY": "passive"}
    chosen = [f"--test-case={first}"] if first else []
    for tests in chosen + ["--test-suite-exclude=emulator*,cuda*", "--test-suite=cuda*"]:  # the quick ones first
        command = [program, "--abort-after=1", tests]
        try:
            run = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace",
                                 timeout=limit)
        except subprocess.TimeoutExpired:
            return "never ends"
        if run.returncode != 0:
            message = re.search(r"race|bounds|never written|not written|under way|divergen\w*|wild", run.stdout)
            return f"emulator: {message.group(0)}" if message else "a wrong result"
    return None


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--build", type=pathlib.Path, help="keep the copy and its build here")
    arguments.add_argument("--only", action="append", help="places whose file contains this; may be given again")
    arguments.add_argument("--first", help="begin with the tests of these names, as doctest filters them: *groups*,*codes*")
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--limit", type=float, default=900.0, help="seconds after which a run never ends")
    chosen = arguments.parse_args()
    folder = chosen.build or pathlib.Path(tempfile.mkdtemp(prefix="adaq-break-"))
    tree = folder / "source"
    shutil.rmtree(tree, ignore_errors=True)
    copy_sources(tree)
    places = instrument(tree)
    program = build(tree, folder / "build")
    if noticed := caught(program, -1, chosen.limit):
        sys.exit(f"the tests fail as they are: {noticed}")
    numbers = [i for i, place in enumerate(places) if not chosen.only or any(part in place[0] for part in chosen.only)]
    survivors = []
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        for number, how in zip(numbers, pool.map(lambda n: caught(program, n, chosen.limit, chosen.first), numbers)):
            file, line, text = places[number]
            print(f"{'caught' if how else 'SURVIVED':9}{file}:{line}  {text}  {how or ''}", flush=True)
            survivors += [] if how else [number]
    print(f"{len(numbers) - len(survivors)} of {len(numbers)} caught "
          f"({100.0 * (1 - len(survivors) / max(len(numbers), 1)):.1f} %)")
    if not chosen.build:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
