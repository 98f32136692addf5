#!/usr/bin/env python3
"""A quantised network through adaq's Session beside onnxruntime's and OpenVINO's int8, in turns, on this machine.

    tools/compare_inference.py --bench build/release/adaq-bench --weights q.bin --onnx int8.onnx [--float float.onnx] \\
        [--size 224] [--batch 1,32] [--threads 1,2] [--seconds 2] [--rounds 5] [--of median]

q.bin: what adaq quantised. int8.onnx: the network for the two runtimes, such as onnxruntime's own static quantiser makes; float.onnx: the
float network, which both run, too. Each of them runs for some seconds, then the next, and so on for some rounds: what else the machine does
slows all alike. adaq reads pixels, the runtimes normalised floats. Prints a Markdown table (docs/speed.md holds it): the median of the
rounds' medians, and how many times as long as adaq each takes. --of best: the least of the rounds' medians instead, for a machine that is
shared with others, whose work slows some rounds and leaves others alone. Needs numpy, onnxruntime and openvino (PyPI).
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy
import onnxruntime
import openvino


def adaq(args, batch, threads, integer):
    """Median seconds of a run; of random weights where the network is to be float."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "times.json"
        command = [args.bench, "network", "--image", str(args.size), "--batch", str(batch), "--threads", str(threads), "--seconds", str(args.seconds),
                   "--json", str(path)]
        command += ["--integer", "--weights", args.weights] if integer else ["--float-only"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        result = json.loads(path.read_text())
    return result["sessions" if integer else "networks"][0]["seconds_median"]


def in_onnxruntime(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})


def in_openvino(path, batch, size, threads):
    core = openvino.Core()
    model = core.read_model(path)
    model.reshape([batch, 3, size, size])
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY",
                                                 "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"})
    request = compiled.create_infer_request()
    return lambda images: request.infer([images])


def median_of(work, images, seconds):
    work(images)
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        work(images)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def contestants(args, batch, threads):
    images = numpy.random.default_rng(0).normal(0, 1, (batch, 3, args.size, args.size)).astype(numpy.float32)
    found = {"adaq": lambda: adaq(args, batch, threads, True)}
    for kind, path in (("int8", args.onnx), ("fp32", args.float)):
        if not path:
            continue
        if kind == "fp32":
            found["adaq fp32"] = lambda: adaq(args, batch, threads, False)
        for runtime, work in (("onnxruntime", in_onnxruntime(path, threads)), ("OpenVINO", in_openvino(path, batch, args.size, threads))):
            found[f"{runtime} {kind}"] = lambda work=work: median_of(work, images, args.seconds)
    return found


def numbers(text):
    return [int(word) for word in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bench", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--onnx", required=True)
    parser.add_argument("--float")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=numbers, default=[1, 32])
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--of", choices=["median", "best"], default="median")
    args = parser.parse_args()
    print("| threads | batch | program | ms a run | times adaq's |\n| --- | --- | --- | --- | --- |", flush=True)
    for threads in args.threads:
        for batch in args.batch:
            turns = contestants(args, batch, threads)
            times = {name: [] for name in turns}
            for _ in range(args.rounds):
                for name, turn in turns.items():
                    times[name].append(turn())
            of = {"median": statistics.median, "best": min}[args.of]
            base = of(times["adaq"])
            for name, measured in times.items():
                seconds = of(measured)
                print(f"| {threads} | {batch} | {name} | {1e3 * seconds:.2f} | {seconds / base:.2f} |", flush=True)


if __name__ == "__main__":
    main()
