#!/usr/bin/env python3
"""A visit to a card as tools/gpu_check.sh makes it, with stand-ins for the programs, the profiler and the card: the order of its steps, what it
leaves behind, and that neither a crash nor a hang nor the end of its time costs more than the step in which it happens."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = f"#!{sys.executable} -IS\n"
ORDER = ["card", "suites", "inputs", "memcheck", "brecq bf16", "profile", "yardstick brecq", "convolutions bf16", "convolutions codes", "same bits",
         "qdrop bf16", "pdquant bf16", "adaround bf16", "best bf16"]
SECOND = ["card", "inputs", "brecq bf16 whole", "convolutions tf32", "convolutions wgmma", "brecq tf32", "brecq fp32", "racecheck"]

# Every stand-in notes how it was called, and behaves as the file `behaviour` beside it says for one of its words.
COMMON = """
import json, os, pathlib, signal, sys, time
words, here = sys.argv[1:], pathlib.Path(__file__).resolve().parent
with open(here / "calls", "a") as file:
    file.write(json.dumps({"program": pathlib.Path(__file__).name, "words": words, "pid": os.getpid(), "sync": os.environ.get("ADAQ_CUDA_SYNC"),
                           "profile": os.environ.get("ADAQ_CUDA_PROFILE"), "libraries": os.environ.get("LD_LIBRARY_PATH")}) + "\\n")
twice = {word for word in words if word.startswith("--") and words.count(word) > 1}
if twice and not here.name == "bin":
    sys.exit(f"given twice: {twice}")
def option(name, default=None):
    return words[words.index(name) + 1] if name in words else default
def behave(word):
    how = json.loads((here / "behaviour").read_text()).get(word)
    if how == "crash": os.kill(os.getpid(), signal.SIGSEGV)
    if how == "fail": sys.exit(f"{word} went wrong")
    if how == "hang": time.sleep(600)
"""
RUN = COMMON + """
if option("--logits"):
    sys.exit(not pathlib.Path(option("--logits")).write_text("of integers"))
method, iterations = option("--method"), int(option("--iters"))
behave(method)
learning = [{"name": unit, "phase": "weights", "iterations": iterations, "seconds": 0.001 * iterations, "gflops_per_second": 5000.0} for unit in ("a", "b")]
accuracy = {"quantised": {"images": 100, "top1": {"correct": 60, "share": 0.6}}}
if option("--report"):
    pathlib.Path(option("--report")).write_text(json.dumps({"learning": learning, "seconds": {"reconstruct": 0.002 * iterations + 1.0}, "accuracy": accuracy}))
if option("--save"):
    pathlib.Path(option("--save")).write_text(option("--save")[-5:] if "different" in (here / "behaviour").read_text() else "bits")
"""
BENCH = COMMON + """
behave(words[0])
print("a card; measured 700.0 TFLOP/s by cuBLAS (8192^3), 4000 GB/s copying")
print("direction image batch layer count x w best median GFLOP/s peak cuDNN ratio")
if option("--rows"):
    row = {"direction": "forward", "batch": 32, "layer": "layer1.0.conv1", "count": 4, "operands": "bf16", "seconds_best": 1e-5, "gflops": 300e3,
           "share_of_peak": 0.4, "yardstick": "cuDNN 9.1.0", "yardstick_gflops": 400e3, "ratio": 0.75}
    operation = {"operation": "adam", "shape": [64, 3], "seconds_best": 1e-6, "gigabytes_per_second": 2000.0, "share_of_copying": 0.5}
    with open(option("--rows"), "a") as file:
        file.write(json.dumps(operation if words[0] == "operations" else row) + "\\n")
    behave("after a row")
"""
TESTS = COMMON + """
if "--list-test-suites" in words:
    print("[doctest] listing all test suites\\n" + "=" * 79 + "\\nconvolutions, all\\nstatistics\\ntraining\\n" + "=" * 79)
    sys.exit()
suite = words[0].removeprefix("-ts=").replace("\\\\,", ",")
if os.environ.get("ADAQ_CUDA_SYNC"):
    sys.exit("adam step: an illegal memory access was encountered")
