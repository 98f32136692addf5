#!/usr/bin/env python3
"""Times the iterations of the plain PyTorch program (the yardstick) without its warm-up: each unit is learned for a few iterations that are
thrown away, in which kernels are loaded and memory is taken, and then as it should be, between two waits for the device.

    yardstick_time.py --yardstick FILE --rows FILE [--warm-up N] -- its own arguments

Writes a JSON object for each unit as soon as it is timed: unit, phase, iterations, seconds. The yardstick itself is not changed.
"""
import argparse
import contextlib
import inspect
import io
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from yardstick_module import load_yardstick  # noqa: E402


def timed(yardstick, rows, warm_up):
    plain = yardstick.reconstruct
    signature = inspect.signature(plain)

    def wait(device):
        if device.startswith("cuda"):
            yardstick.torch.cuda.synchronize()

    def reconstruct(*values, **named):
        given = signature.bind(*values, **named).arguments
        args, phase, unit = given["args"], given["phase"], given["i"]
        lengths = args.iters, args.iters_scale
        args.iters = args.iters_scale = warm_up
        with contextlib.redirect_stdout(io.StringIO()):
            plain(*values, **named)
        args.iters, args.iters_scale = lengths
        wait(args.device)
        start = time.perf_counter()
        result = plain(*values, **named)
        wait(args.device)
        row = {"unit": str(unit), "phase": phase, "iterations": args.iters_scale if phase == "scales" else args.iters,
               "seconds": round(time.perf_counter() - start, 4)}
        with open(rows, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        return result

    yardstick.reconstruct = reconstruct


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--yardstick", required=True)
    parser.add_argument("--rows", required=True, help="file that gets a line a unit")
    parser.add_argument("--warm-up", type=int, default=20, help="iterations of each unit that are thrown away")
    parser.add_argument("arguments", nargs="+", help="of the yardstick, behind --")
    args = parser.parse_args()
    yardstick = load_yardstick(args.yardstick)
    timed(yardstick, args.rows, args.warm_up)
    sys.argv = [args.yardstick, *args.arguments]
    yardstick.main()


if __name__ == "__main__":
    main()
