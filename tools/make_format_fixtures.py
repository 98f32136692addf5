#!/usr/bin/env python3
"""Makes tests/fixtures/formats: small images in every variant of the formats that adaq reads, and Pillow's pixels of them.

    python3 tools/make_format_fixtures.py tests/fixtures/formats

cases.json lists the cases; cases.bin.gz holds the files and the pixels one after the other. A case without pixels is a
file that Pillow refuses. Needs numpy and Pillow 13.
"""
import gzip
import io
import json
import os
import struct
import sys
import warnings
import zlib

import numpy as np
from PIL import Image, ImageDraw

HEIGHT, WIDTH = 11, 13  # odd, so that rows end inside bytes


def random_of(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def indices(name, most, height=HEIGHT, width=WIDTH):
    return random_of(name).integers(0, most, (height, width))


def packed(rows, bits):
    """Rows of samples of 1, 2, 4, 8 or 16 bits (big-endian), each filled up to whole bytes."""
    result = []
    for row in np.asarray(rows).reshape(len(rows), -1):
        if bits == 16:
            result.append(row.astype(">u2").tobytes())
            continue
        text = "".join(f"{int(sample):0{bits}b}" for sample in row)
        text += "0" * (-len(text) % 8)
        result.append(bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8)))
    return result


def photo(name, height=HEIGHT, width=WIDTH):
    y, x = np.mgrid[0:height, 0:width]
    noise = random_of(name).normal(0, 12, (height, width, 3))
    waves = np.stack([128 + 90 * np.sin(0.31 * x + 0.17 * y + phase) for phase in (0, 1.5, 4)], axis=-1)
    return Image.fromarray(np.clip(waves + noise, 0, 255).astype(np.uint8))