behave(suite)
print("[doctest] test cases:  4 |  4 passed | 0 failed | 9 skipped")
"""
SANITIZER = COMMON + """
import subprocess
behave("sanitizer")
if "--version" in words: sys.exit(print("Version 2025.3"))
status = subprocess.run(words[words.index("20") + 1:]).returncode
print("========= ERROR SUMMARY: 0 errors")
sys.exit(status)
"""
PROFILER = COMMON + """
if "--version" in words: sys.exit(print("Version 2025.3"))
behave("profiler")
metrics = option("--metrics").split(",")
print("==PROF== Connected")
print(",".join(f'"{name}"' for name in ["ID", "Kernel Name", *metrics]))
print(",".join(f'"{name}"' for name in ["", "", "us"] + ["%"] * (len(metrics) - 1)))
for number, (kernel, time) in enumerate([("gemm<4>(Args)", "10.5"), ("adam(P)", "2.0"), ("gemm<4>(Args)", "1,000.5")]):
    print(",".join(f'"{name}"' for name in [number, kernel, time] + ["50.0"] * (len(metrics) - 1)))
"""
SMI = COMMON + """
print("2048" if "memory" in words[0] and "name" not in words[0] else "9.0" if words[0] == "--query-gpu=compute_cap" else "NVIDIA Imaginary, 580.1, 81559 MiB, 9.0")
"""
YARDSTICK = """
import json, os, sys, time, types
torch = types.SimpleNamespace(cuda=types.SimpleNamespace(synchronize=lambda: None))
learned = []
def reconstruct(net, i, unit, xq, xf, target, args, phase, tail=None, logits=None):
    learned.append(args.iters)
    time.sleep(0.3 if len(learned) == 1 else 0.01)  # the first time kernels are loaded
    print(json.dumps({"unit": i, "seconds": 9}))
def main():
    iterations = int(sys.argv[sys.argv.index("--iters") + 1])
    args = types.SimpleNamespace(iters=iterations, iters_scale=iterations, device="cuda")
    for i in range(2):
        reconstruct(None, i, None, None, None, None, args, "weights", tail=None)
    if learned != [20, 200, 20, 200]:
        sys.exit(f"learned for {learned}")
