# Python 3.11, NumPy 2.3.4, Pillow 12.0.0.
#
# Writes the files of other programs that the readers of package data are tested with:
#
#     python -m venv venv && venv/bin/pip install numpy==2.3.4 pillow==12.0.0
#     venv/bin/python own.py
#
# ../npy.json holds .npy files and what NumPy reads from them, ../pictures.json PNG and JPEG files and the pixels that Pillow
# reads. ../shapes, ../shapes.npz and ../shapes-*-ubyte* are the files of the examples.
import base64
import gzip
import io
import json
import os
import struct
import zlib

import numpy as np
from PIL import Image

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
rng = np.random.RandomState(11)


def text(raw):
    return base64.b64encode(raw).decode()


def npy(array, version):
    f = io.BytesIO()
    np.lib.format.write_array(f, array, version=version, allow_pickle=False)
    return f.getvalue()


def numbers(kind, shape):
    x = rng.normal(0, 50, shape)
    if kind == "b1":
        return x > 0
    if "u" in kind:
        x = np.abs(x)
    return x.astype(kind)


# Arrays of numbers: all types in both byte orders, all versions of the format, both orders of the axes, all ranks.
arrays = []
for kind in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]:
    for order in "<>":
        if order == "<" or int(kind[1]) > 1:
            arrays.append((numbers(order + kind if kind != "b1" else kind, (3, 4)), (1, 0)))
for version in [(1, 0), (2, 0), (3, 0)]:
    arrays.append((numbers("<f4", (5, 2)), version))
arrays.append((numbers("<f8", (7,)), (1, 0)))
arrays.append((numbers("<f8", (2, 3, 4)), (1, 0)))
arrays.append((np.asfortranarray(numbers("<f8", (3, 5))), (1, 0)))
arrays.append((np.asfortranarray(numbers(">i4", (2, 3, 4, 5))), (1, 0)))
arrays.append((np.array([[1.5, np.nan], [-0.0, 1e-310]]), (1, 0)))
arrays.append((np.array([[65504, 6e-8, 6.1e-5, np.nan]], "f2"), (1, 0)))
arrays.append((np.array([[-(2**53 - 1), 2**53 - 1]], ">i8"), (1, 0)))
rows = []
for x, version in arrays:
    values = x.astype("f8").reshape(-1)
    rows.append({"npy": text(npy(x, version)), "type": x.dtype.str, "shape": x.shape, "fortran": bool(x.flags.fnc),
                 "values": [None if np.isnan(v) else float(v) for v in values]})
labels = [
    {"npy": text(npy(np.array([2, 0, 255], "<i8"), (1, 0))), "labels": [2, 0, 255], "class": "255"},
    {"npy": text(npy(np.array([[1.0], [3.0], [0.0]], ">f8"), (1, 0))), "labels": [1, 3, 0], "class": "3"},
    {"npy": text(npy(np.array(["pear", "Äpfel", "fig"]), (1, 0))), "labels": [1, 2, 0], "class": "Äpfel"},
    {"npy": text(npy(np.array(["pear", "Äpfel", "fig"], ">U9"), (1, 0))), "labels": [1, 2, 0], "class": "Äpfel"},
    {"npy": text(npy(np.array([b"b", b"a", b"a"]), (1, 0))), "labels": [1, 0, 0], "class": "b"},
]
refused = {
    "texts, want numbers": npy(np.array([["a", "b"]]), (1, 0)),
    "is -Inf, want a finite number": npy(np.array([[1, -np.inf]]), (1, 0)),
    "less than 2⁵³": npy(np.array([2**53]), (1, 0)),
    "less than 2⁵³, ": npy(np.array([2**64 - 1], "u8"), (1, 0)),
    "several fields": npy(np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]), (1, 0)),
    'type "<c16"': npy(np.array([[1j]]), (1, 0)),
    "the shape []": npy(np.array(3.0), (1, 0)),
    "the shape [0, 3]": npy(np.zeros((0, 3)), (1, 0)),
    "the shape [3, 0]": npy(np.zeros((3, 0)), (1, 0)),
}
with open("npy.json", "w") as f:
    json.dump({"arrays": rows, "labels": labels, "refused": {k: text(v) for k, v in refused.items()}}, f, ensure_ascii=False)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, colour, rows, extra=b""):
    """A PNG file of raw rows, for the kinds that Pillow does not write."""
    body = b"".join(b"\0" + row for row in rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)) + extra
            + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b""))


W, H = 7, 5


def noise(*channels):
    return rng.randint(0, 256, (H, W) + channels, "u1")


def saved(image, kind, **options):
    f = io.BytesIO()
    image.save(f, kind, **options)
    return f.getvalue()


