"""Reads a training pack and draws augmented samples from it.

A pack is a folder `SPLIT/SOURCE/ID.jpg` (longest side at most 512) with label maps `ID_LAYER.png` of the same size: 0 is unlabelled or
background, 1.. one instance or region each; layers may overlap. `ID.json`, where there is one, has the boxes of all objects, more than are
labelled; `teacher/SOURCE/ID.npy` a larger model's embedding. `sources.py` builds one, `teacher.py` adds to it.
"""

import glob
import io
import json
import os
import random
import zlib
from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from scipy import ndimage

# Sources that label nearly every object of a photo: only these teach the detector, which would learn to miss what is unlabelled.
COMPLETE_SOURCES = {"coco", "coco128", "coco_boxes", "ccp", "facades"}
EMBEDDING_STEP = 1 / 160  # of the int8 of a larger model's embedding: MobileSAM's reach 0.7
HELD_OUT_ONE_IN = 12  # share of a pack's training images that `held_out` sets aside


def held_out(source: str, name: str) -> bool:
    """Whether an image of a pack that has no held-out split is kept from training, by a hash of its name."""
    return zlib.crc32(f"{source}/{name}".encode()) % HELD_OUT_ONE_IN == 0


@dataclass
class Item:
    source: str
    name: str
    jpeg: bytes
    layers: list[bytes]
    boxes: np.ndarray | None = field(default=None, repr=False)  # of all objects; those of all layers, made when first needed, unless the pack says more
    teacher: str | None = None  # the file of a larger model's embedding

    def image(self) -> Image.Image:
        return Image.open(io.BytesIO(self.jpeg)).convert("RGB")

    def labels(self, layer: int) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(self.layers[layer]))).astype(np.int32)

    def objects(self) -> np.ndarray:
        """x0, y0, x1, y1 and area of every region of every layer, [n, 5]; areas of boxes where the pack has all objects' boxes."""
        if self.boxes is None:
            rows = []
            for layer in range(len(self.layers)):
                labels = self.labels(layer)
                area = np.bincount(labels.ravel())
                for i, place in enumerate(ndimage.find_objects(labels), 1):
                    if place is not None:
                        rows.append((place[1].start, place[0].start, place[1].stop, place[0].stop, area[i]))
            self.boxes = np.array(rows, np.float32).reshape(-1, 5)
        return self.boxes


class Pack:
    """All images of a split, in memory.

    split "train" and "heldout" are the pack's folders of these names; a pack without the folder "heldout" is divided by `held_out`.
    weights: sampling weight of a source; it multiplies the root of its number of images. A source of weight 0 is left out.
    """

    def __init__(self, root: str, split: str, weights: dict[str, float] | None = None):
        divide = not os.path.isdir(os.path.join(root, "heldout"))
        folder = os.path.join(root, "train" if divide else split)
        self.items: dict[str, list[Item]] = {}
        for source in sorted(os.listdir(folder)):
            if (weights or {}).get(source, 1.0) <= 0:
                continue
            items = []
            for path in sorted(glob.glob(os.path.join(folder, source, "*.jpg"))):
                name = os.path.basename(path)[:-4]
                if divide and held_out(source, name) != (split == "heldout"):
                    continue
                layers = [_read(p) for p in sorted(glob.glob(glob.escape(path[:-4]) + "_*.png"))]
                if layers:
                    embedding = os.path.join(root, "teacher", source, name + ".npy")
                    items.append(Item(source, name, _read(path), layers, read_boxes(path[:-4] + ".json"), embedding if os.path.exists(embedding) else None))
            if items:
                self.items[source] = items
        self.names = sorted(self.items)
        share = np.array([(weights or {}).get(s, 1.0) * len(self.items[s]) ** 0.5 for s in self.names])
        self.cumulative = np.cumsum(share / share.sum())

    def pick(self, rng: random.Random) -> Item:
        source = self.names[min(int(np.searchsorted(self.cumulative, rng.random())), len(self.names) - 1)]
        return rng.choice(self.items[source])


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def read_boxes(path: str) -> np.ndarray | None:
    """All objects' boxes of a photo and their areas, [n, 5] as `Item.objects` has them, from its `ID.json`; None where there is none."""
    if not os.path.exists(path):
        return None
    with open(path) as file:
        boxes = np.array(json.load(file)["boxes"], np.float32).reshape(-1, 4)
    return np.concatenate([boxes, (boxes[:, 2:] - boxes[:, :2]).prod(1, keepdims=True)], 1)


def fitted(image: Image.Image, side: int) -> Image.Image:
    """The image with its longest side `side`, rounded and filtered as SAM does."""
    scale = side / max(image.size)
    size = tuple(int(v * scale + 0.5) for v in image.size)
    return image if size == image.size else image.resize(size, Image.BILINEAR)


@dataclass
class View:
    """A larger model's embedding of the whole photo, int8 [64, 64, C] of a frame whose longest side the photo fills, and where a sample lies in it."""

    embedding: np.ndarray
    corner: tuple[float, float]  # x, y of the sample's left upper corner, in shares of the embedding's side
    step: tuple[float, float]  # how far a pixel of the sample goes; the horizontal one is negative where the sample is mirrored
    zoom: float  # pixels of the sample for each pixel of the photo, as it is in the pack