# ---------------------------------------------------------------------------------------------------------------- PNG
def png_chunk(kind, data, crc_error=0):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ crc_error)


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(samples, depth, colour_type, interlaced=False, before=b"", after=b"", raw=None, filters=False):
    """A PNG file of samples [height, width(, channels)]; `before` and `after` are chunks around the data."""
    samples = np.asarray(samples)
    height, width = samples.shape[:2]
    if raw is None:
        passes = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7] if interlaced else [samples]
        rows = [row for part in passes if part.size for row in packed(part, depth)]
        raw = b"".join(b"\0" + row for row in rows)
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced))
    data = zlib.compress(raw, 9)
    chunks = png_chunk(b"IHDR", header) + before + png_chunk(b"IDAT", data) + after + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def png_cases(add):
    palette = random_of("palette").integers(0, 256, (256, 3)).astype(np.uint8).tobytes()
    for interlaced in (False, True):
        suffix = "-interlaced" if interlaced else ""
        for colour_type, channels, depths in [(0, 1, (1, 2, 4, 8, 16)), (2, 3, (8, 16)), (4, 2, (8, 16)), (6, 4, (8, 16))]:
            for depth in depths:
                name = f"png/type-{colour_type}-depth-{depth}{suffix}"
                samples = random_of(name).integers(0, 1 << depth, (HEIGHT, WIDTH, channels))
                if depth == 16 and colour_type == 0:
                    samples = samples % 700
                add(name, png(samples, depth, colour_type, interlaced))
        for depth in (1, 2, 4, 8):
            name = f"png/palette-{depth}{suffix}"
            samples = indices(name, 1 << depth)
            add(name, png(samples, depth, 3, interlaced, before=png_chunk(b"PLTE", palette[: 3 << depth])))
    for depth, colours in [(2, 3), (4, 5), (8, 9)]:
        name = f"png/palette-{depth}-with-{colours}-colours"
        add(name, png(indices(name, 1 << depth), depth, 3, before=png_chunk(b"PLTE", palette[: 3 * colours])))
    add("png/palette-transparency", png(indices("t", 8), 4, 3, before=png_chunk(b"PLTE", palette[:24]) + png_chunk(b"tRNS", b"\xff\x00\x80")))
    add("png/grey-transparency", png(indices("t", 256), 8, 0, before=png_chunk(b"tRNS", b"\0\x17")))
    add("png/rgb-transparency", png(random_of("t").integers(0, 4, (HEIGHT, WIDTH, 3)), 8, 2, before=png_chunk(b"tRNS", b"\0\1\0\2\0\3")))
    add("png/other-chunks", png(indices("o", 256), 8, 0, before=png_chunk(b"gAMA", b"\0\0\x11\x11") + png_chunk(b"iCCP", b"x\0\0junk") + png_chunk(b"tEXt", b"a\0b"),
                                after=png_chunk(b"tIME", bytes(7))))
    picture = io.BytesIO()
    photo("filters", 40, 31).save(picture, "PNG", optimize=True)
    add("png/all-filters", picture.getvalue())
    add("png/one-pixel", png([[200]], 8, 0))
    good = png(indices("g", 256), 8, 0)
    add("png/bad-idat-data", png(indices("g", 256), 8, 0, raw=bytes(20)))
    add("png/bad-header-crc", good[:30] + bytes([good[30] ^ 1]) + good[31:])
    add("png/bad-text-crc", png(indices("g", 256), 8, 0, before=png_chunk(b"tEXt", b"a\0b", crc_error=1)))
    add("png/cut", good[: len(good) // 2])


# ---------------------------------------------------------------------------------------------------------------- BMP
def bmp(width, height, bits, pixels, palette=b"", compression=0, colours=0, header_bytes=40, masks=b"", from_top=False, pixels_at=None):
    """A BMP file. `masks` go behind a header of 40 bytes, else into it; palette entries have 4 bytes (3 for OS/2's 12)."""
    if header_bytes == 12:
        header = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        header = struct.pack("<IiiHHIIiiII", header_bytes, width, -height if from_top else height, 1, bits, compression, len(pixels), 2835, 2835, colours, 0)
        if header_bytes > 40:
            header += masks
            masks = b""
            header += bytes(header_bytes - len(header))
    offset = 14 + len(header) + len(masks) + len(palette) if pixels_at is None else pixels_at
    return struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset) + header + masks + palette + pixels


def bmp_rows(rows):
    return b"".join(row + bytes(-len(row) % 4) for row in rows)


def rle_cases(add, palette):
    def rle(name, data, width=5, height=4, compression=1):
        bits = 8 if compression == 1 else 4
        add(f"bmp/rle{bits}-{name}", bmp(width, height, bits, bytes(data), palette[: 4 << bits], compression))

    row, end = [0, 0], [0, 1]
    rle("runs", [5, 7, *row, 2, 1, 3, 2, *row, 5, 200, *row, 1, 3, 4, 9, *row, *end])
    rle("literals", [0, 5, 1, 2, 3, 4, 5, 0, *row, 0, 3, 9, 8, 7, 0, 2, 6, *row, 5, 1, *row, 0, 4, 1, 2, 3, 4, 1, 5, *row, *end])
    rle("short-rows", [2, 7, *row, *row, 5, 9, *row, 1, 3, *row, *end])
    rle("long-run", [9, 7, *row, 5, 1, *row, 5, 2, *row, 5, 3, *row, *end])
    rle("delta", [2, 7, 0, 2, 1, 1, 2, 9, *row, 5, 1, *row, 5, 4, *row, *end])
    rle("without-end", [5, 7, *row, 5, 1, *row, 5, 2, *row, 5, 3])
    rle("ended-early", [5, 7, *row, *end])
    rle("cut", [5, 7, *row, 5, 1, *row, 5])
    rle("runs", [5, 0x12, *row, 2, 0x34, 3, 0x56, *row, 5, 0x78, *row, 1, 0x9A, 4, 0xBC, *row, *end], compression=2)
    rle("literals", [0, 5, 0x12, 0x34, 0x50, 0, *row, 0, 3, 0x67, 0x80, 2, 0x9A, *row, 5, 1, *row, 0, 4, 0xAB, 0xCD, 1, 0xE0, *row, *end], compression=2)


def bmp_cases(add):
    palette = random_of("bmp palette").integers(0, 256, (256, 4)).astype(np.uint8).tobytes()
    os2_palette = b"".join(palette[4 * i : 4 * i + 3] for i in range(256))
    for bits in (1, 4, 8):
        name = f"bmp/palette-{bits}"
        rows = bmp_rows(packed(indices(name, 1 << bits), bits))
        add(name, bmp(WIDTH, HEIGHT, bits, rows, palette[: 4 << bits]))
        add(f"{name}-os2", bmp(WIDTH, HEIGHT, bits, rows, os2_palette[: 3 << bits], header_bytes=12))
        add(f"{name}-from-top", bmp(WIDTH, HEIGHT, bits, rows, palette[: 4 << bits], from_top=True))
    for bits, colours in [(4, 3), (8, 7), (8, 256)]:
        name = f"bmp/palette-{bits}-of-{colours}"
        add(name, bmp(WIDTH, HEIGHT, bits, bmp_rows(packed(indices(name, 1 << bits), bits)), palette[: 4 * colours], colours=colours))
    greys = b"".join(bytes([i, i, i, 0]) for i in range(256))
    ramp = bmp_rows(packed(indices("ramp", 256), 8))
    add("bmp/greys", bmp(WIDTH, HEIGHT, 8, ramp, greys))
    add("bmp/some-greys", bmp(WIDTH, HEIGHT, 8, ramp, greys[:40], colours=10))
    black_white = bytes([0, 0, 0, 0, 255, 255, 255, 0])
    add("bmp/black-white", bmp(WIDTH, HEIGHT, 1, bmp_rows(packed(indices("bw", 2), 1)), black_white))
    add("bmp/white-black", bmp(WIDTH, HEIGHT, 1, bmp_rows(packed(indices("bw", 2), 1)), black_white[4:] + black_white[:4]))
    add("bmp/black-white-8-bit", bmp(WIDTH, HEIGHT, 8, bmp_rows(packed(indices("bw8", 2), 8)), black_white, colours=2))
    add("bmp/palette-as-pixels", bmp(WIDTH, HEIGHT, 8, ramp, palette, pixels_at=54))
    add("bmp/no-offset", bmp(WIDTH, HEIGHT, 24, bmp_rows(packed(random_of("no").integers(0, 256, (HEIGHT, 3 * WIDTH)), 8)), pixels_at=0))
    rle_cases(add, palette)
    wide = random_of("wide").integers(0, 65536, (HEIGHT, WIDTH)).astype("<u2")
    wide_rows = bmp_rows([row.tobytes() for row in wide])
    add("bmp/16-bit", bmp(WIDTH, HEIGHT, 16, wide_rows))
    for name, masks in [("555", (0x7C00, 0x3E0, 0x1F)), ("565", (0xF800, 0x7E0, 0x1F)), ("444", (0xF00, 0xF0, 0xF))]:
        for header_bytes in (40, 56, 124):
            add(f"bmp/16-bit-{name}-header-{header_bytes}",
                bmp(WIDTH, HEIGHT, 16, wide_rows, compression=3, masks=struct.pack("<III", *masks), header_bytes=header_bytes))
    rgb = random_of("rgb").integers(0, 256, (HEIGHT, WIDTH, 3))
    add("bmp/24-bit", bmp(WIDTH, HEIGHT, 24, bmp_rows(packed(rgb, 8))))
    add("bmp/24-bit-os2", bmp(WIDTH, HEIGHT, 24, bmp_rows(packed(rgb, 8)), header_bytes=12))
    add("bmp/24-bit-os2-2", bmp(WIDTH, HEIGHT, 24, bmp_rows(packed(rgb, 8)), header_bytes=64))
    add("bmp/24-bit-from-top", bmp(WIDTH, HEIGHT, 24, bmp_rows(packed(rgb, 8)), from_top=True))
    add("bmp/24-bit-last-padding-missing", bmp(WIDTH, HEIGHT, 24, bmp_rows(packed(rgb, 8))[:-1]))
    add("bmp/24-bit-cut", bmp(WIDTH, HEIGHT, 24, bmp_rows(packed(rgb, 8))[:-2]))
    rgba = bmp_rows(packed(random_of("rgba").integers(0, 256, (HEIGHT, WIDTH, 4)), 8))
    add("bmp/32-bit", bmp(WIDTH, HEIGHT, 32, rgba))
    for i, masks in enumerate([(0xFF0000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0), (0xFF000000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0xFF),
                               (0xFF, 0xFF00, 0xFF0000, 0xFF000000), (0xFF0000, 0xFF00, 0xFF, 0xFF000000), (0xFF000000, 0xFF00, 0xFF, 0xFF0000), (0, 0, 0, 0),
                               (0xFF, 0xFF00, 0xFF0000, 0)]):
        add(f"bmp/32-bit-masks-{i}", bmp(WIDTH, HEIGHT, 32, rgba, compression=3, masks=struct.pack("<IIII", *masks), header_bytes=108))


# ---------------------------------------------------------------------------------------------------------------- GIF
def lzw(values, bits, clear_every=None):
    """GIF's LZW: codes that learn as they go, in sub-blocks."""
    clear, end = 1 << bits, (1 << bits) + 1
    table, size, width, codes = {(i,): i for i in range(clear)}, clear + 2, bits + 1, [(clear, bits + 1)]
    string, since = (), 0
    for value in values:
        if string + (value,) in table:
            string += (value,)
            continue
        codes.append((table[string], width))
        if size < 4096:
            table[string + (value,)] = size
            size += 1
            if size > 1 << width and width < 12:
                width += 1
        string, since = (value,), since + 1
        if clear_every and since == clear_every:
            codes.append((table[string], width))
            codes.append((clear, width))
            table, size, width, string, since = {(i,): i for i in range(clear)}, clear + 2, bits + 1, (), 0
    if string:
        codes.append((table[string], width))
    codes.append((end, width))
    number, shift = 0, 0
    for code, width in codes:
        number |= code << shift
        shift += width
    data = number.to_bytes((shift + 7) // 8, "little")
    blocks = b"".join(bytes([len(data[i : i + 255])]) + data[i : i + 255] for i in range(0, len(data), 255))
    return bytes([bits]) + blocks + b"\0"


def gif(canvas, frame, values, bits, palette=None, local=None, transparent=None, interlaced=False, extra=b"", data=None, background=0):
    """canvas: (width, height); frame: (x, y, width, height); palettes: bytes of 2, 4, 8 ... colours."""
    def flags(colours):
        return 0x80 | (len(colours) // 3).bit_length() - 2 if colours is not None else 0

    result = b"GIF89a" + struct.pack("<HHBBB", *canvas, flags(palette), background, 0) + (palette or b"") + extra
    if transparent is not None:
        result += b"!\xf9\x04" + bytes([1, 0, 0, transparent]) + b"\0"
    result += b"," + struct.pack("<HHHHB", *frame, flags(local) | (0x40 if interlaced else 0)) + (local or b"")
    return result + (lzw(values, bits) if data is None else data) + b";"


def gif_cases(add):
    palette = random_of("gif palette").integers(0, 256, 768).astype(np.uint8).tobytes()
    whole, canvas = (0, 0, WIDTH, HEIGHT), (WIDTH, HEIGHT)

    def rows(name, most, order=None):
        values = indices(name, most)
        return [int(v) for y in (order or range(HEIGHT)) for v in values[y]]

    interlaced = [y for start, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(start, HEIGHT, step)]
    for bits in range(1, 9):
        add(f"gif/{bits}-bits", gif(canvas, whole, rows(f"g{bits}", 1 << bits), max(bits, 2) if bits == 1 else bits, palette[: 3 << bits]))
    add("gif/one-bit-codes", gif(canvas, whole, rows("g1", 2), 1, palette[:6]))
    add("gif/interlaced", gif(canvas, whole, rows("i", 16, interlaced), 4, palette[:48], interlaced=True))
    add("gif/transparent", gif(canvas, whole, rows("t", 16), 4, palette[:48], transparent=3))
    add("gif/part-of-canvas", gif((20, 18), (3, 5, WIDTH, HEIGHT), rows("p", 16), 4, palette[:48], background=7))
    add("gif/part-of-transparent-canvas", gif((20, 18), (3, 5, WIDTH, HEIGHT), rows("p", 16), 4, palette[:48], transparent=9))
    add("gif/beyond-canvas", gif((9, 9), (3, 5, WIDTH, HEIGHT), rows("b", 16), 4, palette[:48]))
    add("gif/local-palette", gif(canvas, whole, rows("l", 16), 4, palette[:48], local=palette[48:96]))
    add("gif/indices-beyond-palette", gif(canvas, whole, rows("x", 16), 4, palette[:12]))
    add("gif/no-palette", gif(canvas, whole, rows("n", 256), 8))
    ramp = bytes(i // 3 for i in range(768))
    add("gif/grey-ramp", gif(canvas, whole, rows("r", 256), 8, ramp))
    add("gif/short-grey-ramp", gif(canvas, whole, rows("r", 256), 8, ramp[:12]))
    add("gif/extensions", gif(canvas, whole, rows("e", 16), 4, palette[:48], extra=b"!\xfe\x03abc\x02de\0!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"))
    add("gif/clears", gif(canvas, whole, [], 4, palette[:48], data=lzw(rows("c", 16), 4, clear_every=20)))
    long = random_of("long").integers(0, 256, 90 * 90)
    add("gif/full-table", gif((90, 90), (0, 0, 90, 90), [int(v) for v in long], 8, palette))
    add("gif/long-runs", gif((60, 60), (0, 0, 60, 60), [5] * 3600, 4, palette[:48]))
    good = gif(canvas, whole, rows("t", 16), 4, palette[:48])
    add("gif/without-end", good[:-2])
    add("gif/cut", good[: len(good) // 2])
    add("gif/pixels-end-early", gif(canvas, whole, rows("t", 16)[:-1], 4, palette[:48]))
    add("gif/impossible-code", gif(canvas, whole, [], 2, palette[:12], data=b"\x02\x04\x3c\xff\xff\xff\0"))
    first = photo("animated").quantize(16)
    animation = io.BytesIO()
    first.save(animation, "GIF", save_all=True, append_images=[photo("second").quantize(16)], duration=50)
    add("gif/animation", animation.getvalue())


# ---------------------------------------------------------------------------------------------------------------- PNM
def pnm_cases(add):
    def header(kind, maximum=None, width=WIDTH, height=HEIGHT):
        return f"P{kind}\n{width} {height}\n".encode() + (f"{maximum}\n".encode() if maximum else b"")

    bits = indices("bits", 2)
    add("pnm/p1", header(1) + b"\n".join(b" ".join(b"%d" % v for v in row) for row in bits))
    add("pnm/p1-together", header(1) + b"".join(b"%d" % v for row in bits for v in row) + b"\n")
    add("pnm/p4", header(4) + b"".join(packed(bits, 1)))
    for maximum in (1, 2, 15, 100, 254, 255, 256, 1000, 4095, 65534, 65535):
        greys = random_of(f"grey {maximum}").integers(0, maximum + 1, (HEIGHT, WIDTH))
        greys[0, :6] = [0, 1, maximum, maximum // 2, maximum // 3, min(200, maximum)]
        colours = random_of(f"colour {maximum}").integers(0, maximum + 1, (HEIGHT, WIDTH, 3))
        size = 16 if maximum > 255 else 8
        for kind, samples in ((2, greys), (3, colours)):
            text = " ".join(str(v) for v in samples.ravel())
            add(f"pnm/p{kind}-{maximum}", header(kind, maximum) + text.encode())
            add(f"pnm/p{kind + 3}-{maximum}", header(kind + 3, maximum) + b"".join(packed(samples, size)))
    add("pnm/p5-above-maximum", header(5, 100) + bytes(range(HEIGHT * WIDTH)))
    add("pnm/p5-above-wide-maximum", header(5, 1000, 2, 2) + struct.pack(">4H", 10, 1000, 1001, 65535))
    add("pnm/p2-above-maximum", header(2, 100) + b" ".join(b"%d" % v for v in range(HEIGHT * WIDTH)))
    grey = bytes(range(6))
    add("pnm/comments", b"P5\n# a comment\n3 # width\n2\n#another\n255\n" + grey)
    add("pnm/comment-in-number", b"P5\n1#x\n0 2 255\n" + bytes(range(20)))
    add("pnm/one-line", b"P5 3 2 255 " + grey)
    add("pnm/carriage-returns", b"P5\r3\r2\r255\r" + grey)
    add("pnm/text-comments", b"P2\n3 2\n255\n1 2 # three\n3 4\n#\n5 6#end\n")
    add("pnm/more-behind", b"P5 3 2 255 " + grey + b"P5 3 2 255 " + grey)
    for name, content in [("p6-cut", b"P6 2 2 255\n" + bytes(11)), ("p5-16-bit-cut", b"P5 2 2 300\n" + bytes(7)), ("p4-cut", b"P4 9 2\n" + bytes(3)),
                          ("p1-cut", b"P1 2 2\n1 0 1"), ("p2-cut", b"P2 2 2 9\n1 0 1"), ("p3-cut", b"P3 1 1 9\n1 0"), ("maximum-0", b"P5 1 1 0\n1"),
                          ("maximum-65536", b"P5 1 1 65536\n11"), ("no-size", b"P5 "), ("letters", b"P5 a 2 255\n12"), ("empty", b"P5 0 2 255\n"),
                          ("digit-2-in-p1", b"P1 2 2\n1 0 1 2"), ("p7", b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nENDHDR\n1")]:
        add(f"pnm/{name}", content)


# --------------------------------------------------------------------------------------------------------------- WebP
def webp_cases(add):
    def saved(image, **options):
        file = io.BytesIO()
        image.save(file, "WEBP", **options)
        return file.getvalue()

    rgb = photo("webp", 37, 45)
    rgba = rgb.copy()
    rgba.putalpha(Image.fromarray(np.linspace(0, 255, 37 * 45).astype(np.uint8).reshape(37, 45)))
    add("webp/lossy", saved(rgb, quality=80))
    add("webp/lossless", saved(rgb, lossless=True))
    add("webp/lossy-alpha", saved(rgba, quality=60))
    add("webp/lossless-alpha", saved(rgba, lossless=True, exact=True))
    add("webp/one-pixel", saved(photo("one", 1, 1), quality=90))
    add("webp/animation", saved(rgba, save_all=True, append_images=[photo("next", 37, 45)], duration=40))
    good = saved(rgb, quality=80)
    add("webp/cut", good[: len(good) // 2])
    add("webp/last-byte-missing", good[:-1])


# --------------------------------------------------------------------------------------------------------------- TIFF
def tiff(samples, bits, photometric, order="<", extra=(), palette=None, orientation=None, planes=None, fill_order=None, sample_format=None, rows_per_strip=None):
    """An uncompressed TIFF file of samples [height, width(, samples)]."""
    samples = np.asarray(samples)
    samples = samples[..., None] if samples.ndim == 2 else samples
    height, width, count = samples.shape
    if bits == 16:
        rows = [row.astype(order + "u2").tobytes() for row in samples.reshape(height, -1)]
    else:
        rows = packed(samples, bits)
    rows_per_strip = rows_per_strip or height
    strips = [b"".join(rows[y : y + rows_per_strip]) for y in range(0, height, rows_per_strip)]
    if planes:
        strips = [b"".join(packed(samples[..., c : c + 1], bits)) for c in range(count)]
    if fill_order == 2:
        strips = [bytes(int(f"{byte:08b}"[::-1], 2) for byte in strip) for strip in strips]
    offsets = [8 + sum(map(len, strips[:i])) for i in range(len(strips))]
    tags = {256: [width], 257: [height], 258: [bits] * count, 259: [1], 262: [photometric], 273: offsets, 277: [count], 278: [rows_per_strip],
            279: [len(strip) for strip in strips]}
    for tag, value in ((266, fill_order), (274, orientation), (284, 2 if planes else None), (339, sample_format)):
        if value is not None:
            tags[tag] = [value]
    if extra:
        tags[338] = list(extra)
    if palette is not None:
        tags[320] = [int(v) for v in palette]
    long_tags = (273, 279)
    body = b"".join(strips)
    body += b"\0" * (len(body) % 2)
    directory, outside = struct.pack(order + "H", len(tags)), b""
    outside_at = 8 + len(body) + 2 + 12 * len(tags) + 4
    for tag in sorted(tags):
        kind = 4 if tag in long_tags else 3
        data = struct.pack(order + f"{len(tags[tag])}" + ("I" if kind == 4 else "H"), *tags[tag])
        where = data.ljust(4, b"\0")
        if len(data) > 4:
            where = struct.pack(order + "I", outside_at + len(outside))
            outside += data + b"\0" * (len(data) % 2)
        directory += struct.pack(order + "HHI", tag, kind, len(tags[tag])) + where
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(body))
    return start + body + directory + bytes(4) + outside


def tiff_cases(add):
    for order, suffix in (("<", ""), (">", "-big-endian")):
        for bits in (1, 2, 4, 8, 16):
            grey = random_of(f"tiff {bits}").integers(0, min(1 << bits, 700), (HEIGHT, WIDTH))
            for photometric in (0, 1):
                add(f"tiff/photometric-{photometric}-{bits}-bit{suffix}", tiff(grey, bits, photometric, order))
        for bits in (1, 2, 4, 8):
            palette = random_of("tiff palette").integers(0, 65536, 3 << bits)
            add(f"tiff/palette-{bits}{suffix}", tiff(indices("tp", 1 << bits), bits, 3, order, palette=palette))
        for bits in (8, 16):
            rgba = random_of(f"tiff rgb {bits}").integers(0, 1 << bits, (HEIGHT, WIDTH, 6))
            add(f"tiff/rgb-{bits}{suffix}", tiff(rgba[..., :3], bits, 2, order))
            for extra in (0, 1, 2):
                add(f"tiff/rgb-{bits}-extra-{extra}{suffix}", tiff(rgba[..., :4], bits, 2, order, extra=(extra,)))
            add(f"tiff/cmyk-{bits}{suffix}", tiff(rgba[..., :4], bits, 5, order))
        add(f"tiff/rgb-8-extra-2-0{suffix}", tiff(rgba[..., :5] % 256, 8, 2, order, extra=(2, 0)))
    rgb = random_of("tiff rgb").integers(0, 256, (HEIGHT, WIDTH, 3))
    grey_alpha = random_of("tiff la").integers(0, 256, (HEIGHT, WIDTH, 2))
    for extra in (0, 1, 2):
        add(f"tiff/grey-extra-{extra}", tiff(grey_alpha, 8, 1, extra=(extra,)))
    add("tiff/planes", tiff(rgb, 8, 2, planes=True))
    add("tiff/strips", tiff(rgb, 8, 2, rows_per_strip=4))
    add("tiff/fill-order-2", tiff(indices("f", 2), 1, 1, fill_order=2))
    add("tiff/float", tiff(indices("f", 256), 16, 1, sample_format=3))
    for orientation in range(1, 9):
        add(f"tiff/orientation-{orientation}", tiff(rgb, 8, 2, orientation=orientation))

    def saved(image, **options):
        file = io.BytesIO()
        image.save(file, "TIFF", **options)
        return file.getvalue()

    picture = photo("tiff", 37, 45)
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        add(f"tiff/{compression}", saved(picture, compression=compression))
    add("tiff/group4", saved(picture.convert("1"), compression="group4"))
    add("tiff/group3", saved(picture.convert("1"), compression="group3"))
    add("tiff/lzw-palette", saved(picture.quantize(40), compression="tiff_lzw"))
    add("tiff/lzw-grey-16", saved(Image.fromarray(random_of("g16").integers(0, 700, (HEIGHT, WIDTH)).astype(np.uint16)), compression="tiff_lzw"))
    add("tiff/deflate-rgba", saved(Image.merge("RGBA", (*picture.split(), picture.split()[0])), compression="tiff_adobe_deflate"))
    add("tiff/lzw-cmyk", saved(picture.convert("CMYK"), compression="tiff_lzw"))
    good = saved(picture, compression="tiff_lzw")
    add("tiff/cut", good[: len(good) // 2])
    raw = tiff(rgb, 8, 2)
    add("tiff/strip-beyond-end", raw[:4] + struct.pack("<I", 8) + raw[struct.unpack("<I", raw[4:8])[0] :])


# ------------------------------------------------------------------------------------------------------------- resize
def resize_cases(add_resized):
    """Bicubic resizing of an image with hard edges, where sums overshoot 0 and 255."""
    image = photo("resize", 61, 47)
    ImageDraw.Draw(image).rectangle((10, 12, 30, 40), fill=(255, 0, 255))
    ImageDraw.Draw(image).rectangle((20, 5, 24, 55), fill=(0, 255, 0))
    for mode in ("RGB", "L"):
        source = image.convert(mode)
        for height, width in [(61, 47), (30, 23), (7, 5), (1, 1), (122, 94), (61, 20), (25, 47), (200, 3), (3, 200), (64, 48)]:
            add_resized(source, (height, width))
    narrow = photo("narrow", 150, 52)
    add_resized(narrow, (50, 40))
    add_resized(photo("one", 1, 1), (5, 4))


class Cases:
    def __init__(self):
        self.list, self.data = [], b""

    def place(self, data):
        self.data += data
        return len(self.data) - len(data)

    def add(self, name, file):
        case = {"name": name, "file_at": self.place(file), "file_bytes": len(file)}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pixels = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
            case |= {"shape": list(pixels.shape), "pixels_at": self.place(pixels.tobytes())}
        except Exception as error:  # whatever Pillow raises of a file that it refuses
            case["refused"] = type(error).__name__
        self.list.append(case)

    def add_resized(self, source, size):
        given = np.asarray(source)
        result = np.asarray(source.resize(size[::-1], Image.Resampling.BICUBIC))
        channels = 1 if given.ndim == 2 else 3
        self.list.append({"name": "resize", "from": [*given.shape[:2], channels], "from_at": self.place(given.tobytes()),
                          "shape": [*result.shape[:2], channels], "pixels_at": self.place(result.tobytes())})

    def write(self, folder):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "cases.json"), "w") as file:
            file.write("[\n" + ",\n".join(json.dumps(case) for case in self.list) + "\n]\n")
        with open(os.path.join(folder, "cases.bin.gz"), "wb") as file:
            file.write(gzip.compress(self.data, 9, mtime=0))


def main():
    cases = Cases()
    for make in (png_cases, bmp_cases, gif_cases, pnm_cases, webp_cases, tiff_cases):
        make(cases.add)
    resize_cases(cases.add_resized)
    cases.write(sys.argv[1])


if __name__ == "__main__":
    main()
