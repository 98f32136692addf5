#!/usr/bin/env python3
"""Makes tests/fixtures/operations/gradients.json: the backward passes, losses and steps of training by PyTorch in double.

    tools/make_gradient_fixtures.py --yardstick YARDSTICK.py

Each case names an operation, its settings, the tensors it is given and those it should make. Tensors are ordered as the engine orders
them: activations NHWC, weights KRSC. Inputs are eighths, so float32 holds them exactly. Quantisers and rounding are the
yardstick's own classes.
"""
import json
import pathlib
import types

import torch
import torch.nn.functional as F

from yardstick_module import given_yardstick

CONVOLUTIONS = [  # n, h, w, c, k, r, stride, padding
    (1, 9, 10, 3, 4, 7, 2, 3), (2, 5, 6, 3, 4, 3, 1, 1), (2, 6, 5, 4, 3, 3, 2, 1), (2, 4, 4, 5, 3, 1, 1, 0), (2, 5, 4, 3, 5, 1, 2, 0), (1, 1, 1, 1, 1, 1, 1, 0)]


def eighths(generator, *shape, largest=16):
    return torch.randint(-largest, largest + 1, shape, generator=generator).double() / 8


def tensor(x, order=None):
    x = x.detach()
    x = x.permute(*order) if order else x
    return dict(shape=list(x.shape) or [1], values=x.flatten().tolist())


def maps(x):
    return tensor(x, (0, 2, 3, 1))


def case(operation, inputs, outputs, **settings):
    return dict(operation=operation, settings=settings, inputs=inputs, outputs=outputs)


def convolutions(g):
    for n, h, w, c, k, r, stride, padding in CONVOLUTIONS:
        x, weight = eighths(g, n, c, h, w).requires_grad_(), eighths(g, k, c, r, r).requires_grad_()
        y = F.conv2d(x, weight, stride=stride, padding=padding)
        dy = eighths(g, *y.shape)
        y.backward(dy)
        settings = dict(stride=stride, padding=padding)
        yield case("convolution_to_data", dict(dy=maps(dy), w=maps(weight)), dict(dx=maps(x.grad)), **settings)
        yield case("convolution_to_weights", dict(x=maps(x), dy=maps(dy)), dict(dw=maps(weight.grad)), **settings)


def linear(g):
    x, w, dy = eighths(g, 3, 7).requires_grad_(), eighths(g, 5, 7).requires_grad_(), eighths(g, 3, 5)
    F.linear(x, w).backward(dy)
    yield case("linear_to_data", dict(dy=tensor(dy), w=tensor(w)), dict(dx=tensor(x.grad)))
    yield case("linear_to_weights", dict(x=tensor(x), dy=tensor(dy)), dict(dw=tensor(w.grad)))


def batch_norm(g):
    for n, h, w, c in ((2, 3, 4, 5), (1, 1, 2, 3), (4, 7, 7, 2)):
        x, dy = (eighths(g, n, c, h, w) + 3).requires_grad_(), eighths(g, n, c, h, w)
        gamma, beta, mean, var = eighths(g, c), eighths(g, c), eighths(g, c), eighths(g, c).abs() + 1
        new_mean, new_var = mean.clone(), var.clone()
        y = F.batch_norm(x, new_mean, new_var, gamma, beta, True, .1, 1e-5)
        y.backward(dy)
        yield case("batch_norm", dict(x=maps(x), dy=maps(dy), gamma=tensor(gamma), beta=tensor(beta), running_mean=tensor(mean),
                                      running_variance=tensor(var)),
                   dict(y=maps(y), dx=maps(x.grad), running_mean=tensor(new_mean), running_variance=tensor(new_var)))


def statistics(g):
    for n, h, w, c, scale in ((2, 3, 4, 5, 1), (1, 1, 2, 3, 1), (3, 7, 7, 2, .125), (2, 2, 3, 33, 4)):
        x, mean, var = (scale * eighths(g, n, c, h, w)).requires_grad_(), eighths(g, c), eighths(g, c).abs() + .25
        def loss():
            f = x.flatten(2)
            return ((f.mean(2) - mean) ** 2).sum(1).mean() + (((f.var(2) + 1e-6).sqrt() - (var + 1e-6).sqrt()) ** 2).sum(1).mean()
        given, total = dict(x=maps(x), mean=tensor(mean), variance=tensor(var)), loss()
        total.backward()
        yield case("statistics_loss", given, dict(dx=maps(x.grad), loss=tensor(total)), factor=1 / n)
        x.grad, gamma, beta, dy = None, eighths(g, c), eighths(g, c), eighths(g, n, c, h, w)
        y = F.batch_norm(x, mean, var, gamma, beta, False, .1, 1e-5)
        (loss() + (y * dy).sum()).backward()
        yield case("statistics_through_norm", given | dict(dy=maps(dy), gamma=tensor(gamma), beta=tensor(beta)),
                   dict(y=maps(y), dx=maps(x.grad), loss=tensor(total)), factor=1 / n)


