#!/usr/bin/env python3
"""Makes tests/fixtures/reconstruction/: a unit's gradients, trajectories of learning, and whole networks, by PyTorch in double.

    tools/make_reconstruction_fixtures.py --yardstick YARDSTICK.py

The yardstick (the methods in plain PyTorch) is imported by its path and its own loop is run, so that both sides cannot share one
misreading; it is only told which images make each batch, and watched. cases.json lists the cases, values.bin.gz holds their numbers
(float64), activations as NHWC and weights as KRSC. What a case is given is exact in float32.

Where a V is within 1e-4 of the edge of h's clip the yardstick lets h pass 0 and 1 by as much as 1e-5; docs/arithmetic.md section 5 clips it, and
so does this script.
"""
import argparse
import contextlib
import copy
import gzip
import itertools
import json
import math
import pathlib
from unittest import mock

import numpy as np
import torch
from torch import nn
from torchvision.models.resnet import BasicBlock

from make_network_fixtures import site_names, thin_resnet
from yardstick_module import given_yardstick

NETWORK = pathlib.Path(__file__).parent.parent / "tests/fixtures/networks/basic.bin"
TARGET = pathlib.Path(__file__).parent.parent / "tests/fixtures/reconstruction"
EDGE = float(np.float32(math.log(11)))
EDGES = [s * v for v in (EDGE, 2.39795, 2.39805, 3.5) for s in (1, -1)] + [0.0]  # where the gradient still passes, and no longer
KEPT_STEPS = (1, 10, 25, 50)
NETWORKS = [dict(bn="batch"), dict(bn="batch", act_sites="layer", rounding_init="nearest", lr=.5), dict(fold=True, w=3), dict(method="brecq"),
            dict(method="brecq", a=32, fisher=True), dict(method="qdrop"), dict(method="qdrop", a=32), dict(method="pdquant")]


def f32(x):
    return x.detach().float().double()


def eighths(*shape):
    return torch.randint(-16, 17, shape).double() / 8


def clipped(yardstick):
    soft = yardstick.Layer.soft

    def clipped_soft(layer):
        h = soft(layer)
        return h + (h.clamp(0, 1) - h).detach()

    return mock.patch.object(yardstick.Layer, "soft", clipped_soft)


class Values:
    """All numbers one after the other; a tensor is where it begins, and its shape."""
    def __init__(self):
        self.data = []
        self.count = 0

    def put(self, x):
        x = torch.as_tensor(x).detach().double()
        x = x.permute(0, 2, 3, 1) if x.dim() == 4 else x
        self.data.append(x.flatten().numpy().astype("<f8"))
        self.count += x.numel()
        return dict(at=self.count - x.numel(), shape=list(x.shape) or [1])


def random_norm(channels):
    bn = nn.BatchNorm2d(channels)
    for parameter, low, high in ((bn.weight, .5, 1.5), (bn.bias, -.3, .3), (bn.running_mean, -.2, .2), (bn.running_var, .5, 2)):
        parameter.data = f32(torch.empty(channels).uniform_(low, high))
    bn.weight.data[0] *= -1  # a norm may turn a channel over
    return bn


def randomise(module):
    for m in module.modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            m.weight.data = f32(torch.randn_like(m.weight) * .7 / math.sqrt(m.weight[0].numel()))
            if m.bias is not None:
                m.bias.data = f32(m.bias.data)
    for m in module.modules():
        for name, child in m.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(m, name, random_norm(child.num_features))
    module.requires_grad_(False)
    return module