def seen(image, background):
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, background + (255,)), image).convert("RGB")


pictures = []
BACKGROUND = (200, 30, 90)


def picture(name, raw, grey, image=None, rgb=None):
    """What Pillow sees: pixels in colour over two backgrounds, and as grey where the picture has no colours."""
    if image is None and rgb is None:
        image = Image.open(io.BytesIO(raw))
    black = seen(image, (0, 0, 0)) if rgb is None else Image.fromarray(rgb)
    other = seen(image, BACKGROUND) if rgb is None else black
    pictures.append({
        "name": name, "file": text(raw), "grey": grey,
        "colour": text(black.tobytes()), "luma": text(black.convert("L").tobytes()), "blended": text(other.tobytes()),
        "small": text(black.convert("L").resize((3, 4), Image.Resampling.BILINEAR).tobytes()),
        "large": text(black.convert("L").resize((15, 11), Image.Resampling.BILINEAR).tobytes()),
    })


def smooth(*channels):
    """A picture that JPEG keeps well."""
    y, x = np.mgrid[0:H, 0:W]
    planes = [(40 + 20 * x + 8 * y + 9 * c) % 256 for c in range(max(1, *channels, 1))]
    return np.stack(planes, -1).astype("u1").reshape((H, W) + channels)


picture("grey.png", saved(Image.fromarray(noise()), "PNG"), True)
picture("colour.png", saved(Image.fromarray(noise(3)), "PNG"), False)
picture("alpha.png", saved(Image.fromarray(noise(4)), "PNG"), False)
picture("grey-alpha.png", saved(Image.fromarray(noise(2)), "PNG"), True)
palette = Image.fromarray((noise() % 5).astype("u1"), "P")
palette.putpalette([250, 10, 20, 0, 200, 0, 5, 5, 90, 255, 255, 255, 0, 0, 0])
picture("palette.png", saved(palette, "PNG"), False)
picture("palette-transparent.png", saved(palette, "PNG", transparency=1), False)
greys = Image.fromarray((noise() % 3).astype("u1"), "P")
greys.putpalette([10, 10, 10, 200, 200, 200, 90, 90, 90])
picture("palette-grey.png", saved(greys, "PNG"), True)
picture("bits.png", saved(Image.fromarray(noise()).convert("1"), "PNG"), True)
deep = rng.randint(0, 65536, (H, W), "u2")
eight = np.floor(deep / 257 + 0.5).astype("u1")
picture("deep.png", png(W, H, 16, 0, [row.astype(">u2").tobytes() for row in deep]), True, rgb=np.stack([eight] * 3, -1))
deep3 = rng.randint(0, 65536, (H, W, 3), "u2")
picture("deep-colour.png", png(W, H, 16, 2, [row.astype(">u2").tobytes() for row in deep3]), False,
        rgb=np.floor(deep3 / 257 + 0.5).astype("u1"))
picture("grey.jpg", saved(Image.fromarray(smooth()), "JPEG", quality=95), True)
picture("colour.JPEG", saved(Image.fromarray(smooth(3)), "JPEG", quality=95, subsampling=0), False)
with open("pictures.json", "w") as f:
    json.dump({"width": W, "height": H, "background": BACKGROUND, "pictures": pictures}, f)

# The files of the examples: three shapes in three colours, 8 pixels wide and 6 high.
COLOURS = [(230, 60, 40), (40, 180, 70), (60, 90, 230)]
y, x = np.mgrid[0:6, 0:8]
SHAPES = {"cross": (x == 3) | (y == 3), "frame": (x == 0) | (x == 7) | (y == 0) | (y == 5), "spot": (x - 3.5) ** 2 + (y - 2.5) ** 2 < 5}
images, classes = [], []
for k, (shape, ink) in enumerate(SHAPES.items()):
    os.makedirs(f"shapes/{shape}", exist_ok=True)
    for i, colour in enumerate(COLOURS):
        pixels = (ink[..., None] * np.array(colour)).astype("u1")
        Image.fromarray(pixels).save(f"shapes/{shape}/{i + 1}.png")
        images.append(ink.astype("u1") * (255 - 20 * i))
        classes.append(k)
images, classes = np.array(images, "u1"), np.array(classes)
np.savez_compressed("shapes.npz", x=images, y=np.array(list(SHAPES))[classes])
with gzip.GzipFile("shapes-images-idx3-ubyte.gz", "wb", mtime=0) as f:
    f.write(struct.pack(">BBBBIII", 0, 0, 8, 3, *images.shape) + images.tobytes())
with open("shapes-labels-idx1-ubyte", "wb") as f:
    f.write(struct.pack(">BBBBI", 0, 0, 8, 1, len(classes)) + classes.astype("u1").tobytes())
