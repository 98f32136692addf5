#!/usr/bin/env python3
"""Makes tests/fixtures/reconstruction/corrections.json: PD-Quant's distribution correction of some units, by PyTorch in double.

    tools/make_correction_fixtures.py --yardstick YARDSTICK.py

The yardstick is imported by its path and its own corrected() is run; where a case is to reach a plateau soon, its optimiser is given a higher rate and
less patience. Activations are NHWC, weights KRSC; what a case is given is exact in float32.
"""
import argparse
import json
import pathlib
from unittest import mock

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock

from make_reconstruction_fixtures import eighths, randomise
from yardstick_module import given_yardstick

TARGET = pathlib.Path(__file__).parent.parent / "tests/fixtures/reconstruction/corrections.json"
ADAM, PLATEAU = torch.optim.Adam, torch.optim.lr_scheduler.ReduceLROnPlateau


def tensor(x):
    x = x.detach()
    x = x.permute(0, 2, 3, 1) if x.dim() == 4 else x
    return dict(shape=list(x.shape), values=x.flatten().tolist())


class Case:
    def __init__(self, yardstick, name, images, maps, steps, rate=1e-3, patience=100):
        torch.manual_seed(sum(map(ord, name)))
        self.y, self.name, self.images, self.maps, self.rate, self.patience = yardstick, name, images, maps, rate, patience
        self.args = argparse.Namespace(fold=False, granularity="channel", scheme="minmax", p=2.4, w=8, a=32, act_sites="block", correction_steps=steps)

    def stem(self, c, k):
        conv, bn = randomise(nn.Sequential(nn.Conv2d(c, k, 7, 2, 3, bias=False), nn.BatchNorm2d(k)))
        self.unit = self.y.Layer(conv, bn, True, self.args, self.args.w, self.args.a, True)
        return self.corrected(c, [self.node(0, self.unit)])

    def block(self, c, k, stride):
        down = nn.Sequential(nn.Conv2d(c, k, 1, stride, bias=False), nn.BatchNorm2d(k)) if stride > 1 else None
        self.unit = u = self.y.Block(randomise(BasicBlock(c, k, stride, down)), self.args, self.args.a)
        nodes = [self.node(0, u.conv1), self.node(1, u.conv2)] + ([self.node(0, u.down)] if down is not None else [])
        return self.corrected(c, nodes + [dict(kind="add", inputs=[2, 3 if down is not None else 0], relu=True)])

    def node(self, input, layer):
        return dict(kind="convolution", inputs=[input], relu=layer.relu, module=layer, kernel=layer.op.kernel_size[0], stride=layer.op.stride[0], padding=layer.op.padding[0])

    def given_layer(self, layer):
        bn = layer.bn
        return dict(weight=tensor(layer.w), gamma=tensor(bn.weight), beta=tensor(bn.bias), mean=tensor(bn.running_mean), variance=tensor(bn.running_var))

    def corrected(self, channels, nodes):
        x = eighths(self.images, channels, *self.maps)
        self.rates = []
        with mock.patch.object(torch.optim, "Adam", lambda tensors, lr: ADAM(tensors, lr=self.rate)), \
                mock.patch.object(torch.optim.lr_scheduler, "ReduceLROnPlateau", self.watched_plateau):
            result = self.y.corrected(self.unit, x, self.args)
        layers = [node.pop("module") for node in nodes if "module" in node]
        for i, node in enumerate(nodes):
            node["layer"] = i if i < len(layers) else -1
        output = list(self.unit(x[:1]).permute(0, 2, 3, 1).shape[1:])
        return dict(name=self.name, steps=self.args.correction_steps, rate=self.rate, patience=self.patience, nodes=nodes, layers=[self.given_layer(l) for l in layers],
                    sites=[], shapes=[[*self.maps, channels]] + [output] * len(nodes), input=tensor(x), corrected=tensor(result), last_rate=self.rates[-1])

    def watched_plateau(self, optimiser, min_lr, patience):
        plan = PLATEAU(optimiser, min_lr=min_lr, patience=min(patience, self.patience))
        step = plan.step

        def watched(loss):
            self.rates.append(optimiser.param_groups[0]["lr"])
            step(loss)

        plan.step = watched
        return plan


def main():
    yardstick = given_yardstick(__doc__)
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    case = lambda *args, **kwargs: Case(yardstick, *args, **kwargs)
    cases = [case("stem", 3, (12, 11), 30).stem(3, 6), case("identity block", 4, (5, 6), 30).block(5, 5, 1),
             case("downsample block, a smaller batch behind a whole one", 35, (4, 4), 30).block(3, 5, 2),
             case("a plateau", 3, (5, 5), 120, rate=.0625, patience=8).block(4, 4, 1)]
    assert cases[-1]["last_rate"] < cases[-1]["rate"], "no plateau"
    TARGET.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    print(TARGET, len(cases), "cases", TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
