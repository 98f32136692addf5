#!/usr/bin/env python3
"""Runs an .onnx file that adaq wrote on real images in onnxruntime and OpenVINO, and tells whether they compute what it says.

    python3 -m venv venv && venv/bin/pip install onnx onnxruntime openvino pillow
    venv/bin/python tools/verify_onnx.py q.onnx --val DIR --expect r.json
    venv/bin/python tools/verify_onnx.py q.onnx --val DIR --logits q.npy        # adaq-run --weights q.bin --val DIR --logits q.npy

What the file says is ONNX's own definition of it: onnxruntime with all optimisations off, one operator after the other. Of a network made
with --deploy ort it is the arithmetic that adaq shares with onnxruntime (tools/onnx_requantised.py). For each runtime:

    kernels   convolutions that ran on integers
    codes     codes of activations that differ from the definition's, over all sites. A code that differs makes others differ behind it;
              the first of an image is told with its distance from a tie, in steps of the quantiser: two runtimes add in different orders
    classes   images for which it names the same class as the definition, and as adaq's own logits (--logits)
    top-1     right ones, beside the report's (--expect)
    time      a batch of 1 and of 32 images, one thread, the fastest of several

The images are class folders, prepared as the file's metadata say (docs/images.md), by Pillow. onnx.checker checks the file first. Exit
status 1 where a check fails: more codes differ than --codes allows, or a first one is no near tie, or a top-1 is more than --top1 images
from the report's. Exit status 2 where an option, the file, an image, the report or the logits are not what they have to be.
"""
import argparse
import collections
import importlib.util
import json
import os
import pathlib
import sys
import tempfile
import time

# First: it says which of the modules below are not installed.
from onnx_inputs import MOST_THREADS, Images, Parser, check_paths, expected_top1, first_line, load, logits_of_adaq, metadata, number, refuse

import numpy as np
import onnx
import onnxruntime

from onnx_requantised import Requantised, session_of


def arguments():
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="FILE.onnx", help="what adaq-convert or adaq-run --save wrote")
    parser.add_argument("--val", required=True, metavar="DIR", help="class folders of images")
    parser.add_argument("--images", type=number(int, 0), default=0, metavar="N", help="logits of N images, evenly spread [all]")
    parser.add_argument("--code-images", type=number(int, 0), default=300, metavar="N", help="codes of N images, evenly spread; 0: none [300]")
    parser.add_argument("--expect", metavar="R.json", help="adaq-run's report of the same network on the same images")
    parser.add_argument("--logits", metavar="Q.npy", help="adaq-run's logits of the same network on all images")
    parser.add_argument("--runtimes", help="which, of ort,openvino [the one that the file was written for, else both]")
    parser.add_argument("--threads", type=number(int, 1, MOST_THREADS), default=1, help="of the runtimes [1]")
    parser.add_argument("--codes", type=number(float, 0, 1), default=1.0, metavar="SHARE", help="most codes that may differ [1: not looked at]")
    parser.add_argument("--tie", type=number(float, 0), default=1e-3, metavar="STEPS", help="with --codes: farthest from a tie a first one may be [1e-3]")
    parser.add_argument("--top1", type=number(int, 0), default=2, metavar="N", help="images that a top-1 may be from the report's [2]")
    parser.add_argument("--json", metavar="FILE", help="also write the results there")
    return parser.parse_args()


# ---- sites

def sites_of(model):
    """Of each quantised activation: the tensors of its codes and of what is quantised, and the scale, in order of data flow."""
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    by_input = collections.defaultdict(list)
    for node in model.graph.node:
        by_input[node.input[0]].append(node)
    sites = []
    for node in model.graph.node:
        if node.op_type != "QuantizeLinear":
            continue
        codes = node.output[0]
        codes = next((reader.output[0] for reader in by_input[codes] if reader.op_type == "Min"), codes)
        producer = next((p for p in model.graph.node if p.output[0] == node.input[0]), None)
        if producer is not None and producer.op_type in ("MaxPool", "Flatten"):
            continue  # codes of the site before it
        sites.append((codes, node.input[0], float(constants[node.input[1]])))
    return sites


