"""A network made with --deploy ort as adaq and onnxruntime compute it: sums of integers, bias and all, times one factor in float32, to codes
(docs/arithmetic.md section 12). In numpy, from the .onnx file alone: an independent reading of what both have in common.
"""
import numpy as np
import onnx
import onnxruntime

F32 = np.float32


class Requantised:
    """run() as an onnxruntime session has it, of files for ort. Codes of sites are uint8; what is quantised is told in float64."""

    def __init__(self, model):
        self.constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        fold(model.graph.node, self.constants)
        self.producers = {output: node for node in model.graph.node for output in node.output}
        self.values = {}
        image = next(node for node in model.graph.node if node.op_type == "QuantizeLinear").input[0]
        self.image, self.prepare = image, None
        if image != "input":  # pixels, which the file normalises
            self.prepare = session_of(up_to(model, image))

    def run(self, x, names):
        self.values = {self.image: x if self.prepare is None else self.prepare.run(None, {"input": x})[0]}
        return [self.value(name) for name in names]

    def value(self, name):
        if name in self.constants:
            return self.constants[name]
        if name not in self.values:
            node = self.producers[name]
            if node.op_type == "QuantizeLinear":
                self.quantise(node)
            elif node.op_type == "Min":
                self.values[name] = np.minimum(self.value(node.input[0]), self.value(node.input[1]))
            else:
                reader = next((p for p in self.producers.values() if p.op_type == "QuantizeLinear" and p.input[0] == name), None)
                if reader is not None:  # what a quantiser sees
                    self.quantise(reader)
                else:
                    self.values[name] = self.floats(node)
        return self.values[name]

    def quantise(self, node):
        """Sets its codes, and its input."""
        name, scale, zero = node.input[0], F32(self.value(node.input[1])), int(self.value(node.input[2]))
        producer, bounds = None if name == self.image else self.producers.get(name), None
        if producer is not None and producer.op_type in ("Relu", "Clip"):  # of a ReLU6 the upper bound is a Min on codes
            bounds = self.bounds(producer)
            producer = self.producers[producer.input[0]]
        kind = None if producer is None else producer.op_type
        if kind in ("MaxPool", "Flatten"):  # whose outputs are on their inputs' grid
            codes = self.codes(producer.input[0])[0]
            self.values[node.output[0]] = max_pool(codes, attributes(producer)) if kind == "MaxPool" else codes.reshape(len(codes), -1)
            return
        steps, after = (self.values[name] / scale if producer is None else self.STEPS[kind](self, producer, scale, zero)), zero
        if kind in ("Add", "AveragePool"):
            after = 0
        if bounds is not None:
            steps = np.clip(steps, *(F32(bound) / scale + F32(zero - after) for bound in bounds))
        self.values[node.output[0]] = np.clip(np.rint(steps) + F32(after), 0, 255).astype(np.uint8)
        self.values.setdefault(name, (steps.astype(np.float64) - (zero - after)) * float(scale))

    def bounds(self, node):
        given = [self.value(name) if name else None for name in node.input[1:]]
        lowest, highest = (given + [None, None])[:2]
        if node.op_type == "Relu":
            lowest = 0
        return (-np.inf if lowest is None else lowest, np.inf if highest is None else highest)

    # ---- operands

    def codes(self, name):
        """Of what a DequantizeLinear gives: codes, scale, zero point."""
        node = self.producers[name]
        if node.op_type == "Flatten":
            codes, scale, zero = self.codes(node.input[0])
            return codes.reshape(len(codes), -1), scale, zero
        zero = self.value(node.input[2]) if len(node.input) > 2 else np.zeros(1, np.int64)
        return self.value(node.input[0]), self.value(node.input[1]).astype(F32), zero.astype(np.int64)

    def weight(self, name):
        codes, scale, zero = self.codes(name)
        return codes.astype(np.float64) - zero.reshape(-1, *[1] * (codes.ndim - 1)), scale

    # ---- what is quantised, in steps of its scale; of an addition with the code of zero

    def layer(self, node, scale, _):
        sums, x_scale, w_scale = self.sums(node)
        if len(node.input) > 2:
            bias = self.codes(node.input[2])[0].astype(np.float64)
            sums = sums + bias.reshape(1, -1, *[1] * (sums.ndim - 2))
        factor = (x_scale * w_scale) / scale
        return sums.astype(F32) * factor.reshape(1, -1, *[1] * (sums.ndim - 2))

    def addition(self, node, scale, zero):
        a, a_scale, a_zero = self.codes(node.input[0])
        b, b_scale, b_zero = self.codes(node.input[1])
        by_a, by_b = a_scale / scale, b_scale / scale
        offset = F32(zero) - fma(a_zero, by_a, by_b * F32(b_zero))
        return fma(a, by_a, fma(b, by_b, offset))

    def mean(self, node, scale, _):
        x, x_scale, x_zero = self.codes(node.input[0])
        sums = x.astype(np.int64).sum((2, 3), keepdims=True) - x_zero * x.shape[2] * x.shape[3]
        return sums.astype(F32) * (x_scale / (scale * F32(x.shape[2] * x.shape[3])))

    def window_mean(self, node, scale, zero):
        """Values are added, row by row, not codes."""
        x, x_scale, x_zero = self.codes(node.input[0])
        given = attributes(node)
        pads, kernel, strides = given["pads"], given["kernel_shape"], given["strides"]
        seen = windows(padded((x.astype(np.int64) - x_zero).astype(F32) * x_scale, pads, 0), kernel, strides, [1, 1])
        inside = windows(padded(np.ones((1, 1, *x.shape[2:])), pads, 1.0 * given["count_include_pad"]), kernel, strides, [1, 1])
        sums = np.zeros(seen.shape[:4], F32)
        for row, column in np.ndindex(*kernel):
            sums = sums + seen[..., row, column]
        return sums / inside.sum((4, 5)).astype(F32) / scale + F32(zero)

    STEPS = {"Conv": layer, "Gemm": layer, "Add": addition, "AveragePool": window_mean, "GlobalAveragePool": mean}

    # ---- sums of integers

    def sums(self, node):
        """Of a convolution or fully connected layer, and the scales of its input and weight."""
        x, x_scale, x_zero = self.codes(node.input[0])
        w, w_scale = self.weight(node.input[1])
        centred = x.astype(np.float64) - x_zero
        return (convolve(centred, w, attributes(node)) if node.op_type == "Conv" else centred @ w.T), x_scale, w_scale

    def floats(self, node):
        """What is not quantised: the last layer, which runs in float, and its bias where an operator of its own adds it."""
        if node.op_type == "Add":
            return self.value(node.input[0]) + self.value(node.input[1])
        sums, x_scale, w_scale = self.sums(node)
        values = sums * (x_scale.astype(np.float64) * w_scale)
        if len(node.input) > 2:
            bias, bias_scale, _ = self.codes(node.input[2])
            values = values + bias.astype(F32) * bias_scale
        return values.astype(F32)