def plateaus(g):
    """The rate of each step, the scheduler stepped behind the optimiser with that step's loss."""
    falling = torch.tensor([2. ** -i for i in range(12)])
    noise = 1 + torch.randint(0, 64, (60,), generator=g) / 4096
    slowly = 1 - torch.arange(40) * 2. ** -15  # below the threshold step by step, above it every four steps
    for losses, patience in ((torch.cat([falling, noise, falling]), 5), (noise, 0), (slowly, 2), (slowly, 3), (noise, 100)):
        weight = torch.zeros(1, requires_grad=True)
        optimiser, rates = torch.optim.Adam([weight], lr=1e-3), []
        plan = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, min_lr=1e-5, patience=patience)
        for loss in losses.float():
            rates.append(optimiser.param_groups[0]["lr"])
            plan.step(loss.item())
        yield case("plateau", dict(losses=dict(shape=[len(losses)], values=losses.float().tolist())), dict(rates=dict(shape=[len(rates)], values=rates)), rate=1e-3, patience=patience)


def pooling(g):
    for n, h, w, c in ((1, 5, 7, 2), (2, 4, 4, 3), (1, 1, 1, 1), (1, 6, 6, 4)):
        x = eighths(g, n, c, h, w, largest=2).requires_grad_()  # few values: ties in most windows
        y = F.max_pool2d(x, 3, 2, 1)
        dy = eighths(g, *y.shape)
        y.backward(dy)
        yield case("max_pool_gradient", dict(x=maps(x), dy=maps(dy)), dict(dx=maps(x.grad)))
        x = eighths(g, n, c, h, w).requires_grad_()
        dy = eighths(g, n, c)
        x.mean((2, 3)).backward(dy)
        yield case("global_average_pool_gradient", dict(dy=tensor(dy)), dict(dx=maps(x.grad)))


def quantisers(g, y):
    for bits, one_sided, scale, zero in ((4, True, .25, 0), (2, True, .5, 0), (3, False, .375, 1), (8, False, .0625, -3), (2, False, 1.0, 0)):
        act = y.Act(bits)
        act.on = act.ready = True
        act.one_sided, act.z, act.scale.data = one_sided, torch.tensor(float(zero)).double(), torch.tensor(scale).double()
        qmin, qmax = y.bounds(bits, one_sided)
        edges = torch.tensor([(q + d - zero) * scale for q in (qmin, qmax, zero, zero + 1) for d in (-1, -.5, -.25, 0, .25, .5, 1)]).double()
        x = torch.cat([edges, eighths(g, 40)])
        x = (x.clamp(min=0) if one_sided else x).requires_grad_()
        dy = eighths(g, *x.shape)
        act(x).backward(dy)
        yield case("activation_backward", dict(dy=tensor(dy), value=tensor(x), scale=tensor(torch.tensor([scale]))),
                   dict(dx=tensor(x.grad), scale_gradient=tensor(act.scale.grad)), bits=bits, one_sided=one_sided, zero_point=zero, relu=False)
        pre = eighths(g, 3, 30).requires_grad_()  # with the ReLU in front
        act.scale.grad = None
        v = F.relu(pre)
        dy = eighths(g, *v.shape)
        act(v).backward(dy)
        yield case("activation_backward", dict(dy=tensor(dy), value=tensor(v), scale=tensor(torch.tensor([scale]))),
                   dict(dx=tensor(pre.grad), scale_gradient=tensor(act.scale.grad)), bits=bits, one_sided=one_sided, zero_point=zero, relu=True)


def pass_over(g, *shapes):
    """Draws that no case uses, so that the cases behind keep their numbers."""
    for shape in shapes:
        eighths(g, *shape)
    return ()