class Case:
    """One unit of the yardstick, its caches, and how it learns."""
    def __init__(self, yardstick, values, name, norms, loss, maps, bits=4, act=4, w_shrink=.9, a_shrink=.45, granularity="channel",
                 method="adaround", act_sites="layer", init="fraction", lam=0.0, iters=1, lr=1e-2, lr_scale=1e-3, images=4, batch=3):
        torch.manual_seed(sum(map(ord, name)))
        self.y, self.values, self.name, self.norms, self.images, self.maps = yardstick, values, name, norms, images, maps
        self.w_shrink, self.a_shrink = w_shrink, a_shrink
        self.args = argparse.Namespace(
            fold=norms == "folded", bn="batch" if norms == "batch" else "fixed", granularity=granularity, scheme="minmax", act_scheme=None, p=2.4, w=bits,
            a=act, act_sites=act_sites, method=method, rounding_init=init, lam=lam, iters=iters, iters_scale=iters, lr=lr, lr_scale=lr_scale, batch=batch,
            loss=loss)

    # ---- units: what they are for the yardstick, and their nodes for adaq
    def convolution(self, c, k, kernel, stride, padding, relu, positive=False):
        conv, bn = randomise(nn.Sequential(nn.Conv2d(c, k, kernel, stride, padding, bias=False), nn.BatchNorm2d(k)))
        if positive:
            conv.weight.data.abs_()
        self.unit = self.y.Layer(conv, bn, relu, self.args, self.args.w, self.args.a, True)
        self.nodes = [self.node("convolution", [0], self.unit)]
        return self.ready((c, *self.maps))

    def linear(self, c, k):
        fc = randomise(nn.Linear(c, k))
        self.unit = self.y.Layer(fc, None, False, self.args, self.args.w, self.args.a, True)
        self.nodes = [self.node("linear", [0], self.unit)]
        return self.ready((c,))

    def block(self, c, k, stride):
        down = nn.Sequential(nn.Conv2d(c, k, 1, stride, bias=False), nn.BatchNorm2d(k)) if stride > 1 else None
        self.unit = u = self.y.Block(randomise(BasicBlock(c, k, stride, down)), self.args, self.args.a)
        self.nodes = [self.node("convolution", [0], u.conv1), self.node("convolution", [1], u.conv2)]
        if down is not None:
            self.nodes.append(self.node("convolution", [0], u.down))
        self.nodes.append(dict(kind="add", inputs=[2, 3 if down is not None else 0], relu=True, module=u))
        return self.ready((c, *self.maps))

    def node(self, kind, inputs, layer):
        window = dict(kernel=layer.op.kernel_size[0], stride=layer.op.stride[0], padding=layer.op.padding[0]) if kind == "convolution" else {}
        return dict(kind=kind, inputs=inputs, relu=layer.relu, module=layer, **window)

    # ---- what is given
    def ready(self, input_shape):
        self.xq = eighths(self.images, *input_shape)
        self.xf = self.xq + eighths(self.images, *input_shape) / 8
        for layer in self.y.layers(self.unit):
            layer.w, layer.s = f32(layer.w), f32(layer.s * self.w_shrink)
            layer.b = None if layer.b is None else f32(layer.b)
            assert torch.equal(torch.floor(layer.w / layer.s), torch.floor(layer.w.float() / layer.s.float()).double())
            if layer.bn is not None and self.norms == "fixed":
                self.round_affine_map(layer.bn)
        self.unit.requires_grad_(False)
        target = copy.deepcopy(self.unit)
        self.y.set_module(target, "float", False)
        self.target = f32(self.y.batched(target, self.xf))
        self.y.set_module(self.unit, "hard", False)
        if self.args.a < 32:
            self.y.start_scales(self.unit, self.xq, self.args)
        for act in self.y.acts(self.unit):
            act.scale.data = f32(act.scale.data * self.a_shrink)
            act.scale.requires_grad_(True)
            act.register_forward_pre_hook(lambda act, inputs: setattr(act, "seen", inputs[0].detach()))
        return self

    @staticmethod
    def round_affine_map(bn):
        """A norm whose statistics are fixed is a factor and an offset, which adaq keeps in float32."""
        std = torch.sqrt(bn.running_var + bn.eps)
        factor = f32(bn.weight / std)
        offset = f32(bn.bias - bn.running_mean * factor)
        bn.weight.data, bn.bias.data = factor * std, offset + bn.running_mean * factor
        bn.factor, bn.offset = factor, offset

    def given_layer(self, layer):
        put = self.values.put
        given = dict(weight=put(layer.w), bits=layer.bits, one_sided=layer.one_sided, scale=put(layer.s.flatten()), zero_point=put(layer.z.flatten()))
        if layer.bn is None:
            return given | dict(shift=put(layer.b))
        if self.norms == "fixed":
            return given | dict(factor=put(layer.bn.factor), shift=put(layer.bn.offset))
        return given | dict(gamma=put(layer.bn.weight), beta=put(layer.bn.bias), mean=put(layer.bn.running_mean), variance=put(layer.bn.running_var))

    def given(self):
        nodes, layers, sites = [], [], []
        for i, node in enumerate(self.nodes):
            module = node.pop("module")
            node["layer"] = -1 if node["kind"] == "add" else len(layers)
            if node["kind"] != "add":
                layers.append(module)
            nodes.append(node)
            if module.act is not None:
                sites.append((i + 1, module.act))
        self.layers, self.sites = layers, sites
        a = self.args
        options = dict(norms="batch" if self.norms == "batch" else "fixed", loss=a.loss, regulariser=a.lam, iterations=a.iters, rounding_rate=a.lr, scale_rate=a.lr_scale,
                       batch=a.batch, start=a.rounding_init, scale_gradient_factor=a.method == "qdrop", cosine=a.method == "qdrop",
                       order=self.order.tolist())
        return dict(name=self.name, nodes=nodes, layers=[self.given_layer(l) for l in layers],
                    sites=[dict(value=v, bits=s.bits, one_sided=s.one_sided, scale=self.values.put(s.scale), zero_point=s.z.item()) for v, s in sites],
                    input=self.values.put(self.xq), target=self.values.put(self.target), options=options)

    # ---- the yardstick's own loop, watched
    @contextlib.contextmanager
    def watched(self, start_of):
        y, orders, backward, start_rounding = self.y, iter(self.order), torch.Tensor.backward, self.y.Layer.start_rounding
        self.steps = []

        def start(layer, init):
            start_rounding(layer, init)
            layer.V.data = start_of(layer)
            layer.start = layer.V.detach().clone()

        def watching_backward(total):
            penalty, t = 0.0, len(self.steps) + 1
            if t >= .2 * self.args.iters:
                beta = 20 - 18 * (t - .2 * self.args.iters) / (.8 * self.args.iters)
                penalty = self.args.lam * sum((1 - (2 * l.soft() - 1).abs().pow(beta)).sum().item() for l in self.layers)
            before = dict(v=[l.V.detach().clone() for l in self.layers], scales=[s.scale.item() for _, s in self.sites])
            backward(total)
            self.steps.append(before | dict(loss=total.item() - penalty, penalty=penalty, dv=[l.V.grad.clone() for l in self.layers],
                                            dscales=[s.scale.grad.item() for _, s in self.sites]))

        order = lambda *_, **__: next(orders)
        with mock.patch.object(torch.Tensor, "backward", watching_backward), mock.patch.object(torch, "randperm", order), \
                mock.patch.object(torch, "randint", order), mock.patch.object(torch, "rand_like", torch.zeros_like), \
                clipped(y), mock.patch.object(y.Layer, "start_rounding", start):
            yield

    def learn(self, start_of):
        self.order = torch.stack([torch.randperm(self.images)[:self.args.batch] for _ in range(self.args.iters)])
        case = self.given()
        with self.watched(start_of):
            self.y.reconstruct(None, self.name, self.unit, self.xq, self.xf, self.target, self.args, "joint" if self.sites else "weights")
        for layer, about in zip(self.layers, case["layers"]):
            about["start"] = self.values.put(layer.start)
        return case

    def on_every_side(self, q, quantiser):
        """Whether integers lie below (where that can be), inside and above the quantiser's clamp."""
        qmin, qmax = self.y.bounds(quantiser.bits, quantiser.one_sided)
        return bool((quantiser.one_sided or (q < qmin).any()) and ((q > qmin) & (q < qmax)).any() and (q > qmax).any())

    def gradients(self):
        """dL/dV of each weight and dL/ds of each site, for V's of every kind."""
        def anywhere(layer):
            v = torch.empty_like(layer.w).uniform_(-3, 3)
            edges = torch.tensor(EDGES).repeat(1 + v.numel() // 20)[:v.numel() // 2]
            v.view(-1)[torch.rand(v.numel()).argsort()[:len(edges)]] = edges
            return f32(v)

        case = self.learn(anywhere)
        if self.w_shrink <= .6:
            for layer in self.layers:
                assert self.on_every_side(torch.floor(layer.w / layer.s) + layer.z, layer), self.name
        for _, site in self.sites:
            assert self.on_every_side(torch.round(site.seen / site.scale) + site.z, site), self.name
        step = self.steps[0]
        return case | dict(expected=dict(loss=step["loss"], penalty=step["penalty"], dv=[self.values.put(g) for g in step["dv"]], dscales=step["dscales"]))

    def trajectory(self):
        case = self.learn(lambda layer: f32(layer.V))
        after = self.steps[1:] + [dict(v=[l.V.detach() for l in self.layers], scales=[s.scale.item() for _, s in self.sites])]
        codes = [torch.round(l.weight() / l.s) for l in self.layers]  # rounded for good: the integers q - z
        assert all(((l.V >= 0) != (l.start >= 0)).any() for l in self.layers), self.name  # roundings change
        expected = dict(losses=[s["loss"] for s in self.steps], penalties=[s["penalty"] for s in self.steps], scales=[s["scales"] for s in after],
                        kept_steps=KEPT_STEPS, v=[[self.values.put(v) for v in after[t - 1]["v"]] for t in KEPT_STEPS],
                        codes=[self.values.put(c) for c in codes])
        if self.norms == "batch":
            expected["norms"] = [dict(mean=self.values.put(l.bn.running_mean), variance=self.values.put(l.bn.running_var)) for l in self.layers]
        return case | dict(expected=expected)


def gradient_cases(case):
    for norms in ("fixed", "batch", "folded"):
        for loss in ("mean", "channel-sum"):
            yield case(f"{norms}, ReLU, {loss}", norms, loss, (5, 6), w_shrink=.5).convolution(3, 5, 3, 1, 1, True)
        yield case(f"{norms}, no ReLU", norms, "mean", (5, 4), w_shrink=.5, bits=3, act=3).convolution(4, 5, 3, 1, 1, False)
        yield case(f"{norms}, identity block", norms, "channel-sum", (4, 5), act_sites="block", w_shrink=.6).block(5, 5, 1)
        yield case(f"{norms}, downsample block", norms, "channel-sum", (5, 6), act_sites="block", w_shrink=.6).block(3, 5, 2)
    yield case("block, every layer a site", "fixed", "channel-sum", (5, 6)).block(3, 5, 2)
    yield case("stem, activations float", "fixed", "mean", (12, 11), act=32, bits=8).convolution(3, 4, 7, 2, 3, True)
    yield case("downsample, 2 bits, one scale a layer", "folded", "channel-sum", (5, 5), bits=2, act=2, granularity="layer", w_shrink=.5).convolution(4, 6, 1, 2, 0, False)
    yield case("no weight below 0", "fixed", "mean", (5, 4), w_shrink=.5).convolution(3, 5, 3, 1, 1, True, positive=True)
    yield case("fully connected", "fixed", "mean", (), w_shrink=.5).linear(12, 7)
    yield case("with the regulariser", "fixed", "mean", (4, 4), lam=.01, w_shrink=.5).convolution(3, 5, 3, 1, 1, True)
    yield case("LSQ's factor", "fixed", "channel-sum", (4, 4), method="qdrop", act_sites="block").block(4, 4, 1)


def trajectory_cases(case):
    fifty = dict(iters=50, images=8, batch=4)
    yield case("ReLU, batch statistics", "batch", "mean", (5, 5), lam=1, **fifty).convolution(8, 8, 3, 1, 1, True)
    yield case("no ReLU, from nearest", "fixed", "mean", (5, 5), lam=1e-4, lr=.1, init="nearest", **fifty).convolution(8, 8, 3, 1, 1, False)
    yield case("downsample, folded", "folded", "channel-sum", (6, 6), lam=.01, **fifty).convolution(8, 16, 1, 2, 0, False)
    yield case("fully connected, from nearest", "fixed", "mean", (), lam=1e-4, lr=.1, init="nearest", **fifty).linear(32, 10)
    yield case("block, batch statistics", "batch", "channel-sum", (4, 4), lam=.01, method="qdrop", act_sites="block", **fifty).block(4, 6, 2)


def read_bin(path):
    """The tensors of a float weights file (weights/FORMAT.md)."""
    data = path.read_bytes()
    header = json.loads(data[16:16 + int.from_bytes(data[8:16], "little")])
    return {t["name"]: torch.from_numpy(np.frombuffer(data, "<f4", t["bytes"] // 4, t["offset"]).reshape(t["shape"]).copy()) for t in header["tensors"]}


def philox(counter, seed=0):
    """Philox4x32-10 (Salmon et al., SC 2011) of counters [4][...]: four words of 32 bits each."""
    c = [np.asarray(word, np.uint64) for word in counter]
    low, k0, k1 = np.uint64(0xFFFFFFFF), seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [p1 >> np.uint64(32) ^ c[1] ^ np.uint64(k0), p1 & low, p0 >> np.uint64(32) ^ c[3] ^ np.uint64(k1), p0 & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def kept(shape, unit, site, iteration):
    """docs/arithmetic.md section 7: which elements of a tensor (NCHW or NC; counted as NHWC) are kept with probability 0.5."""
    n, c, *maps = shape
    index = np.arange(math.prod(shape), dtype=np.uint64)
    block, half = index // np.uint64(8), index % np.uint64(8)
    zeros = np.zeros_like(index)
    words = np.stack(philox([block, zeros + np.uint64(iteration), zeros + np.uint64(unit << 16 | site << 4), zeros]))
    bits = words[(half // np.uint64(2)).astype(int), np.arange(len(index))] >> (half % np.uint64(2) * np.uint64(16)) & np.uint64(0xFFFF)
    mask = torch.from_numpy(bits < 32768).reshape([n, *maps, c])
    return mask.permute(0, 3, 1, 2) if maps else mask


class Masks:
    """In torch.rand_like's place while a unit learns: 0 where adaq's own random numbers keep an element, else 1."""
    MIXING, SITES = 1, 2  # sites of random streams; of an activation: 2 + its value's number

    def __init__(self, unit, values):
        self.unit, self.sites, self.calls = unit, [self.MIXING, *(self.SITES + v for v in values)], 0

    def __call__(self, x):
        iteration, place = divmod(self.calls, len(self.sites))
        self.calls += 1
        return (~kept(x.shape, self.unit, self.sites[place], iteration + 1)).to(x)


class Weighted(nn.Module):
    """A unit whose output's error is weighted by (|g| + 1)^2 of the images in each batch (BRECQ's Fisher diagonal)."""
    def __init__(self, unit, factor, rows):
        super().__init__()
        self.unit, self.factor, self.rows = unit, factor, itertools.cycle(rows)

    def forward(self, x):
        return self.unit(x) * self.factor[next(self.rows)]


class NetworkCase:
    """A thin network, unit by unit: what each learns from is what those before it have become."""
    BATCH = 4

    def __init__(self, yardstick, values, images, **settings):
        self.y, self.values, self.images = yardstick, values, images
        self.method, self.fisher = settings.get("method", "adaround"), settings.pop("fisher", False)
        self.name = ", ".join(f"{k} {v}" for k, v in settings.items()) + (", fisher-diag" if self.fisher else "")
        defaults = dict(
            w=4, a=8, method="adaround", scheme="minmax", act_scheme=None, p=2.4, granularity="channel", fold=False, bn="fixed", head_stem_8bit=False,
            act_sites="block", correction_steps=0, rounding_init="fraction", iters=6, iters_scale=0, batch=self.BATCH, lr=.05, lr_scale=2e-5,
            lam=.01, loss="mean")
        if self.method != "adaround":
            defaults |= dict(fold=True, loss="channel-sum", a=4, iters=12, iters_scale=8, lr_scale=1e-3)
        self.args = argparse.Namespace(**(defaults | settings))

    def site_values(self, net):
        """The number of each activation's value, unit by unit: the image is 0, a node's output the node's number + 1."""
        values, node = [[1]], 2  # behind conv1 and the pool
        for block in net.blocks:
            last = node + (3 if block.down is not None else 2)
            values.append([node + 1, last + 1])
            node = last + 1
        return values + [[]]

    def fisher_factor(self, net, fnet, i, unit, xq, logits):
        for layer in self.y.layers(unit):
            layer.start_rounding("fraction")
        self.y.set_module(unit, "soft", False)
        y = unit(xq).detach().requires_grad_(True)
        kl = nn.functional.kl_div(nn.functional.log_softmax(fnet.tail(i + 1, y), 1), nn.functional.softmax(logits, 1), reduction="sum")
        return torch.autograd.grad(kl / self.BATCH, y)[0].abs() + 1

    @contextlib.contextmanager
    def watched(self, net, fnet, order):
        """The losses of every iteration of every unit and phase, whole; batches and masks as adaq draws them."""
        y, reconstruct, backward = self.y, self.y.reconstruct, torch.Tensor.backward
        values, self.losses = self.site_values(net), []
        fisher_logits = y.batched(fnet, self.images) if self.fisher else None

        def watching(net_, i, unit, xq, xf, target, args, phase, tail=None, logits=None):
            if self.fisher and phase == "weights":
                factor = self.fisher_factor(net, fnet, i, unit, xq, fisher_logits)
                unit, target = Weighted(unit, factor, order), target * factor
            self.losses.append([])
            self.rows = itertools.cycle(order)
            masks = Masks(i, values[i] if isinstance(i, int) and args.a < 32 else [])
            with mock.patch.object(torch, "rand_like", masks):
                reconstruct(net_, i, unit, xq, xf, target, args, phase, tail, logits)

        def watching_backward(total, *args, **kwargs):
            self.losses[-1].append(total.item())
            backward(total, *args, **kwargs)

        draw = lambda *_, **__: next(self.rows)
        with mock.patch.object(torch, "randperm", draw), mock.patch.object(torch, "randint", draw), clipped(y), \
                mock.patch.object(y, "reconstruct", watching), mock.patch.object(torch.Tensor, "backward", watching_backward):
            yield

    def learn(self):
        y, put = self.y, self.values.put
        net = thin_resnet(BasicBlock, [1] * 4, 6, 7, 3)
        net.load_state_dict(read_bin(NETWORK), strict=False)
        net.double().requires_grad_(False)
        rounded, original = y.Net(net, self.args), y.Net(net, argparse.Namespace(**vars(self.args) | dict(a=32, fold=False)))
        original.set("float", False)
        original.requires_grad_(False)
        order = [torch.randperm(len(self.images))[:self.BATCH] for _ in range(self.args.iters)]
        with self.watched(rounded, original, order):
            y.run(rounded, original, self.images, self.args)
        a, layers = self.args, y.layers(rounded)
        for layer in layers:
            layer.mode = "hard"
        expected = dict(codes=[put(torch.round(l.weight() / l.s)) for l in layers],
                        norms=[None if l.bn is None else dict(mean=put(l.bn.running_mean), variance=put(l.bn.running_var)) for l in layers],
                        scales={name: site.scale.item() for name, site in site_names(rounded.units).items()}, losses=self.losses)
        if self.method == "adaround":  # adaq takes a block's second convolution before its downsample
            at = 1
            for block in rounded.blocks:
                if block.down is not None:
                    self.losses[at + 1:at + 3] = reversed(self.losses[at + 1:at + 3])
                at += 2 if block.down is None else 3
        options = dict(norms=a.bn, loss=a.loss, regulariser=a.lam, iterations=a.iters, rounding_rate=a.lr, scale_rate=a.lr_scale, batch=a.batch,
                       start=a.rounding_init, scale_gradient_factor=a.method == "qdrop", cosine=a.method != "adaround", order=torch.stack(order).tolist())
        return dict(name=self.name, method=a.method, fisher=self.fisher, fold=a.fold, w=a.w, a=a.a, act_sites=a.act_sites, scale_iterations=a.iters_scale,
                    options=options, expected=expected)


def network_cases(yardstick, values):
    torch.manual_seed(11)
    images = eighths(6, 3, 24, 24)
    given = values.put(images)
    return [NetworkCase(yardstick, values, images, **settings).learn() | dict(images=given) for settings in NETWORKS]


def main():
    yardstick = given_yardstick(__doc__)
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    values = Values()
    case = lambda *args, **kwargs: Case(yardstick, values, *args, **kwargs)
    cases = dict(gradients=[c.gradients() for c in gradient_cases(case)], trajectories=[c.trajectory() for c in trajectory_cases(case)],
                 networks=network_cases(yardstick, values))
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / "cases.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    (TARGET / "values.bin.gz").write_bytes(gzip.compress(np.concatenate(values.data).tobytes(), 9, mtime=0))
    for path in sorted(TARGET.iterdir()):
        print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
