#!/usr/bin/env python3
"""Makes tests/fixtures/operations/operations.json: convolution, pooling and the fully connected layer by PyTorch in double.

    tools/make_operation_fixtures.py

Tensors are written as the engine orders them: activations NHWC, weights KRSC. Inputs are eighths, so float32 holds them exactly.
"""
import json
import pathlib

import torch
import torch.nn.functional as F

CONVOLUTIONS = [  # n, h, w, c, k, r, stride, padding
    (1, 1, 1, 1, 1, 1, 1, 0), (2, 5, 6, 3, 4, 3, 1, 1), (1, 7, 5, 2, 3, 3, 2, 1), (1, 9, 11, 3, 2, 7, 2, 3),
    (2, 4, 5, 5, 3, 1, 2, 0), (1, 2, 2, 3, 2, 3, 1, 1)]
POOLS = [(1, 5, 7, 2), (2, 4, 4, 3), (1, 1, 1, 1)]  # n, h, w, c; window 3, stride 2, padding 1


def eighths(generator, *shape):
    return torch.randint(-16, 17, shape, generator=generator).double() / 8


def nhwc(x):
    return x.permute(0, 2, 3, 1).flatten().tolist()


def main():
    generator = torch.Generator().manual_seed(1)
    cases = dict(convolution=[], max_pool=[], global_average_pool=[], linear=[])
    for n, h, w, c, k, r, stride, padding in CONVOLUTIONS:
        x, weight = eighths(generator, n, c, h, w), eighths(generator, k, c, r, r)
        y = F.conv2d(x, weight, stride=stride, padding=padding)
        cases["convolution"].append(dict(x_shape=[n, h, w, c], w_shape=[k, r, r, c], y_shape=[n, y.shape[2], y.shape[3], k], stride=stride,
                                         padding=padding, x=nhwc(x), w=nhwc(weight), y=nhwc(y)))
    for n, h, w, c in POOLS:
        x = eighths(generator, n, c, h, w)
        y = F.max_pool2d(x, 3, 2, 1)
        cases["max_pool"].append(dict(x_shape=[n, h, w, c], y_shape=[n, y.shape[2], y.shape[3], c], x=nhwc(x), y=nhwc(y)))
        cases["global_average_pool"].append(dict(x_shape=[n, h, w, c], y_shape=[n, c], x=nhwc(x), y=x.mean((2, 3)).flatten().tolist()))
    x, weight = eighths(generator, 3, 7), eighths(generator, 5, 7)
    cases["linear"].append(dict(x_shape=[3, 7], w_shape=[5, 7], y_shape=[3, 5], x=x.flatten().tolist(), w=weight.flatten().tolist(),
                                y=F.linear(x, weight).flatten().tolist()))
    target = pathlib.Path(__file__).parent.parent / "tests/fixtures/operations/operations.json"
    target.write_text(json.dumps(cases, separators=(",", ":")))
    print(target, target.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
