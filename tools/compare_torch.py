#!/usr/bin/env python3
"""Whole-network float throughput of adaq beside PyTorch's best, taking turns in one run on the same threads.

PyTorch runs torchvision's network (random weights) with batch norms folded into the convolutions, in inference mode,
once with contiguous and once with channels_last tensors; the faster of the two counts. adaq runs `adaq-bench network`
on the same weights. A round is one turn of each, so that whatever else the machine does meets all of them alike.

    tools/compare_torch.py --adaq-bench build/release/adaq-bench --threads 2
    tools/compare_torch.py --adaq-bench build/release/adaq-bench --threads 2 --network mobilenet_v2 --target 1.3
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

SIZES = ((224, 32), (64, 128))  # image edge in pixels, batch


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adaq-bench", required=True, metavar="FILE", help="the program to run")
    parser.add_argument("--network", default="resnet18", metavar="NAME", help="torchvision's name of it [resnet18]")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of both [every core]")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each [5]")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one turn [2]")
    parser.add_argument("--target", type=float, default=1.2, help="ratio to reach; exit status 1 below it [1.2]")
    parser.add_argument("--json", metavar="FILE", help="also write the results to this file")
    return parser.parse_args()


def seconds_of_runs(work, seconds):
    """Durations of single runs, after one that is not counted; at least three."""
    work()
    durations, begin = [], time.perf_counter()
    while len(durations) < 3 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        work()
        durations.append(time.perf_counter() - start)
    return durations


class Torch:
    """The folded network in one memory format."""

    def __init__(self, model, memory_format, threads):
        import torch
        from torch.fx.experimental.optimization import fuse

        self.torch, self.memory_format = torch, getattr(torch, memory_format)
        self.name = f"PyTorch {torch.__version__}, {memory_format}"
        torch.set_num_threads(threads)
        self.model = fuse(model).to(memory_format=self.memory_format)

    def turn(self, image, batch, seconds):
        x = self.torch.randn(batch, 3, image, image).contiguous(memory_format=self.memory_format)
        with self.torch.inference_mode():
            durations = seconds_of_runs(lambda: self.model(x), seconds)
        return batch / min(durations), batch / statistics.median(durations)


class Adaq:
    """`adaq-bench network`, a process a turn: start and warm-up are not in its times."""

    def __init__(self, program, weights, threads):
        self.name, self.program, self.weights, self.threads = "adaq", program, weights, threads

    def turn(self, image, batch, seconds):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bench.json")
            command = [self.program, "network", "--weights", self.weights, "--float-only", "--json", path]
            command += ["--threads", str(self.threads), "--image", str(image), "--batch", str(batch)]
            command += ["--seconds", str(seconds)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            with open(path) as file:
                row = json.load(file)["networks"][0]
        return row["images_per_second_best"], row["images_per_second_median"]


def compare(contestants, image, batch, options):
    """Images per second of each: the best turn, and the median of the turns' medians."""
    turns = {c.name: [] for c in contestants}
    for _ in range(options.rounds):
        for contestant in contestants:
            turns[contestant.name].append(contestant.turn(image, batch, options.seconds))
    return {
        name: {"best": max(best for best, _ in all_of), "median": statistics.median(median for _, median in all_of)}
        for name, all_of in turns.items()
    }


def print_size(image, batch, speeds, ratios):
    print(f"\n{image}x{image}, batch {batch}: images per second")
    print(f"  {'':<40}{'best':>10}{'median':>10}")
    for name, speed in speeds.items():
        print(f"  {name:<40}{speed['best']:>10.1f}{speed['median']:>10.1f}")
    print(f"  {'adaq / faster PyTorch':<40}{ratios['best']:>10.2f}{ratios['median']:>10.2f}", flush=True)


def random_model(name):
    """torchvision's network, and its state dict as a checkpoint that names it."""
    import torch
    import torchvision

    torch.manual_seed(1)
    model = getattr(torchvision.models, name)().eval()
    return model, {"arch": name, "state_dict": model.state_dict()}


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        return compare_network(options, os.path.join(folder, "weights.pth"))


def compare_network(options, weights):
    import torch

    model, checkpoint = random_model(options.network)
    torch.save(checkpoint, weights)
    contestants = [Torch(model, memory_format, options.threads) for memory_format in ("contiguous_format", "channels_last")]
    contestants.append(Adaq(options.adaq_bench, weights, options.threads))
    results, lowest = [], float("inf")
    for image, batch in SIZES:
        speeds = compare(contestants, image, batch, options)
        ours, theirs = speeds["adaq"], [speed for name, speed in speeds.items() if name != "adaq"]
        ratios = {kind: ours[kind] / max(speed[kind] for speed in theirs) for kind in ("best", "median")}
        print_size(image, batch, speeds, ratios)
        results.append({"image": image, "batch": batch, "images_per_second": speeds, "ratio": ratios})
        lowest = min(lowest, ratios["best"])
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"threads": options.threads, "results": results}, file, indent=2)
    print(f"\nlowest ratio {lowest:.2f}, wanted {options.target}")
    return 0 if lowest >= options.target else 1


if __name__ == "__main__":
    sys.exit(main())