def losses(g):
    for exponent, weighted, gathered in ((2.0, False, False), (2.0, True, True), (2.4, False, True), (2.4, True, False)):
        cache = eighths(g, 6, 3, 2, 2)
        indices = torch.tensor([4, 1, 4]) if gathered else torch.arange(6)
        out = eighths(g, len(indices), 3, 2, 2).requires_grad_()
        with torch.no_grad():
            out[0, 0] = cache[indices[0], 0]  # no error at all
        weight = eighths(g, 6, 3, 2, 2).abs() if weighted else torch.ones(6, 3, 2, 2).double()
        loss = .125 * ((out - cache[indices]).abs().pow(exponent) * weight[indices]).sum()
        loss.backward()
        inputs = dict(y=maps(out), target=maps(cache))
        if weighted:
            inputs["weight"] = maps(weight)
        if gathered:
            inputs["indices"] = tensor(indices.double())
        yield case("squared_error", inputs, dict(dy=maps(out.grad), loss=tensor(loss)), exponent=exponent, factor=.125)
    for temperature, gathered in ((4.0, True), (1.0, False)):
        cache = 4 * eighths(g, 5, 7)
        indices = torch.tensor([3, 0, 3, 1]) if gathered else torch.arange(5)
        logits = (4 * eighths(g, len(indices), 7)).requires_grad_()
        loss = 10 * F.kl_div(F.log_softmax(logits / temperature, 1), F.softmax(cache[indices] / temperature, 1), reduction="batchmean")
        loss.backward()
        inputs = dict(logits=tensor(logits), target=tensor(cache))
        if gathered:
            inputs["indices"] = tensor(indices.double())
        yield case("kl_divergence", inputs, dict(dlogits=tensor(logits.grad), loss=tensor(loss)), temperature=temperature, factor=10 / len(indices))


def rounding(g, y):
    """Eight steps of one weight: the regulariser comes in at the third."""
    for bits, groups, init in ((4, 3, "fraction"), (8, 3, "nearest"), (2, 3, "fraction"), (3, 1, "fraction")):
        w = eighths(g, 3, 2, 2, 2) + .03125
        layer = types.SimpleNamespace(w=w, s=torch.tensor([.25, .5, .125][:groups]).double().view(-1, 1, 1, 1))
        zero = torch.tensor([0., 1., -1.][:groups]).double().view(-1, 1, 1, 1)
        layer.soft = types.MethodType(y.Layer.soft, layer)
        y.Layer.start_rounding(layer, init)
        layer.V.data = (layer.V.data * 4096).round() / 4096 if init == "fraction" else layer.V.data.float().double()
        start = layer.V.detach().clone()
        qmin, qmax = y.bounds(bits, False)
        optimiser, factor, total = torch.optim.Adam([layer.V], lr=.0625), torch.tensor([1., .5, 2.]).double().view(-1, 1, 1, 1), 10
        gradients, penalties, trajectory = [], [], []
        for t in range(1, 9):
            optimiser.zero_grad()
            dw = eighths(g, *w.shape)
            w_hat = factor * (y.clip(torch.floor(w / layer.s) + layer.soft() + zero, qmin, qmax) - zero) * layer.s
            loss, penalty = (w_hat * dw).sum(), torch.zeros(())
            if t >= .25 * total:
                beta = 20 - 18 * max(0, (t - .25 * total) / (total - .25 * total))
                penalty = .5 * (1 - (2 * layer.soft() - 1).abs().pow(beta)).sum()
            (loss + penalty).backward()
            optimiser.step()
            gradients.append(dw)
            penalties.append(penalty.item())
            trajectory.append(layer.V.detach().clone())
        h = layer.soft()
        w_hat = factor * (y.clip(torch.floor(w / layer.s) + h + zero, qmin, qmax) - zero) * layer.s
        stack = lambda xs: dict(shape=[len(xs), 3, 2, 2, 2], values=torch.stack([x.permute(0, 2, 3, 1) for x in xs]).flatten().tolist())
        yield case("rounding_step", dict(w=maps(w), v=maps(start), scale=tensor(layer.s.flatten()), zero_point=tensor(zero.flatten()),
                                         channel_scale=tensor(factor.flatten()), gradients=stack(gradients)),
                   dict(v=stack(trajectory), w_hat=maps(w_hat), penalty=dict(shape=[8], values=penalties)),
                   bits=bits, iterations=total, warm_up=.25, rate=.0625, factor=.5)


def main():
    g, y = torch.Generator().manual_seed(2), given_yardstick(__doc__)
    cases = [*convolutions(g), *linear(g), *batch_norm(g), *pooling(g), *quantisers(g, y), *pass_over(g, *6 * [(4, 3, 2, 2)]), *losses(g), *rounding(g, y), *statistics(g), *plateaus(g)]
    target = pathlib.Path(__file__).parent.parent / "tests/fixtures/operations/gradients.json"
    target.write_text(json.dumps(cases, separators=(",", ":")))
    print(target, len(cases), "cases", target.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