"""


class Place:
    """A folder with stand-ins, and visits that run there."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.out, self.work, self.programs, self.bin = (self.folder / name for name in ("out", "work", "programs", "programs/bin"))
        self.bin.mkdir(parents=True)
        for path, text in ((self.programs / "adaq-run", RUN), (self.programs / "adaq-bench", BENCH), (self.programs / "adaq-cuda-tests", TESTS),
                           (self.bin / "compute-sanitizer", SANITIZER), (self.bin / "ncu", PROFILER), (self.bin / "nvidia-smi", SMI)):
            path.write_text(PROGRAM + text)
            path.chmod(0o755)
        (self.programs / "yardstick.py").write_text(YARDSTICK)
        (self.programs / "commit.txt").write_text("abc1234\n")
        self.behaviour()
        for part in ("calib", "val"):
            (self.work / part / "class").mkdir(parents=True)
            (self.work / part / "class" / "1.jpg").touch()
        (self.work / "r18.pth").touch()
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.libraries = self.folder / "user/lib" / version / "site-packages/nvidia/cudnn/lib"
        self.libraries.mkdir(parents=True)

    def behaviour(self, **how):
        for folder in (self.programs, self.bin):
            (folder / "behaviour").write_text(json.dumps({key.replace("_", " "): value for key, value in how.items()}))

    def start(self, number, *more):
        environment = {**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}", "PYTHONUSERBASE": str(self.folder / "user")}
        return subprocess.Popen([ROOT / "tools/gpu_check.sh", "visit", str(number), self.out, "--work", self.work, "--programs", self.programs, *more],
                                env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def visit(self, number, *more):
        process = self.start(number, *more)
        text, _ = process.communicate(timeout=120)
        return process.returncode, text

    def rows(self, number=1):
        return [json.loads(line) for line in (self.out / f"visit-{number}.jsonl").read_text().splitlines()]

    def ends(self, number=1):
        return {row["step"]: row for row in self.rows(number) if row["row"] == "end"}

    def page(self, number=1):
        return (self.out / f"visit-{number}.md").read_text()

    def calls(self, program):
        found = []
        for folder in (self.programs, self.bin):
            if (folder / "calls").exists():
                found += [call for line in (folder / "calls").read_text().splitlines() if (call := json.loads(line))["program"] == program]
        return found

    def wait_for_call(self, program, word):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for call in self.calls(program):
                if word in call["words"]:
                    return call["pid"]
            time.sleep(0.05)
        raise AssertionError(f"{program} was not called with {word}")


def has_ended(pid):
    for _ in range(100):
        try:
            if pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


class GpuCheck(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Place(folder.name)

    def test_first_visit(self):
        place = self.place
        status, text = place.visit(1)
        self.assertEqual(status, 0, text)
        self.assertEqual(list(place.ends()), ORDER)
        self.assertEqual({end["status"] for end in place.ends().values()}, {"passed"})
        self.assertEqual(place.rows()[0]["budget"], 480)
        self.assertEqual(place.rows()[0]["commit"], "abc1234")
        self.assertEqual(place.rows()[-1]["row"], "over")
        self.assertEqual(sorted(p.name for p in place.out.iterdir()), ["visit-1.jsonl", "visit-1.md", "visit-1.tar.gz"])
        with tarfile.open(place.out / "visit-1.tar.gz") as tar:
            self.assertIn("brecq-bf16-output.txt", tar.getnames())
        runs = [" ".join(call["words"]) for call in place.calls("adaq-run")]
        self.assertTrue(all("--math bf16" in run for run in runs))
        under_memcheck = [call for call in place.calls("compute-sanitizer") if "memcheck" in call["words"]]
        self.assertIn("--method brecq", " ".join(under_memcheck[0]["words"]))
        self.assertRegex(" ".join(under_memcheck[0]["words"]), "--iters-scale 5 .*--iters 5 ")
        self.assertEqual([call["words"][call["words"].index("--clock-control") + 1] for call in place.calls("ncu") if "--csv" in call["words"]], ["none"])
        self.assertEqual({call["profile"] for call in place.calls("ncu") if "--csv" in call["words"]}, {"1"})
        bench = [" ".join(call["words"]) for call in place.calls("adaq-bench")]
        self.assertIn("--math bf16 --direction all --image 224 --batch 32", bench[-2])
        self.assertRegex(bench[-1], "--direction forward --image 224 --batch 32 .*--codes")
        self.assertIn(str(place.libraries), place.calls("adaq-bench")[0]["libraries"].split(":"))
        self.assertEqual(len({tuple(call["words"]) for call in place.calls("adaq-cuda-tests")}), 4)  # the list, and each of three suites

    def test_numbers_of_the_page(self):
        status, text = self.place.visit(1, "--only", "brecq", "profile", "convolutions")
        self.assertEqual(status, 0, text)
        end = self.place.ends()["brecq bf16"]
        self.assertEqual((end["learning"], end["reconstruction"], end["scaled"]), (2.0, 3.0, 41.0))  # 2 units of 1 ms, and a second beside them
        yardstick = self.place.ends()["yardstick brecq"]
        self.assertLess(yardstick["learning"], 0.25)  # without the 0.3 s of the first
        self.assertGreaterEqual(yardstick["learning"], 0.02)
        page = self.place.page()
        self.assertIn("# NVIDIA Imaginary\n", page)
        self.assertRegex(page, r"\| brecq bf16 \| W4A32 \| 1,000 \| 3.0 \| [0-9.]+ \| 41.0 \| 60 \| (2048|–) \| ")
        self.assertIn("| `gemm<4>` | 2 | 1011.0 | 99.8 % | 50.0 |", page)
        self.assertIn("Beside cuDNN 9.1.0:", page)
        self.assertIn("| forward | 32 | layer1.0.conv1 | 4 | bf16 | 10.0 | 300.0 | 40 % | 400.0 | 0.75 |", page)

    def test_second_visit(self):
        place = self.place
        status, text = place.visit(2)
        self.assertEqual(status, 0, text)
        self.assertEqual(list(place.ends(2))[:len(SECOND)], SECOND)
        self.assertEqual(place.ends(2)["brecq bf16 whole"]["iterations"], 20000)
        place.visit(1, "--only", "qdrop")
        self.assertLessEqual(len(list(place.out.iterdir())), 8)
        both = subprocess.run([ROOT / "tools/gpu_check.sh", "page", place.out / "visit-1.jsonl", place.out / "visit-2.jsonl"], capture_output=True, text=True)
        self.assertEqual(both.returncode, 0, both.stderr)
        self.assertRegex(both.stdout, r"\| qdrop bf16 \| W4A4 \|")
        self.assertRegex(both.stdout, r"\| brecq bf16 whole \| W4A32 \| 20,000 \|")

    def test_a_crash_costs_its_step_alone(self):
        place = self.place
        place.behaviour(statistics="crash", qdrop="fail", profiler="crash")
        status, text = place.visit(1)
        self.assertEqual(status, 1, text)
        ends = place.ends()
        self.assertEqual(list(ends), ORDER)
        self.assertEqual({step for step, end in ends.items() if end["status"] == "failed"}, {"suites", "qdrop bf16", "same bits", "profile"})
        told = {row["suite"]: row for row in place.rows() if "suite" in row}
        self.assertEqual({suite: row["verdict"] for suite, row in told.items()},
                         {"convolutions, all": "passed", "statistics": "killed by SIGSEGV", "training": "passed"})
        again = [row for row in place.rows() if "step_by_step" in row]
        self.assertEqual([row["step_by_step"] for row in again], ["statistics"])
        self.assertIn("adam step: an illegal memory access", again[0]["output"])
        self.assertIn("qdrop went wrong", ends["qdrop bf16"]["output"])
        self.assertIn("adam step: an illegal memory access", place.page())

    def test_different_bits_fail(self):
        self.place.behaviour(saved="different")
        status, _ = self.place.visit(1, "--only", "same bits")
        self.assertEqual(status, 1)
        self.assertEqual(self.place.ends()["same bits"]["why"], "different files from one command")

    def hold_integer_logits_against(self, logits):
        place = self.place
        (place.programs / "cpu.bin").write_text("network")
        (place.programs / "cpu.logits").write_text(logits)
        place.visit(1, "--only", "integer logits")
        self.assertIn("--weights " + str(place.programs / "cpu.bin"), " ".join(place.calls("adaq-run")[0]["words"]))
        return place.ends()["integer logits"]["status"]

    def test_a_cpus_integer_logits_pass(self):
        self.assertEqual(self.hold_integer_logits_against("of integers"), "passed")

    def test_other_integer_logits_fail(self):
        self.assertEqual(self.hold_integer_logits_against("others"), "failed")

    def test_a_hang_is_stopped_and_its_rows_are_kept(self):
        place = self.place
        place.behaviour(after_a_row="hang")
        status, text = place.visit(1, "--only", "convolutions", "adaround", "--limit", "convolutions bf16=1.5", "--limit",
                                   "convolutions codes=1.5")
        self.assertEqual(status, 1, text)
        self.assertEqual(place.ends()["convolutions bf16"]["status"], "too slow")
        self.assertEqual(place.ends()["adaround bf16"]["status"], "passed")
        self.assertIn("| forward | 32 | layer1.0.conv1 |", place.page())
        self.assertTrue(all(has_ended(call["pid"]) for call in place.calls("adaq-bench")))

    def test_the_visit_ends_in_time(self):
        place = self.place
        place.behaviour(brecq="hang")
        start = time.monotonic()
        status, text = place.visit(1, "--only", "brecq bf16", "qdrop", "best", "--budget", "8")
        self.assertLess(time.monotonic() - start, 30)
        self.assertEqual(status, 1, text)
        self.assertEqual(place.ends()["brecq bf16"]["status"], "too slow")
        self.assertEqual([place.ends()[step]["status"] for step in ("qdrop bf16", "best bf16")], ["skipped", "skipped"])
        self.assertIn("| 1 | best bf16 | skipped | 0.0 | no time left |", place.page())
        self.assertLessEqual(place.rows()[-1]["at"], 8.0)

    def test_killed_in_the_middle(self):
        place = self.place
        place.behaviour(pdquant="hang")
        process = place.start(1, "--only", "qdrop", "pdquant")
        child = place.wait_for_call("adaq-run", "pdquant")
        process.kill()
        process.communicate()
        self.assertTrue(has_ended(child))
        with open(place.out / "visit-1.jsonl", "a") as file:
            file.write('{"row": "res')  # a line that was being written
        page = subprocess.run([ROOT / "tools/gpu_check.sh", "page", place.out / "visit-1.jsonl"], capture_output=True, text=True)
        self.assertEqual(page.returncode, 0, page.stderr)
        self.assertIn("not over: killed, or still running", page.stdout)
        self.assertRegex(page.stdout, r"\| qdrop bf16 \| W4A4 \|")
        self.assertIn("| 1 | pdquant bf16 | was running when the visit ended |", page.stdout)
        self.assertIn("qdrop bf16", place.page())
        with tarfile.open(place.out / "visit-1.tar.gz") as tar:
            self.assertIn("qdrop-bf16-output.txt", tar.getnames())
            rows = tar.extractfile("visit.jsonl").read().decode().splitlines()
        self.assertIn("qdrop bf16", [json.loads(row).get("step") for row in rows])

    def test_stopped_in_the_middle(self):
        place = self.place
        place.behaviour(pdquant="hang")
        process = place.start(1, "--only", "qdrop", "pdquant", "best")
        child = place.wait_for_call("adaq-run", "pdquant")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertTrue(has_ended(child))
        self.assertEqual(place.rows()[-1]["reason"], "stopped by SIGTERM")
        self.assertEqual(place.ends()["pdquant bf16"]["status"], "stopped")
        self.assertIn("| 1 | best bf16 | not begun |", place.page())

    def test_no_card(self):
        self.place.behaviour(operations="fail")
        status, text = self.place.visit(1)
        self.assertEqual(status, 1)
        self.assertIn("no card can be used", text)
        self.assertEqual(list(self.place.ends()), ["card"])
        self.assertIn("operations went wrong", self.place.page())

    def test_what_is_missing_is_skipped_and_said(self):
        (self.place.bin / "compute-sanitizer").unlink()
        (self.place.programs / "yardstick.py").unlink()
        for part in ("r18.pth",):
            (self.place.work / part).unlink()
        status, text = self.place.visit(1, "--only", "memcheck", "yardstick")
        self.assertEqual(status, 1, text)
        ends = self.place.ends()
        self.assertEqual(ends["inputs"]["status"], "failed")  # there are no photographs
        self.assertIn("photographs", ends["inputs"]["output"])
        if not shutil.which("compute-sanitizer"):
            self.assertEqual((ends["memcheck"]["status"], ends["memcheck"]["why"]), ("skipped", "compute-sanitizer is not here"))
        self.assertEqual(ends["yardstick brecq"]["why"], "no yardstick was brought along")

    def test_photographs_are_shrunk(self):
        source, target = self.place.folder / "photographs", self.place.folder / "small"
        source.mkdir()
        (source / "one.JPEG").touch()
        (source / "notes.txt").touch()
        (self.place.bin / "convert").write_text(PROGRAM + COMMON + 'pathlib.Path(words[-1].removeprefix("jpg:")).write_text(" ".join(words))\n')
        (self.place.bin / "convert").chmod(0o755)
        environment = {**os.environ, "PATH": f"{self.place.bin}:{os.environ['PATH']}"}
        done = subprocess.run([sys.executable, "-S", ROOT / "tools/card/shrink.py", source, target], capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([p.name for p in target.iterdir()], ["one.jpg"])
        self.assertRegex((target / "one.jpg").read_text(), re.escape("-resize 256x256^>"))

    def test_a_visit_that_is_repeated_takes_nothing_away(self):
        self.place.behaviour(operations="fail")
        self.place.visit(1)
        first = (self.place.out / "visit-1.jsonl").read_text()
        self.place.visit(1)
        self.assertEqual((self.place.out / "visit-1.jsonl").read_text(), first)
        self.assertTrue((self.place.out / "visit-1-2.md").exists())

    def test_wrong_command_lines(self):
        for words in ([], ["visit"], ["visit", "3", str(self.place.out)], ["visit", "1"]):
            done = subprocess.run([ROOT / "tools/gpu_check.sh", *words], capture_output=True, text=True)
            self.assertNotEqual(done.returncode, 0, words)


if __name__ == "__main__":
    unittest.main()
