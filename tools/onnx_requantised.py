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
        self.producers = {output: node for node in model.graph.node for output in node.output}
        self.values = {}
        image = next(node for node in model.graph.node if node.op_type == "QuantizeLinear").input[0]
        self.image, self.prepare = image, None
        if image != "input":  # pixels, which the file normalises
            prepared = onnx.utils.Extractor(model).extract_model(["input"], [image])
            self.prepare = onnxruntime.InferenceSession(prepared.SerializeToString(), providers=["CPUExecutionProvider"])

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
            elif node.op_type == "Gemm":
                self.values[name] = self.linear(node)
            else:  # what a quantiser sees
                reader = next(p for p in self.producers.values() if p.op_type == "QuantizeLinear" and p.input[0] == name)
                self.quantise(reader)
        return self.values[name]

    def quantise(self, node):
        """Sets its codes, and its input."""
        name, scale, zero = node.input[0], F32(self.value(node.input[1])), int(self.value(node.input[2]))
        source, relu = name, False
        producer = self.producers.get(name)
        if producer is not None and producer.op_type == "Relu":  # of a ReLU6 the upper bound is a Min on codes
            source, relu = producer.input[0], True
            producer = self.producers[source]
        if producer is None:
            steps, after = self.values[name] / scale, zero
        elif producer.op_type == "MaxPool":
            self.values[node.output[0]] = max_pool(self.codes(producer.input[0])[0], attributes(producer))
            return
        elif producer.op_type == "Conv":
            steps, after = self.convolution(producer, scale), zero
        elif producer.op_type == "Add":
            steps, after = self.addition(producer, scale, zero), 0
        else:
            steps, after = self.mean(producer, scale), zero
        if relu:
            steps = np.maximum(steps, F32(zero - after))
        self.values[node.output[0]] = np.clip(np.rint(steps) + F32(after), 0, 255).astype(np.uint8)
        self.values.setdefault(name, (steps.astype(np.float64) - (zero - after)) * float(scale))

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

    # ---- what is quantised, in steps

    def convolution(self, node, scale):
        x, x_scale, x_zero = self.codes(node.input[0])
        w, w_scale = self.weight(node.input[1])
        sums = convolve(x.astype(np.float64) - x_zero, w, attributes(node))
        if len(node.input) > 2:
            sums = sums + self.codes(node.input[2])[0].astype(np.float64).reshape(1, -1, 1, 1)
        factor = (x_scale * w_scale) / scale
        return sums.astype(F32) * factor.reshape(1, -1, 1, 1)

    def addition(self, node, scale, zero):
        a, a_scale, a_zero = self.codes(node.input[0])
        b, b_scale, b_zero = self.codes(node.input[1])
        by_a, by_b = a_scale / scale, b_scale / scale
        offset = F32(zero) - fma(a_zero, by_a, by_b * F32(b_zero))
        return fma(a, by_a, fma(b, by_b, offset))

    def mean(self, node, scale):
        x, x_scale, x_zero = self.codes(node.input[0])
        sums = x.astype(np.int64).sum((2, 3), keepdims=True) - x_zero * x.shape[2] * x.shape[3]
        return sums.astype(F32) * (x_scale / (scale * F32(x.shape[2] * x.shape[3])))

    def linear(self, node):
        """The last layer, which runs in float."""
        x, x_scale, x_zero = self.codes(node.input[0])
        w, w_scale = self.weight(node.input[1])
        logits = ((x.astype(np.float64) - x_zero) @ w.T) * (x_scale.astype(np.float64) * w_scale)
        if len(node.input) > 2:
            bias, bias_scale, _ = self.codes(node.input[2])
            logits = logits + bias.astype(F32) * bias_scale
        return logits.astype(F32)


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
