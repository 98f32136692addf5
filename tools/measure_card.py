#!/usr/bin/env python3
"""A visit to a card, for a machine that can be had for minutes: 15 in all, 10 at a time. tools/gpu_check.sh is the usual way in.

    tools/measure_card.py visit 1 --out OUT      at most 8 minutes: card and libraries, tests, memcheck, brecq, a profile, the yardstick, convolutions
                                                 (of codes, too), a CPU's integer logits, the same bits twice, qdrop, pdquant, adaround, best
    tools/measure_card.py visit 2 --out OUT      at most 3 1/2: brecq in full, other arithmetic and kernels that are off by default, racecheck
    tools/measure_card.py page OUT/visit-1.jsonl...        the page for docs/gpu, to stdout

OUT gets three files a visit, written anew as it goes (tools/card/archive.py). Learning is timed at --iters iterations a unit and scaled to
20,000 (brecq's scales: to 5,000). --device cpu tries the tool itself where there is no card.
"""
import argparse
import pathlib
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools/card"))
import page  # noqa: E402
from archive import read_rows  # noqa: E402
from runner import Stopped  # noqa: E402
from steps import VISITS  # noqa: E402
from visit import Visit  # noqa: E402


def stop(number, _):
    raise Stopped(signal.Signals(number).name)


def limit_of(text):
    step, _, seconds = text.rpartition("=")
    return step, float(seconds)


def visit(args):
    if not args.only:
        args.only = [""]
    args.limit = dict(args.limit)
    carried = pathlib.Path(args.programs)
    for option, name in (("photographs", "photographs"), ("data", "data")):
        setattr(args, option, getattr(args, option) or str(carried / name))
    for option, name in (("yardstick", "yardstick.py"), ("cpu_report", "cpu.json"), ("cpu_network", "cpu.bin"), ("cpu_logits", "cpu.logits")):
        if getattr(args, option) is None and (carried / name).exists():
            setattr(args, option, str(carried / name))
    steps_of, budget = VISITS[args.number]
    args.budget = args.budget or budget
    steps = [step for step in steps_of(args) if step[0] in ("card", "inputs") or any(word in step[0] for word in args.only)]
    if args.list:
        print("\n".join(f"{name}: at most {args.limit.get(name, limit):.0f} s" for name, limit, _ in steps))
        return 0
    pathlib.Path(args.work).mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return Visit(args, args.number, steps).run()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    to_page = commands.add_parser("page", help="Markdown of one visit or both")
    to_page.add_argument("archives", nargs="+", type=pathlib.Path, metavar="ARCHIVE")
    to_card = commands.add_parser("visit", help="run the steps of a visit")
    to_card.add_argument("number", type=int, choices=VISITS)
    to_card.add_argument("--out", required=True)
    to_card.add_argument("--work", default="/tmp/adaq-card", help="crops, weights, outputs")
    to_card.add_argument("--programs", default=str(ROOT / "build/card"), help="what tools/gpu_check.sh build made")
    to_card.add_argument("--photographs", help="[PROGRAMS/photographs]")
    to_card.add_argument("--data", help="of the bundled model [PROGRAMS/data]")
    to_card.add_argument("--yardstick", help="the plain PyTorch program [PROGRAMS/yardstick.py]")
    to_card.add_argument("--cpu-report", help="JSON report of the bundled model, learned on a CPU from --data [PROGRAMS/cpu.json]")
    to_card.add_argument("--cpu-network", help="quantised network that a CPU saved, of the bundled model [PROGRAMS/cpu.bin]")
    to_card.add_argument("--cpu-logits", help="what --logits of adaq-run wrote of it on a CPU [PROGRAMS/cpu.logits]")
    to_card.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    to_card.add_argument("--images", type=int, default=1024)
    to_card.add_argument("--iters", type=int, default=1000)
    to_card.add_argument("--yardstick-iters", type=int, default=200)
    to_card.add_argument("--yardstick-warm-up", type=int, default=20)
    to_card.add_argument("--budget", type=float, help="seconds of the whole visit [480, 210]")
    to_card.add_argument("--limit", type=limit_of, action="append", default=[], metavar="STEP=SECONDS", help="another limit for one step")
    to_card.add_argument("--only", nargs="+", help="steps with one of these words in their names (card, inputs: always)")
    to_card.add_argument("--list", action="store_true", help="name the steps and stop")
    args = parser.parse_args()
    if args.command == "page":
        print(page.markdown(*[read_rows(path) for path in args.archives]), end="")
        return 0
    return visit(args)


if __name__ == "__main__":
    sys.exit(main())
