#!/usr/bin/env python3
"""Makes tests/fixtures/weights: tiny ResNets saved by PyTorch in every format and shape that adaq reads, with their values
in plain JSON, and files that adaq must refuse. Needs torch, torchvision and omegaconf.

    tools/make_weight_fixtures.py tests/fixtures/weights
"""
import argparse
import collections
import copyreg
import dataclasses
import datetime
import decimal
import enum
import functools
import io
import json
import os
import pathlib
import pickle
import struct
import sys
import types
import uuid
import zipfile
import zlib

import numpy as np
import omegaconf
import torch
import torchvision
from torchvision.models.resnet import BasicBlock, Bottleneck

SEED = 20240607
LEGACY_MAGIC, LEGACY_VERSION = 0x1950A86A20F9469CFC6C, 1001


# ---- networks -----------------------------------------------------------------------------------------------------------
def tiny_tensors(block, width, channels, classes, coarse):
    """State dict of a torchvision ResNet cut to two stages of one block. `coarse` values are exact in every float format."""
    net = torchvision.models.ResNet(block, [1, 1, 1, 1], num_classes=classes)
    net.conv1 = torch.nn.Conv2d(channels, width, 7, bias=False)
    net.bn1 = torch.nn.BatchNorm2d(width)
    net.inplanes = width
    net.layer1 = net._make_layer(block, width, 1)
    net.layer2 = net._make_layer(block, 2 * width, 1, stride=2)
    net.layer3 = net.layer4 = torch.nn.Identity()
    net.fc = torch.nn.Linear(2 * width * block.expansion, classes)
    generator = torch.Generator().manual_seed(SEED)
    tensors = collections.OrderedDict()
    for name, like in net.state_dict().items():
        value = torch.randn(like.shape, generator=generator)
        if name.endswith("running_var"):
            value = value.abs() + 0.25
        if coarse:
            value = (value * 16).round().clamp(-100, 100) / 16
        tensors[name] = value if like.is_floating_point() else torch.tensor(7)
    return tensors


def write_values(path, tensors):
    values = {name: {"shape": list(t.shape), "values": t.flatten().tolist()}
              for name, t in tensors.items() if not name.endswith("num_batches_tracked")}
    path.write_text(json.dumps(values, separators=(",", ":")))


# ---- torch.save's formats -----------------------------------------------------------------------------------------------
def strided(tensors):
    """The same values as views: convolutions channels-last, fc transposed, all one-dimensional ones in a shared storage."""
    flat = torch.cat([t for t in tensors.values() if t.dim() == 1])
    result, start = collections.OrderedDict(), 0
    for name, tensor in tensors.items():
        if tensor.dim() == 4:
            tensor = tensor.to(memory_format=torch.channels_last)
        elif tensor.dim() == 2:
            tensor = tensor.t().contiguous().t()
        elif tensor.dim() == 1:
            tensor, start = flat[start:start + tensor.numel()], start + tensor.numel()
        result[name] = tensor
    return result


def checkpoint(tensors):
    """What a training script saves: wrapped names, the optimiser's state with tensors of its own, a schedule, the options."""
    parameters = [torch.nn.Parameter(t.clone()) for t in tensors.values() if t.is_floating_point()]
    optimiser = torch.optim.Adam(parameters[-2:], lr=0.1)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [30, 60])
    sum(p.sum() for p in parameters[-2:]).backward()
    optimiser.step()
    wrapped = collections.OrderedDict(("module._orig_mod." + name, torch.nn.Parameter(t, requires_grad=False))
                                      for name, t in tensors.items())
    options = argparse.Namespace(lr=0.1, data=None, size=torch.Size([2, 3]), device=torch.device("cpu"))
    return {"epoch": 90, "best": 0.5625, "arch": "tiny", "optimizer": optimiser.state_dict(), "model": wrapped,
            "lr_scheduler": schedule.state_dict(), "args": options, "history": [[1, -2], (3.5,), {"a": True}, 2**40, -2**20]}