def with_outputs(model, names):
    """The model with these tensors as outputs, too."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    known = {info.name: info for info in onnx.shape_inference.infer_shapes(model).graph.value_info}
    present = {info.name for info in copy.graph.output} | {info.name for info in copy.graph.input}
    copy.graph.output.extend(known[name] for name in dict.fromkeys(names) if name not in present)
    return copy


# ---- runtimes

class Definition:
    """onnxruntime without any optimisation."""

    title = f"onnxruntime {onnxruntime.__version__}"

    def __init__(self, model, threads):
        self.session = session_of(model, threads)

    def run(self, x, names):
        return self.session.run(names, {"input": x})


class OnnxRuntime(Definition):
    def __init__(self, model, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        with tempfile.TemporaryDirectory() as folder:
            options.optimized_model_filepath = os.path.join(folder, "optimised.onnx")
            self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
            optimised = onnx.load(options.optimized_model_filepath)
        self.kinds = collections.Counter(node.op_type for node in optimised.graph.node)
        self.floats = [node.name for node in optimised.graph.node if node.op_type in ("Conv", "FusedConv")]

    def kernels(self):
        others = {kind: count for kind, count in sorted(self.kinds.items()) if kind.startswith(("QLinear", "QGemm", "NhwcMaxPool", "Gemm"))}
        return {"integer": self.kinds["QLinearConv"], "float": self.floats, "others": others}


class OpenVino:
    def __init__(self, model, threads):
        import openvino
        OpenVino.title = f"OpenVINO {openvino.__version__.split('-')[0]}"
        core = openvino.Core()
        config = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        self.compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", config)
        self.request = self.compiled.create_infer_request()
        self.names = [output.get_names() for output in self.compiled.outputs]

    def run(self, x, names):
        results = self.request.infer({0: x})
        values = [results[output] for output in self.compiled.outputs]
        return [np.array(next(value for value, known in zip(values, self.names) if name in known)) for name in names]

    def kernels(self):
        integers, floats, others = 0, [], collections.Counter()
        for node in self.compiled.get_runtime_model().get_ops():
            info = {key: str(value.astype(str) if hasattr(value, "astype") else value) for key, value in node.get_rt_info().items()}
            kind, precision = info.get("layerType", ""), info.get("runtimePrecision", "")
            if kind == "Convolution":
                if precision in ("u8", "i8"):
                    integers += 1
                else:
                    floats.append(node.get_friendly_name())
            elif kind in ("FullyConnected", "Pooling", "Eltwise", "FakeQuantize"):
                others[f"{kind} {precision}"] += 1
        return {"integer": integers, "float": floats, "others": dict(others)}


RUNTIMES = {"ort": OnnxRuntime, "openvino": OpenVino}


def started(kind, model, args):
    """A runtime, with the file loaded."""
    try:
        return kind(model, args.threads)
    except Exception as error:  # each runtime has exceptions of its own
        refuse(f"{args.file}: cannot be loaded by {getattr(kind, 'title', kind.__name__)}: {first_line(error)}")


# ---- checks

def logits_of(runtime, images, positions):
    return np.concatenate([runtime.run(x, ["logits"])[0] for x in images.batches(positions)])


def compare_codes(definition, runtime, images, positions, sites):
    """Codes that differ, by site; of each image's first one, how far from a tie the definition's value was."""
    names = [codes for codes, _, _ in sites]
    watched = list(dict.fromkeys(names + [value for _, value, _ in sites if value != "input"]))
    differing, total, farthest, first = collections.Counter(), 0, 0.0, 0
    for x in images.batches(positions):
        wanted = dict(zip(watched, definition.run(x, watched))) | {"input": x}
        got = dict(zip(names, runtime.run(x, names)))
        clean = np.ones(len(x), bool)  # images of which no code has differed so far
        for codes, value, scale in sites:
            wrong = wanted[codes] != got[codes].astype(wanted[codes].dtype)
            total += wrong.size
            count = int(wrong.sum())
            if not count:
                continue
            differing[codes.removesuffix(".codes")] += count
            here = wrong & clean.reshape(-1, *[1] * (wrong.ndim - 1))
            first += int(here.sum())
            steps = wanted[value][here].astype(np.float64) / scale
            if steps.size:
                farthest = max(farthest, float(np.abs(steps - np.floor(steps) - 0.5).max()))
            clean &= ~wrong.reshape(len(x), -1).any(1)
    return {"total": total, "differing": sum(differing.values()), "first": first, "farthest_from_a_tie": farthest, "by_site": dict(differing)}


def fastest(runtime, x, seconds=1.0):
    runtime.run(x, ["logits"])
    best, begin = float("inf"), time.perf_counter()
    while time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        runtime.run(x, ["logits"])
        best = min(best, time.perf_counter() - start)
    return 1e3 * best / len(x)


def targets_of(model):
    return [entry.value for entry in model.metadata_props if entry.key == "adaq.target"]


def definition_of(model, names, args):
    """Of the file, with these tensors as outputs, and what that is called."""
    if targets_of(model) == ["ort"] and (metadata(model, "adaq.settings") or {}).get("deploy") == "ort":
        return Requantised(model), "adaq and onnxruntime define it"
    return started(Definition, with_outputs(model, names), args), "ONNX defines it"


def verify(name, args, model, images, positions, definition, reference, adaq, sites, expected):
    kind = RUNTIMES[name]
    runtime = started(kind, model, args)
    result = {"runtime": kind.title, "kernels": runtime.kernels()}
    logits = logits_of(runtime, images, positions)
    labels = images.labels(positions)
    result["same_class"] = int((logits.argmax(1) == reference.argmax(1)).sum())
    error = np.abs(logits - reference).max(1) / np.abs(reference).max(1)
    result["rows_within_1e-4"] = int((error <= 1e-4).sum())
    result["largest_error"] = float(error.max())
    result["top1"] = int((logits.argmax(1) == labels).sum())
    if adaq is not None:
        result["same_class_as_adaq"] = int((logits.argmax(1) == adaq.argmax(1)).sum())
        result["rows_within_1e-4_of_adaq"] = int((np.abs(logits - adaq).max(1) <= 1e-4 * np.abs(adaq).max(1)).sum())
    if args.code_images and sites:
        exposed = with_outputs(model, [codes for codes, _, _ in sites])
        watched = started(kind, exposed, args)
        result["kernels_with_codes_as_outputs"] = watched.kernels()
        result["codes"] = compare_codes(definition, watched, images, images.subset(args.code_images), sites)
    result["ms_an_image"] = {str(count): fastest(runtime, images.batch((positions * count)[:count])) for count in (1, 32)}
    result["failures"] = failures(result, args, expected)
    return result


def failures(result, args, expected):
    found = []
    if expected is not None and abs(result["top1"] - expected) > args.top1:
        found.append(f"top-1 is {result['top1']} images, the report's {expected}")
    codes = result.get("codes")
    if codes and args.codes < 1.0:
        if codes["differing"] > args.codes * codes["total"]:
            found.append(f"{codes['differing']} of {codes['total']} codes differ, expected {args.codes * codes['total']:.0f} at most")
        if codes["farthest_from_a_tie"] > args.tie:
            found.append(f"a code differs whose value is {codes['farthest_from_a_tie']:.2g} of a step from a tie")
    return found


def show(result, count, expected):
    kernels = result["kernels"]
    print(f"\n{result['runtime']}")
    floats = f"{len(kernels['float'])} in float" + (f" ({', '.join(kernels['float'])})" if kernels["float"] else "")
    others = ", ".join(f"{kind} {number}" for kind, number in kernels["others"].items())
    print(f"  kernels   {kernels['integer']} convolutions on integers, {floats}; {others}")
    if "codes" in result:
        codes, watched = result["codes"], result["kernels_with_codes_as_outputs"]
        print(f"  codes     {codes['differing']:,} of {codes['total']:,} differ ({codes['differing'] / codes['total']:.1e}); {codes['first']:,} are their "
              f"image's first, at most {codes['farthest_from_a_tie']:.1e} of a step from a tie"
              f" (codes as outputs: {watched['integer']} convolutions on integers)")
    print(f"  classes   {result['same_class']:,} of {count:,} as defined; logits within 1e-4 in {result['rows_within_1e-4']:,}, at most {result['largest_error']:.1e}")
    if "same_class_as_adaq" in result:
        print(f"            {result['same_class_as_adaq']:,} of {count:,} as adaq; logits within 1e-4 in {result['rows_within_1e-4_of_adaq']:,}")
    print(f"  top-1     {result['top1']:,} of {count:,}, {100 * result['top1'] / count:.2f} %" + (f"; the report has {expected:,}" if expected is not None else ""))
    print("  time      " + ", ".join(f"{ms:.2f} ms an image at batch {batch}" for batch, ms in result["ms_an_image"].items()))
    for failure in result["failures"]:
        print(f"  FAILED    {failure}")


def runtimes_for(args, model):
    names = args.runtimes.split(",") if args.runtimes is not None else [name for name in RUNTIMES if name in targets_of(model)] or list(RUNTIMES)
    for name in names:
        if name not in RUNTIMES:
            refuse(f"--runtimes {args.runtimes}: expected some of {','.join(RUNTIMES)}")
    if "openvino" in names and importlib.util.find_spec("openvino") is None:
        refuse("not installed: openvino; the first lines of tools/verify_onnx.py say how to install it, and --runtimes ort does without")
    return names


def main():
    args = arguments()
    check_paths(args.file, args.val, [args.expect, args.logits], args.json)
    model = load(args.file)
    runtimes = runtimes_for(args, model)
    images = Images(args.val, model)
    positions = images.subset(args.images)
    sites = sites_of(model)
    adaq = logits_of_adaq(args.logits, images, model)[positions] if args.logits else None
    expected = expected_top1(args.expect, model, images, positions) if args.expect else None
    definition, defined = definition_of(model, [name for codes, value, _ in sites for name in (codes, value)], args)
    reference = logits_of(definition, images, positions)
    right = int((reference.argmax(1) == images.labels(positions)).sum())
    versions = f"IR {model.ir_version}, opset {model.opset_import[0].version}, {len(sites)} sites"
    size = "x".join(map(str, reversed(images.size)))
    print(f"{args.file}: {versions}; as {defined} {right:,} of {len(positions):,} images of {size} pixels right")
    results = []
    for name in runtimes:
        results.append(verify(name, args, model, images, positions, definition, reference, adaq, sites, expected))
        show(results[-1], len(positions), expected)
    if args.json:
        text = {"file": pathlib.Path(args.file).name, "images": len(positions), "top1_as_defined": right, "expected_top1": expected, "runtimes": results}
        pathlib.Path(args.json).write_text(json.dumps(text, indent=1) + "\n")
    return 1 if any(result["failures"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