def fold(nodes, constants):
    """Adds what nodes make of constants alone: codes of packed weights, which runtimes unpack as they load the file."""
    for node in nodes:
        if not node.input or any(name not in constants for name in node.input):
            continue
        operands = [constants[name] for name in node.input]
        if node.op_type == "Cast":
            constants[node.output[0]] = operands[0].astype(onnx.helper.tensor_dtype_to_np_dtype(attributes(node)["to"]))
        elif node.op_type == "Sub":
            constants[node.output[0]] = operands[0] - operands[1]


def up_to(model, name):
    """The part of the model that makes this float tensor of the input."""
    producers = {output: node for node in model.graph.node for output in node.output}
    nodes, constants, wanted = [], [], [name]
    while wanted:
        tensor = wanted.pop()
        if tensor in producers:
            nodes.insert(0, producers[tensor])
            wanted += producers[tensor].input
        constants += [constant for constant in model.graph.initializer if constant.name == tensor]
    output = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
    graph = onnx.helper.make_graph(nodes, "up to " + name, model.graph.input, [output], constants)
    return onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def session_of(model, threads=0):
    """One that computes what ONNX defines: onnxruntime without optimisations. threads: 0: as many as it likes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def fma(code, factor, summand):
    """Rounded once: a product of a code is exact in float64, and so, but for the last bits of sums that differ by 2^21 in size, is this sum."""
    return (np.asarray(code, np.float64) * np.float64(factor) + np.asarray(summand, np.float64)).astype(F32)


def attributes(node):
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def windows(x, kernel, strides, dilations):
    """[N, C, P, Q, R, S] of x [N, C, H, W], without copies."""
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    found = np.lib.stride_tricks.sliding_window_view(x, reach, (2, 3))
    return found[:, :, ::strides[0], ::strides[1], ::dilations[0], ::dilations[1]]


def padded(x, pads, value):
    return np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])), constant_values=value)


def convolve(x, w, given):
    """Sums of integers, exact: float64 holds them all."""
    groups = given.get("group", 1)
    seen = windows(padded(x, given["pads"], 0.0), given["kernel_shape"], given["strides"], given["dilations"])
    parts = [np.tensordot(part, of_part, ((1, 4, 5), (1, 2, 3))) for part, of_part in zip(np.split(seen, groups, 1), np.split(w, groups))]
    return np.concatenate(parts, -1).transpose(0, 3, 1, 2)


def max_pool(codes, given):
    seen = windows(padded(codes, given["pads"], 0), given["kernel_shape"], given["strides"], given.get("dilations", [1, 1]))
    return np.ascontiguousarray(seen.max((4, 5)))
