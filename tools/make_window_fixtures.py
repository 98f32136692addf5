#!/usr/bin/env python3
"""Makes tests/fixtures/operations/windows.json: convolutions with groups, dilation and windows that are not square,
average pools and ReLU6, forward and backward, by PyTorch in double.

Tensors are ordered as the engine orders them: activations NHWC, weights KRSC. Inputs are eighths, so float32 holds them
exactly. A convolution's window: strides, padding above, left, below, right, dilations, groups.
"""
import json
import pathlib

import torch
import torch.nn.functional as F

CONVOLUTIONS = [  # x NCHW, w KCRS, window
    ((2, 6, 5, 6), (6, 1, 3, 3), (1, 1, 1, 1, 1, 1, 1, 1, 6)),
    ((1, 8, 7, 6), (8, 1, 5, 5), (2, 2, 2, 2, 2, 2, 1, 1, 8)),
    ((1, 4, 6, 5), (8, 1, 3, 3), (1, 1, 1, 1, 1, 1, 1, 1, 4)),
    ((2, 8, 5, 5), (12, 2, 3, 3), (1, 1, 1, 1, 1, 1, 1, 1, 4)),
    ((1, 6, 6, 7), (4, 3, 3, 3), (2, 2, 0, 0, 1, 1, 1, 1, 2)),
    ((1, 3, 9, 8), (4, 3, 3, 3), (1, 1, 2, 2, 2, 2, 2, 2, 1)),
    ((2, 3, 6, 7), (2, 3, 1, 4), (1, 2, 0, 2, 0, 1, 1, 1, 1)),
    ((1, 4, 8, 9), (6, 2, 3, 2), (2, 1, 1, 0, 2, 1, 2, 3, 2))]
AVERAGES = [  # x NCHW, kernel, stride, padding, whether padding counts
    ((2, 3, 6, 7), (2, 2), (2, 2), (0, 0), True), ((1, 4, 7, 5), (3, 3), (2, 2), (1, 1), True),
    ((1, 4, 7, 5), (3, 3), (2, 2), (1, 1), False), ((1, 2, 5, 6), (2, 3), (1, 2), (0, 1), False)]


def eighths(generator, *shape, largest=16):
    return torch.randint(-largest, largest + 1, shape, generator=generator).double() / 8


def tensor(x):
    x = x.detach()
    return dict(shape=list(x.shape), values=x.flatten().tolist())


def maps(x):
    return tensor(x.detach().permute(0, 2, 3, 1))


def convolutions(g):
    for x_shape, w_shape, window in CONVOLUTIONS:
        sh, sw, top, left, bottom, right, dh, dw, groups = window
        x, w = eighths(g, *x_shape).requires_grad_(), eighths(g, *w_shape).requires_grad_()
        y = F.conv2d(F.pad(x, (left, right, top, bottom)), w, stride=(sh, sw), dilation=(dh, dw), groups=groups)
        dy = eighths(g, *y.shape)
        y.backward(dy)
        yield dict(operation="convolution", window=window, x=maps(x), w=maps(w), dy=maps(dy), y=maps(y), dx=maps(x.grad), dw=maps(w.grad))


def averages(g):
    for shape, kernel, stride, padding, counts in AVERAGES:
        x = eighths(g, *shape).requires_grad_()
        y = F.avg_pool2d(x, kernel, stride, padding, count_include_pad=counts)
        dy = eighths(g, *y.shape)
        y.backward(dy)
        yield dict(operation="average_pool", window=[*kernel, *stride, *padding, *padding], counts_padding=counts, x=maps(x), dy=maps(dy), y=maps(y), dx=maps(x.grad))


def clamps(g):
    x = eighths(g, 4, 40, largest=64).requires_grad_()  # 0 and 6 among them
    y = F.relu6(x)
    dy = eighths(g, *y.shape)
    y.backward(dy)
    yield dict(operation="relu6", x=tensor(x), dy=tensor(dy), y=tensor(y), dx=tensor(x.grad))


def main():
    g = torch.Generator().manual_seed(5)
    cases = [*convolutions(g), *averages(g), *clamps(g)]
    target = pathlib.Path(__file__).parent.parent / "tests/fixtures/operations/windows.json"
    target.write_text(json.dumps(cases, separators=(",", ":")))
    print(target, len(cases), "cases", target.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