@dataclass
class Sample:
    pixels: np.ndarray  # uint8 [S, S, 3], zero outside the image
    size: tuple[int, int]  # height, width of the image in it
    regions: np.ndarray  # int32 [S/4, S/4], the label map at stride 4
    masks: np.ndarray  # float32 [K, S/4, S/4], coverage 0..1
    boxes: np.ndarray  # float32 [K, 4], of the masks, last pixel included
    objects: np.ndarray | None  # float32 [n, 4], what the detector should find; None where labels are incomplete
    view: View | None = None


def _window(item: Item, width: int, height: int, rng: random.Random) -> tuple[float, float, float, float, float]:
    """The part of the photo that a sample shows (x0, y0, w, h), and how much of the frame it fills."""
    kind = rng.random()
    if kind < 0.45:  # the whole photo, as at inference
        return 0.0, 0.0, float(width), float(height), rng.uniform(0.6, 1.0) if rng.random() < 0.3 else 1.0
    if kind < 0.7:  # around one object, small ones first: they fail most
        objects = item.objects()
        weight = 1 / np.maximum(objects[:, 4], 100) ** 0.35
        x0, y0, x1, y1 = objects[rng.choices(range(len(objects)), weight)[0], :4]
        side = max(x1 - x0, y1 - y0) * rng.uniform(1.5, 5.0)
        w, h = min(width, max(96.0, side)), min(height, max(96.0, side))
        left = min(max((x0 + x1) / 2 + rng.uniform(-0.25, 0.25) * w - w / 2, 0), width - w)
        top = min(max((y0 + y1) / 2 + rng.uniform(-0.25, 0.25) * h - h / 2, 0), height - h)
        return left, top, w, h, 1.0
    area, aspect = rng.uniform(0.15, 0.9) ** 0.5, rng.uniform(0.75, 1.333) ** 0.5
    w, h = min(width, max(32, width * area * aspect)), min(height, max(32, height * area / aspect))
    if rng.random() < 0.5:
        w = h = min(max(w, h), width, height)
    return rng.uniform(0, width - w), rng.uniform(0, height - h), float(w), float(h), 1.0


def _visible_objects(item: Item, window, size: tuple[int, int]) -> np.ndarray:
    """The item's boxes in the sample: those that are big enough and mostly within it."""
    x0, y0, w, h, _ = window
    rows, cols = size
    boxes = (item.objects()[:, :4] - [x0, y0, x0, y0]) * [cols / w, rows / h, cols / w, rows / h]
    full = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    boxes[:, 0::2] = boxes[:, 0::2].clip(0, cols)
    boxes[:, 1::2] = boxes[:, 1::2].clip(0, rows)
    sides = boxes[:, 2:] - boxes[:, :2]
    area = sides.prod(1)
    return boxes[(sides.min(1) > 6) & (area > 0.4 * full) & (area < 0.98 * rows * cols)].astype(np.float32)


def draw(pack: Pack, side: int, count: int, rng: random.Random, smallest: int = 80) -> Sample:
    """One augmented sample with `count` masks of at least `smallest` pixels (repeated where there are fewer)."""
    for _ in range(20):
        item = pack.pick(rng)
        image, labels = item.image(), item.labels(rng.randrange(len(item.layers)))
        window = _window(item, *image.size, rng)
        x0, y0, ww, wh, fill = window
        scale = fill * side / max(ww, wh)
        w, h = (max(16, min(side, round(v * scale))) for v in (ww, wh))
        pixels = np.asarray(image.resize((w, h), Image.BILINEAR, box=(x0, y0, x0 + ww, y0 + wh), reducing_gap=2.0))
        cols = np.clip((x0 + (np.arange(w) + 0.5) * ww / w).astype(int), 0, image.width - 1)
        rows = np.clip((y0 + (np.arange(h) + 0.5) * wh / h).astype(int), 0, image.height - 1)
        labels = labels[rows][:, cols]
        objects = _visible_objects(item, window, (h, w)) if item.source in COMPLETE_SOURCES else None
        mirrored = rng.random() < 0.5
        if mirrored:
            pixels, labels = pixels[:, ::-1], labels[:, ::-1]
            if objects is not None:
                objects[:, [0, 2]] = w - objects[:, [2, 0]]
        area = np.bincount(labels.ravel())
        area[0] = 0
        ids = np.nonzero((area >= smallest) & (area < 0.9 * h * w))[0]
        if len(ids) == 0:
            continue
        ids = rng.sample(list(ids), count) if len(ids) >= count else list(ids) + rng.choices(list(ids), k=count - len(ids))
        full = np.zeros((side, side), np.int32)
        full[:h, :w] = labels
        places = ndimage.find_objects(full)
        boxes = np.array([[p[1].start, p[0].start, p[1].stop - 1, p[0].stop - 1] for p in (places[i - 1] for i in ids)], np.float32)
        q = side // 4
        masks = np.stack([(full == i).reshape(q, 4, q, 4).sum((1, 3), dtype=np.uint8).astype(np.float32) / 16 for i in ids])
        frame = np.zeros((side, side, 3), np.uint8)
        frame[:h, :w] = pixels
        view = None
        if item.teacher:
            whole = max(image.size)
            across = ww / w / whole
            view = View(np.load(item.teacher), ((x0 + ww) / whole if mirrored else x0 / whole, y0 / whole), (-across if mirrored else across, wh / h / whole),
                        w / ww)  # fmt: skip
        return Sample(frame, (h, w), full[2::4, 2::4].copy(), masks, boxes, objects, view)
    raise RuntimeError("twenty images in a row had no usable mask: is the pack complete?")
