#!/usr/bin/env python3
"""Compares what building the current tree costs with what an earlier commit cost, in seconds of processor time.

    tools/build_times.py --baseline COMMIT [--part demo] [--part ci] [--part sanitize] [--every N]

demo is what tools/demo.sh builds, ci and sanitize what .ci/run builds; CUDA is left out. The earlier commit lies in
build/baseline-COMMIT. Both are built from nothing, without ccache, a command of one and a command of the other in turn: other
work on the machine slows both alike. With --every N the sum is an estimate from one compiled file in N, the same files of both;
files that stand for a whole group (ADAQ_UNITY) are all compiled, and nothing is linked.

Needs Python alone, and what a build needs.
"""
import argparse
import os
import re
import subprocess
import sys
import zlib

from earlier_commit import ROOT, unpack

PARTS = {"demo": ("release", ["adaq-run"]), "ci": ("ci", []), "sanitize": ("sanitize", [])}


class Build:
    """The commands of one build, and what those that have run took."""

    def __init__(self, source, part, every):
        preset, targets = PARTS[part]
        self.folder = source / f"build/times-{part}"
        words = ["--preset", preset, "-DADAQ_CUDA=OFF", "-DCMAKE_CXX_COMPILER_LAUNCHER=", "-B", str(self.folder)]
        subprocess.run(["cmake", *words], cwd=source, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["ninja", "-C", str(self.folder), "-t", "clean"], check=True, stdout=subprocess.DEVNULL)
        listed = subprocess.run(["ninja", "-C", str(self.folder), "-t", "commands", *targets], check=True, capture_output=True, text=True)
        commands = listed.stdout.splitlines()
        if every == 1:
            self.commands, self.scale = [(command, False) for command in commands], 1.0
        else:
            compiled = [(command, re.search(r" -c (\S+)$", command)) for command in commands]
            files = [(command, match[1]) for command, match in compiled if match]
            groups = [(command, False) for command, file in files if "/Unity/" in file]
            alone = [(command, os.path.relpath(file, source)) for command, file in files if "/Unity/" not in file]
            sample = [(command, True) for command, file in alone if zlib.crc32(file.encode()) % every == 0]
            self.commands, self.scale = groups + sample, len(alone) / max(1, len(sample))
        self.done, self.seconds = 0, 0.0

    def share_done(self):
        return self.done / len(self.commands)

    def run_next(self):
        command, sampled = self.commands[self.done]
        environment = dict(os.environ, CCACHE_DISABLE="1")
        for output in re.findall(r" -o (\S+)", command):  # ninja makes the folders
            (self.folder / output).parent.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(["/bin/sh", "-c", command], cwd=self.folder, env=environment, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"build_times.py: failed: {command}")
        self.seconds += (usage.ru_utime + usage.ru_stime) * (self.scale if sampled else 1.0)
        self.done += 1


def compare(part, earlier, every):
    builds = [Build(source, part, every) for source in (earlier, ROOT)]
    while any(build.done < len(build.commands) for build in builds):
        min(builds, key=Build.share_done).run_next()
    return [build.seconds for build in builds]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--baseline", required=True, help="a commit")
    parser.add_argument("--part", action="append", choices=PARTS, help="[all]")
    parser.add_argument("--every", type=int, default=1, help="compile one file in so many")
    args = parser.parse_args()
    if args.every < 1:
        parser.error("--every: expected 1 or more")
    earlier = unpack(args.baseline)
    print("| part | earlier, s | now, s | ratio |\n| --- | --- | --- | --- |", flush=True)
    for part in args.part or PARTS:
        before, after = compare(part, earlier, args.every)
        print(f"| {part} | {before:.0f} | {after:.0f} | {after / before:.2f} |", flush=True)


if __name__ == "__main__":
    main()