class OldPickler(pickle.Pickler):
    """Pickles parameters as PyTorch 0.1 to 0.3 did, as torchvision's first weights were: objects around rebuilt tensors."""

    def __init__(self, out):
        super().__init__(out, protocol=2)
        self.storages = {}

    def persistent_id(self, value):
        if not isinstance(value, torch.storage.TypedStorage):
            return None
        key = str(1000 + len(self.storages))
        self.storages[key] = value
        return ("storage", torch.FloatStorage, key, "cpu", len(value), None)

    def reducer_override(self, value):
        if isinstance(value, torch.nn.Parameter):
            return copyreg.__newobj__, (torch.nn.Parameter, value.data), (True, False, collections.OrderedDict())
        if isinstance(value, torch.Tensor):
            storage = value._typed_storage()
            return torch._utils._rebuild_tensor, (storage, value.storage_offset(), tuple(value.shape), value.stride())
        return NotImplemented


def write_old_parameters(path, tensors):
    body = io.BytesIO()
    pickler = OldPickler(body)
    pickler.dump(collections.OrderedDict((name, torch.nn.Parameter(t)) for name, t in tensors.items() if t.dim() > 0))
    system = {"protocol_version": LEGACY_VERSION, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    out = bytearray()
    for value in (LEGACY_MAGIC, LEGACY_VERSION, system):
        out += pickle.dumps(value, protocol=2)
    out += body.getvalue() + pickle.dumps(list(pickler.storages), protocol=2)
    for storage in pickler.storages.values():
        out += struct.pack("<q", len(storage)) + bytes(storage.untyped())
    path.write_bytes(out)


# ---- anything beside the tensors ---------------------------------------------------------------------------------------
class Colour(enum.Enum):
    RED = 1


Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass
class Settings:
    rate: float = 0.1
    layers: list = dataclasses.field(default_factory=lambda: ["conv1"])


class Slots:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a, self.b = 1, [2]


class OwnDict(dict):
    pass


class OwnList(list):
    pass


class ByKeyword:
    """Pickled with NEWOBJ_EX from protocol 4 on."""

    def __new__(cls, *, number):
        made = super().__new__(cls)
        made.number = number
        return made

    def __getnewargs_ex__(self):
        return (), {"number": self.number}


def beside():
    """What people keep in checkpoints beside the tensors. Only Python that has these classes could load it."""
    cycle = ["itself"]
    cycle.append(cycle)
    config = omegaconf.OmegaConf.create({"model": {"name": "mine", "depths": [2, 2]}, "lr": 0.1, "resume": None})
    return {
        "best_acc": np.float64(54.5), "loss": np.float32(0.5), "step": np.int64(7), "flag": np.bool_(True),
        "array": np.arange(6.0).reshape(2, 3), "names": np.array(["a", "b"]), "objects": np.array([None, {}], dtype=object),
        "generator": np.random.default_rng(1), "np_dtype": np.dtype("f4"),
        "record": np.zeros(2, dtype=[("x", "f4"), ("y", "i8")]), "fortran": np.asfortranarray(np.ones((2, 2))),
        "path": pathlib.PurePosixPath("/data/run"), "windows": pathlib.PureWindowsPath("c:/run"),
        "set": {1, "two"}, "frozen": frozenset({3}), "empty": set(), "bytes": b"\x00\xff", "long bytes": bytes(300),
        "bytearray": bytearray(b"ab"), "complex": 1 + 2j, "range": range(3), "slice": slice(1, 2), "ellipsis": ...,
        "huge": 10**30, "negative huge": -10**30, "float": 1e-3, "nan": float("nan"), "text": "Straße\n图", "none": None,
        "dtype": torch.bfloat16, "device": torch.device("cuda", 1), "size": torch.Size([1, 2]), "layout": torch.strided,
        "counts": collections.Counter("aab"), "groups": collections.defaultdict(list, a=[1]),
        "nested groups": collections.defaultdict(functools.partial(collections.defaultdict, list), a=collections.defaultdict(list)),
        "deque": collections.deque([1, 2], maxlen=5), "ordered": collections.OrderedDict(a=1), "chain": collections.ChainMap({"a": 1}),
        "when": datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), "took": datetime.timedelta(seconds=5),
        "decimal": decimal.Decimal("0.1"), "uuid": uuid.UUID(int=5), "enum": Colour.RED, "point": Point(1, 2),
        "settings": Settings(), "slots": Slots(), "own dict": OwnDict(a=1), "own list": OwnList([1]), "keyword": ByKeyword(number=3),
        "simple": types.SimpleNamespace(a=1), "args": argparse.Namespace(arch="mine", lr=0.1), "partial": functools.partial(print, "x"),
        "function": os.path.join, "method": "a".upper, "class": dict, "omegaconf": config, "cycle": cycle,
        "quantised": torch.quantize_per_tensor(torch.ones(2), 0.5, 0, torch.qint8), "sparse": torch.eye(2).to_sparse(),
        "complex tensor": torch.ones(2, dtype=torch.complex64).conj(), "float8": torch.ones(2).to(torch.float8_e4m3fn),
        "uint16": torch.ones(2, dtype=torch.uint16), "meta": torch.ones(2, device="meta"), "deep": torch.ones([1] * 12),
        "empty tensor": torch.zeros(0, 3), "scalar": torch.tensor(3.5),
        "module": torch.nn.Linear(1, 1), "storage": torch.UntypedStorage(3), "typed": torch.FloatStorage(2),
    }


