#!/usr/bin/env python3
"""Writes tests/fixtures/schemes/ranges.json: what the yardstick's choose_range answers on generated tensors.

    python3 tools/make_scheme_fixtures.py YARDSTICK.py tests/fixtures/schemes/ranges.json

Only the answers are stored. Inputs come from a generator that tests/support/scheme_inputs.h repeats: splitmix64, whose four
16-bit fields add up to a bell-shaped integer; everything after that is exact or one float64 operation at a time.
"""
import json, sys
import numpy as np, torch

from yardstick_module import load_yardstick

KINDS = ("bell", "skewed", "heavy", "relu", "constant", "zero", "dead", "far", "spiky")


def bell(seed, count):
    """Values (a + b + c + d) / 65536 - 2 of the 16-bit fields of splitmix64's outputs seed * 2^32 + 1, 2, ..."""
    with np.errstate(over="ignore"):
        z = (np.uint64(seed << 32) + np.arange(1, count + 1, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    total = sum(((z >> np.uint64(s)) & np.uint64(0xFFFF)).astype(np.int64) for s in (0, 16, 32, 48))
    return (total - 131070).astype(np.float64) / 65536.0


def generate(kind, seed, groups, elements):
    t = bell(seed, groups * elements).reshape(groups, elements)
    g = np.arange(groups).reshape(-1, 1)
    v = {"bell": t, "skewed": np.where(t > 0, t * 3.0, t), "heavy": t * t * t, "relu": np.maximum(t, 0.0), "far": t + 3.0,
         "spiky": np.maximum(t * t * t * t * t, 0.0),
         "constant": np.where(g % 2 == 0, 0.75, -0.5) + 0.0 * t, "zero": 0.0 * t, "dead": np.where(g % 3 == 1, 0.0, t)}[kind]
    return torch.from_numpy((v * ((g % 7 + 1) * 0.125)).astype(np.float32))


def cases():
    def case(scheme, kind, groups, elements, bits, p=2.4):
        return dict(scheme=scheme, kind=kind, groups=groups, elements=elements, bits=bits, p=p)

    for scheme in ("absmax", "minmax", "norm", "norm-legacy", "lp", "orgnorm"):
        for kind in KINDS:
            for groups, elements, bits in ((1, 3000, 4), (7, 144, 4), (5, 300, 8), (3, 64, 2)):
                yield case(scheme, kind, groups, elements, min(bits, 6) if scheme == "orgnorm" else bits)
        for bits in (2, 3, 5, 6, 7):
            yield case(scheme, "skewed", 4, 200, bits)
        yield case(scheme, "far", 1, 1, 4)  # a single element
        yield case(scheme, "dead", 4, 1, 4)
        yield case(scheme, "bell", 3, 2, 3)
    yield case("orgnorm", "heavy", 2, 576, 8)
    for scheme in ("norm", "norm-legacy"):
        yield case(scheme, "heavy", 6, 256, 4, 2.0)
        yield case(scheme, "skewed", 1, 2048, 4, 2.0)
    yield case("norm", "heavy", 1, 40000, 4)  # k <= 32, 32 pairs
    # Percentiles (k = 34; doubled where one-sided), of kinds whose best candidate is neither the first nor the last.
    yield case("norm", "heavy", 1, 3400000, 4)
    yield case("norm", "spiky", 1, 3400000, 4)


def main():
    yardstick_path, out = sys.argv[1:]
    yardstick = load_yardstick(yardstick_path)
    lines = []
    for seed, case in enumerate(cases(), 1):
        x = generate(case["kind"], seed, case["groups"], case["elements"])
        if case["scheme"] == "norm-legacy" and x.min() >= 0:
            continue  # two-sided only
        s, z, one_sided = yardstick.choose_range(x, case["bits"], case["scheme"], case["p"])
        lines.append(json.dumps({"seed": seed, **case, "one_sided": one_sided,
                                 "scale": s.flatten().tolist(), "zero_point": z.flatten().tolist()}))
    with open(out, "w") as f:
        f.write("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{len(lines)} cases")


if __name__ == "__main__":
    main()
