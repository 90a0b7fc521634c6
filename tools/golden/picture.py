#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small pictures of every kind that lk_picture_read must take, made by Pillow, as a C header.

    python tools/golden/picture.py > tests/data/golden_picture.h

Each shows the same 6x4 pixels: left half (200, 40, 90), right half (30, 160, 220), first row white,
so that a turn, a flip or an exchange of channels shows. `tolerance` is what lossy coding may move.
Also: one row of 8-bit numbers, resized by Pillow's LANCZOS to longer and shorter rows.
"""
import io
import sys

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

W, H = 6, 4
BASE = np.zeros((H, W, 3), np.uint8)
BASE[:, :W // 2] = 200, 40, 90
BASE[:, W // 2:] = 30, 160, 220
BASE[0] = 255


def big(a):
    return np.repeat(np.repeat(a, 16, 0), 16, 1)  # for lossy formats: 96x64, blocks of one colour


def save(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation):
    e = Image.Exif()
    e[0x112] = orientation
    return e.tobytes()


def rgb(a):
    return Image.fromarray(a, "RGB")


def grey_alpha(depth):
    """A PNG of grey 100, alpha half, by hand: Pillow cannot write 16-bit grey with alpha."""
    import struct
    import zlib
    sample = struct.pack(">HH", 100 * 257, 128 * 257) if depth == 16 else bytes((100, 128))
    rows = b"".join(b"\0" + sample * W for _ in range(H))

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, depth, 4, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def rgb16():
    import struct
    import zlib
    rows = b"".join(b"\0" + struct.pack(">%dH" % (W * 3), *(int(v) * 257 for v in BASE[y].ravel())) for y in range(H))

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, 16, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def turned(orientation):
    """The stored pixels that EXIF `orientation` turns into BASE."""
    undo = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270}
    return rgb(BASE).transpose(undo[orientation])


def animated():
    frames = [rgb(BASE).quantize(8), rgb(255 - BASE).quantize(8)]
    return save(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)


def fixtures():
    half = np.dstack([BASE, np.full((H, W), 128, np.uint8)])
    cmyk = Image.merge("CMYK", [Image.new("L", (16, 16), v) for v in (0, 255, 255, 0)])
    grey = Image.fromarray(np.full((H, W), 100, np.uint8))
    yield "rgb_png", save(rgb(BASE), "PNG"), "base", 1, 0
    yield "palette_png", save(rgb(BASE).quantize(8), "PNG"), "base", 1, 0
    yield "rgb16_png", rgb16(), "base", 1, 0
    yield "rgba_png", save(Image.fromarray(half, "RGBA"), "PNG"), "half", 1, 1
    yield "grey_png", save(grey, "PNG"), "grey", 1, 0
    yield "grey16_png", save(Image.fromarray(np.full((H, W), 100 * 257, np.uint16)), "PNG"), "grey", 1, 1
    yield "grey_alpha_png", grey_alpha(8), "grey_half", 1, 1
    yield "grey_alpha16_png", grey_alpha(16), "grey_half", 1, 1
    yield "one_bit_png", save(Image.new("1", (W, H), 1), "PNG"), "white", 1, 0
    yield "srgb_profile_png", save(
        rgb(BASE), "PNG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()), "base", 1, 0
    yield "broken_profile_png", save(rgb(BASE), "PNG", icc_profile=b"no profile at all" * 9), "base", 1, 0
    for o in range(2, 9):
        yield f"turned{o}_png", save(turned(o), "PNG", exif=exif(o)), "base", 1, 0
    yield "jpeg", save(rgb(big(BASE)), "JPEG", quality=95, subsampling=0), "base", 16, 3
    yield "progressive_jpeg", save(rgb(big(BASE)), "JPEG", quality=95, subsampling=0, progressive=True), "base", 16, 3
    yield "grey_jpeg", save(Image.new("L", (W, H), 100), "JPEG", quality=95), "grey", 1, 1
    yield "cmyk_jpeg", save(cmyk, "JPEG", quality=95), "red", 0, 40
    yield "webp", save(rgb(BASE), "WEBP", lossless=True), "base", 1, 0
    yield "rgba_webp", save(Image.fromarray(half, "RGBA"), "WEBP", lossless=True, exact=True), "half", 1, 1
    yield "tiff", save(rgb(BASE), "TIFF"), "base", 1, 0
    yield "lzw_tiff", save(rgb(BASE), "TIFF", compression="tiff_lzw"), "base", 1, 0
    yield "animated_gif", animated(), "base", 1, 0


def texts():
    """Files with texts as the WebUI writes them (PIL text chunk; piexif's big-endian UNICODE comment)."""
    import struct
    text = "a face, Zoë 脸\nSteps: 20, Seed: 7"
    info = PngImagePlugin.PngInfo()
    info.add_itxt("parameters", text)
    yield "webui_png", save(rgb(BASE[:1, :1]), "PNG", pnginfo=info)
    latin = PngImagePlugin.PngInfo()
    latin.add_text("parameters", "a face, Zoë")
    yield "latin_png", save(rgb(BASE[:1, :1]), "PNG", pnginfo=latin)
    comment = b"UNICODE\0" + text.encode("utf-16-be")
    block = (b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">HHHII", 1, 0x8769, 4, 1, 26) + b"\0\0\0\0" +
             struct.pack(">HHHII", 1, 0x9286, 7, len(comment), 44) + b"\0\0\0\0" + comment)
    yield "webui_jpeg", save(Image.new("RGB", (1, 1)), "JPEG", exif=block)
    yield "webui_webp", save(Image.new("RGB", (1, 1)), "WEBP", exif=block)


def array(name, data):
    print(f"static const uint8_t {name}[] = {{")
    for i in range(0, len(data), 24):
        print("    " + ",".join(str(b) for b in data[i:i + 24]) + ",")
    print("};\n")


def resize():
    row = np.random.default_rng(5).integers(0, 256, 12, np.uint8)
    array("resize_in", row)
    image = Image.fromarray(np.repeat(row[None, :, None], 3, 2))
    for n in (5, 12, 31):
        array(f"resize_{n}", np.asarray(image.resize((n, 1), Image.Resampling.LANCZOS))[0, :, 0])


def main():
    print("// SPDX-License-Identifier: Apache-2.0\n/* Made by tools/golden/picture.py (Pillow"
          f" {Image.__version__}); do not edit. */\n// clang-format off\n#include <stdint.h>\n")
    rows = []
    for name, data, shows, block, tolerance in fixtures():
        array(name, data)
        rows.append(f'    {{"{name}", {name}, sizeof {name}, SHOWS_{shows.upper()}, {block}, {tolerance}}},')
    print("enum shows { SHOWS_BASE, SHOWS_HALF, SHOWS_GREY, SHOWS_GREY_HALF, SHOWS_WHITE, SHOWS_RED };")
    print("static const struct fixture {\n    const char *name;\n    const uint8_t *bytes;\n    size_t size;\n"
          "    enum shows shows;\n    int block; /* side of one pixel of the pattern */\n    int tolerance;\n} fixtures[] = {")
    print("\n".join(rows) + "\n};\n")
    for name, data in texts():
        array(name, data)
    resize()


if __name__ == "__main__":
    sys.exit(main())