def checkpoint_beside(tensors, leave_out=()):
    things = {key: value for key, value in beside().items() if key not in leave_out}
    keys = list(things)
    return {**{key: things[key] for key in keys[: len(keys) // 2]}, "state_dict": tensors,
            **{key: things[key] for key in keys[len(keys) // 2:]}}


class OwnTensor(torch.Tensor):
    pass


def views(tensors):
    """Tensors that are views: lazily negative, repeated (stride 0), transposed, of classes and with attributes of their own."""
    result = collections.OrderedDict()
    for index, (name, tensor) in enumerate(tensors.items()):
        if tensor.dim() == 4 and index % 2 == 0:
            tensor = torch._neg_view(tensor.transpose(0, 1).contiguous().transpose(0, 1))
            assert tensor.is_neg()
        elif tensor.dim() == 4:
            tensor = tensor[:, :1, :, :1].expand(tensor.shape)
        elif name.endswith("running_var"):
            tensor = tensor[:1].expand(tensor.shape)
        elif name.endswith("running_mean"):
            tensor = torch._neg_view(tensor[:1]).expand(tensor.shape)
        elif name.endswith("bn1.bias"):
            tensor = tensor.as_subclass(OwnTensor)
        elif name.endswith("bn1.weight"):
            tensor = torch.nn.Parameter(tensor)
            tensor.tag = "tagged"
        elif name.endswith("bn2.bias"):
            tensor = tensor.clone()
            tensor.tag = {"tagged": True}
        elif tensor.dim() == 2:
            tensor = tensor.t().contiguous().t()[:, : tensor.shape[1]]
        result[name] = tensor
    return result


# ---- safetensors --------------------------------------------------------------------------------------------------------
SAFE_TYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64", torch.int64: "I64"}


def raw(tensor):
    return tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes()


def write_safetensors(path, tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name in sorted(tensors):
        blob = raw(tensors[name])
        header[name] = {"dtype": SAFE_TYPES[tensors[name].dtype], "shape": list(tensors[name].shape),
                        "data_offsets": [len(data), len(data) + len(blob)]}
        data += blob
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


# ---- the flat binary, quantised ------------------------------------------------------------------------------------------
def packed(codes, bits):
    """N bits a code, least significant bit first, without gaps: through one long list of bits."""
    stream = [(int(code) >> bit) & 1 for code in codes for bit in range(bits)]
    stream += [0] * (-len(stream) % 8)
    return bytes(sum(b << i for i, b in enumerate(stream[k:k + 8])) for k in range(0, len(stream), 8))


def quantised(tensors):
    """(header's quantisation, tensors as (name, dtype, shape, bytes), values): every width, per channel and per layer."""
    rng = np.random.default_rng(SEED)
    weights, entries, values = {}, [], {}
    bits = 2
    for name, tensor in tensors.items():
        if tensor.dim() < 2:
            if not name.endswith("num_batches_tracked"):
                entries.append((name, "f32", list(tensor.shape), raw(tensor)))
                values[name] = tensor
            continue
        one_sided, groups = bits % 3 == 0, tensor.shape[0] if bits % 2 else 1
        qmin, qmax = (0, 2**bits - 1) if one_sided else (-2**(bits - 1), 2**(bits - 1) - 1)
        codes = rng.integers(qmin, qmax + 1, tensor.numel())
        scale = rng.uniform(0.01, 0.1, groups).astype(np.float32)
        zero = rng.integers(qmin, qmax + 1, groups).astype(np.int32)
        per_row = (codes.reshape(groups, -1) - zero[:, None]).astype(np.float32) * scale[:, None]
        values[name] = torch.from_numpy(per_row.reshape(tuple(tensor.shape)))
        weights[name] = {"bits": bits, "one_sided": one_sided, "scheme": "norm"}
        entries += [(name, f"q{bits}", list(tensor.shape), packed(codes - qmin, bits)),
                    (name + ".scale", "f32", [groups], scale.tobytes()),
                    (name + ".zero_point", "i32", [groups], zero.tobytes())]
        bits = bits + 1 if bits < 8 else 2
    activations = {}
    for site in ("conv1", "layer1.0.conv1", "layer1.0", "layer2.0.downsample", "fc"):
        activations[site] = {"bits": 8, "one_sided": site in ("conv1", "layer1.0"), "scheme": "lp"}
        entries += [(f"activation.{site}.scale", "f32", [1], np.float32(0.03125).tobytes()),
                    (f"activation.{site}.zero_point", "i32", [1], np.int32(5).tobytes())]
    header = {"folded": False, "settings": {"seed": 1, "method": "nearest"}, "weights": weights, "activations": activations}
    return header, entries, values


def aligned(offset):
    return -(-offset // 64) * 64


def write_bin(path, header, entries):
    """weights/FORMAT.md, written once more and plainly."""
    start = 16384  # room for the header; the zeros up to there belong to nothing
    table, blob = [], bytearray()
    for name, dtype, shape, data in entries:
        blob += bytes(aligned(len(blob)) - len(blob))
        table.append({"name": name, "dtype": dtype, "shape": shape, "offset": start + len(blob), "bytes": len(data),
                      "crc32": f"{zlib.crc32(data):08x}"})
        blob += data
    text = json.dumps({"format": 1, "header_crc32": "00000000", **header, "tensors": table}).encode()
    text = text.replace(b'"00000000"', f'"{zlib.crc32(text):08x}"'.encode(), 1)
    assert 16 + len(text) <= start
    path.write_bytes((b"ADAQBIN1" + struct.pack("<Q", len(text)) + text).ljust(start, b"\0") + blob)


# ---- files to refuse -----------------------------------------------------------------------------------------------------
class Hostile:
    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


def write_archive(path, entries, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(f"archive/{name}"), data, compression)


def write_hostile(folder):
    torch.save({"fc.bias": Hostile(os.system, "echo pwned")}, folder / "wants_system.pth")
    torch.save({"fc.bias": Hostile(eval, "1 + 1")}, folder / "wants_eval.pth", _use_new_zipfile_serialization=False)
    torch.save({"fc.bias": Hostile(os.system, "true")}, folder / "wants_system_protocol4.pth", pickle_protocol=4)
    plain = pickle.dumps({}, protocol=2)
    write_archive(folder / "big_endian.pth", {"data.pkl": plain, "byteorder": b"big"})
    write_archive(folder / "compressed.pth", {"data.pkl": plain + bytes(100)}, zipfile.ZIP_DEFLATED)
    write_archive(folder / "torchscript.pth", {"data.pkl": plain, "constants.pkl": plain})
    write_archive(folder / "no_pickle.zip", {"readme.txt": b"not torch"})


# ---- shapes of the real ones ---------------------------------------------------------------------------------------------
def write_shapes(path, name):
    net = getattr(torchvision.models, name)(weights=None)
    lines = [f"{key} {'x'.join(map(str, t.shape))}" for key, t in net.state_dict().items() if t.dim() > 0]
    path.write_text("\n".join(lines) + "\n")


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)

    basic = tiny_tensors(BasicBlock, 2, 3, 3, coarse=False)
    write_values(folder / "basic.json", basic)
    torch.save(basic, folder / "basic.pth")
    torch.save(basic, folder / "basic_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(basic, folder / "basic_protocol4.pth", pickle_protocol=4)
    torch.save(strided(basic), folder / "basic_strided.pth")
    torch.save(checkpoint(basic), folder / "basic_checkpoint.pth")
    torch.save(checkpoint(basic), folder / "basic_checkpoint_legacy.pth", _use_new_zipfile_serialization=False)
    write_old_parameters(folder / "basic_old_parameters.pth", basic)
    write_safetensors(folder / "basic.safetensors", basic)
    torch.save(checkpoint_beside(basic), folder / "beside.pth")
    # The oldest protocol that torch.save can write, and the newest; a module would bring its source along.
    for protocol, leave_out in ((1, ("module", "slots")), (5, ("module",))):
        torch.save(checkpoint_beside(basic, leave_out), folder / f"beside_protocol{protocol}_legacy.pth",
                   pickle_protocol=protocol, _use_new_zipfile_serialization=False)
    torch.save(views(basic), folder / "views.pth")
    torch.save(views(basic), folder / "views_legacy.pth", _use_new_zipfile_serialization=False)
    write_values(folder / "views.json", {name: t.detach().resolve_neg() for name, t in views(basic).items()})

    coarse = tiny_tensors(Bottleneck, 1, 1, 2, coarse=True)
    write_values(folder / "coarse.json", coarse)

    def cast(dtype):
        return collections.OrderedDict((n, t.to(dtype) if t.is_floating_point() else t) for n, t in coarse.items())

    torch.save(cast(torch.float16), folder / "coarse_f16.pth")
    torch.save({"state_dict": cast(torch.bfloat16)}, folder / "coarse_bf16_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"model_state_dict": {"module." + n: t for n, t in cast(torch.float64).items()}}, folder / "coarse_f64.pth")
    for dtype, suffix in ((torch.float16, "f16"), (torch.bfloat16, "bf16"), (torch.float64, "f64")):
        write_safetensors(folder / f"coarse_{suffix}.safetensors", cast(dtype))

    architecture = {"family": "resnet", "block": "bottleneck", "blocks": [1, 1], "width": 1, "classes": 2,
                    "input_channels": 1, "stem": "conv7x7s2-maxpool3x3s2"}
    quantisation, entries, values = quantised(coarse)
    write_values(folder / "quantised.json", values)
    write_bin(folder / "quantised.bin", {"architecture": architecture, "classes": ["shoe", "straße"],
              "preprocessing": {"resize": 40, "crop": 32, "channels": 1, "mean": [0.2860], "std": [0.3530]},
              "quantisation": quantisation, "made_by": {"tool": "a later version", "numbers": [1, 2.5]}}, entries)
    halves = [(n, "f16" if i % 2 else "bf16", list(t.shape), raw(t.half() if i % 2 else t.bfloat16()))
              for i, (n, t) in enumerate(coarse.items()) if not n.endswith("num_batches_tracked")]
    write_bin(folder / "coarse_halves.bin", {"architecture": architecture}, halves)

    write_hostile(folder)
    for name in ("resnet18", "resnet34", "resnet50"):
        write_shapes(folder / f"{name}.shapes", name)


if __name__ == "__main__":
    main()
