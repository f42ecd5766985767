"""Held-out figures of the promptable model and the detector.

    python evaluate.py --weights FOLDER_OR_LAST_PT --pack PACK [--limit 40] [--max-masks 12] [--json FILE]

Masks, per source, mean IoU at the pack's own resolution: from the tight ground-truth box and from a jittered one (single mask), from one
point, the innermost pixel (single mask; best of three; the one of three that the predicted IoU prefers), and two answers that need no model
to compare with: the box itself and the ellipse in it. Boxes: average recall over IoU 0.5:0.05:0.95 with the best 10, 100 and 320 boxes
after NMS at the IoU that model.json says, recall at IoU 0.5 with 100 boxes, and, for the choice of a threshold, precision and recall by score. With
--everything, the same average recall of the masks decoded from those boxes. `npm run evaluate:default` prints the same of the engine.
"""

import argparse
import json
import os

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy import ndimage

import data
import detector as boxes_model
from checkpoint import load_weights
from model import NanoSam, load_config

HERE = os.path.dirname(os.path.abspath(__file__))
SMALLEST = 256  # pixels of a mask that is prompted
SMALLEST_OBJECT = 64  # pixels of an object whose recall counts
BUDGETS = (10, 100, 320)
THRESHOLDS = np.linspace(0.5, 0.95, 10)
ONE_LAYER = {"bsds500"}  # its layers are several people's answers for the same photo


def frame_of(model: NanoSam, image: Image.Image) -> tuple[torch.Tensor, tuple[int, int]]:
    """SAM's preprocessing: the longest side to S, padding right and bottom with zeros after normalisation."""
    resized = data.fitted(image, model.side)
    w, h = resized.size
    pixels = torch.from_numpy(np.asarray(resized).copy()).permute(2, 0, 1)[None]
    return model.normalise(F.pad(pixels, (0, model.side - w, 0, model.side - h)), [(h, w)]), (h, w)


def iou(a: torch.Tensor, b: torch.Tensor) -> np.ndarray:
    return ((a & b).sum((-1, -2)).float() / (a | b).sum((-1, -2)).clamp(min=1)).numpy()


def innermost(mask: np.ndarray) -> tuple[int, int]:
    distance = ndimage.distance_transform_cdt(np.pad(mask, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(distance.argmax(), distance.shape)
    return int(x), int(y)


def chosen_regions(labels: np.ndarray, limit: int) -> list[int]:
    """At most `limit` regions, evenly over the ranks by area; not the tiny ones, nor one that fills the image."""
    area = np.bincount(labels.ravel())
    area[0] = 0
    ids = [int(i) for i in np.argsort(-area) if SMALLEST <= area[i] < 0.95 * labels.size]
    return ids if len(ids) <= limit else [ids[int(j)] for j in np.linspace(0, len(ids) - 1, limit)]


def mask_rows(model: NanoSam, item: data.Item, layer: int, limit: int) -> dict[str, np.ndarray] | None:
    """The figures of each chosen region of one layer."""
    image, labels = item.image(), item.labels(layer)
    ids = chosen_regions(labels, limit)
    if not ids:
        return None
    n, scale = len(ids), model.side / max(image.size)
    x, (h, w) = frame_of(model, image)
    truth = torch.from_numpy(np.stack([labels == i for i in ids]))
    places = ndimage.find_objects(labels)
    tight = np.array([[p[1].start, p[0].start, p[1].stop - 1, p[0].stop - 1] for p in (places[i - 1] for i in ids)], np.float32)
    random = np.random.RandomState(int(np.bincount(labels.ravel())[1:].sum()) % 2**31)
    size = np.tile(tight[:, 2:] - tight[:, :2], 2)
    loose = tight + np.clip(random.randn(n, 4) * 0.05 * size, -20, 20)
    point = torch.tensor([innermost(m) for m in truth.numpy()], dtype=torch.float32) * scale
    corners = [torch.from_numpy(b).float().mul(scale).view(n, 2, 2) for b in (tight, loose)]
    coords = torch.cat([*corners, torch.stack([point, torch.zeros_like(point)], 1)])
    labels_in = torch.tensor([[2, 3]] * (2 * n) + [[1, -1]] * n)
    out = model.decode(model.image_encoder(x), torch.zeros(3 * n, dtype=torch.long), coords, labels_in)
    up = F.interpolate(out.logits, (model.side, model.side), mode="bilinear", align_corners=False)[..., :h, :w]
    if (w, h) != image.size:
        up = F.interpolate(up, (image.height, image.width), mode="bilinear", align_corners=False)
    found = up > 0
    yy, xx = torch.meshgrid(torch.arange(image.height), torch.arange(image.width), indexing="ij")
    b = torch.from_numpy(tight)[:, :, None, None]
    rectangle = (xx >= b[:, 0]) & (xx <= b[:, 2]) & (yy >= b[:, 1]) & (yy <= b[:, 3])
    half_w, half_h = (b[:, 2] - b[:, 0] + 1) / 2, (b[:, 3] - b[:, 1] + 1) / 2
    ellipse = ((xx - (b[:, 0] + b[:, 2]) / 2) / half_w) ** 2 + ((yy - (b[:, 1] + b[:, 3]) / 2) / half_h) ** 2 <= 1
    three = iou(found[2 * n :, 1:], truth[:, None])
    preferred = out.iou[2 * n :, 1:].argmax(1).numpy()
    return {
        "box": iou(found[:n, 0], truth),
        "box_jitter": iou(found[n : 2 * n, 0], truth),
        "point": iou(found[2 * n :, 0], truth),
        "point_best3": three.max(1),
        "point_pick3": three[np.arange(n), preferred],
        "iou_error": np.abs(out.iou[:n, 0].numpy() - iou(found[:n, 0], truth)),
        "the_box_itself": iou(rectangle, truth),
        "its_ellipse": iou(ellipse, truth),
    }


def spread(items: list, limit: int | None) -> list:
    return items if not limit or len(items) <= limit else items[:: len(items) // limit][:limit]


@torch.no_grad()
def evaluate_masks(model: NanoSam, pack: data.Pack, limit: int | None, max_masks: int) -> dict:
    result = {}
    for source, items in pack.items.items():
        rows = []
        for item in spread(items, limit):
            layers = 1 if source in ONE_LAYER else len(item.layers)
            rows += [mask_rows(model, item, layer, max(1, max_masks // layers)) for layer in range(layers)]
        rows = [r for r in rows if r]
        if rows:
            means = {key: round(float(np.concatenate([r[key] for r in rows]).mean()), 4) for key in rows[0]}
            result[source] = {"masks": sum(len(r["box"]) for r in rows), **means}
    return result


def detect(model: NanoSam, detector: boxes_model.Detector, image: Image.Image) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes in pixels of the photo, best first, and their scores."""
    x, (h, w) = frame_of(model, image)
    return place(detector(model.image_encoder.trunk(x)), model.side, (h, w), image, detector.nms)


def place(levels, side: int, size: tuple[int, int], image: Image.Image, nms: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The detector's output for a frame filled to `size` (height, width) as `detect` returns it."""
    h, w = size
    _, boxes, scores = boxes_model.decode(levels, *boxes_model.anchor_points(side))
    boxes = torch.minimum(boxes[0].clamp(min=0), torch.tensor([w, h, w, h]))
    boxes, scores = boxes_model.suppress(boxes, scores[0].sigmoid(), nms, max(BUDGETS))
    return boxes / torch.tensor([w, h, w, h]) * torch.tensor([image.width, image.height] * 2), scores


def matches(overlap: torch.Tensor, threshold: float) -> torch.Tensor:
    """overlap [n, m], boxes best first: which boxes are the first to find an object at the threshold [m]."""
    free, hit = torch.ones(overlap.shape[0], dtype=torch.bool), torch.zeros(overlap.shape[1], dtype=torch.bool)
    for j in range(overlap.shape[1]):
        value = torch.where(free, overlap[:, j], torch.tensor(-1.0))
        best = int(value.argmax())
        if value[best] >= threshold:
            free[best], hit[j] = False, True
    return hit


@torch.no_grad()
def evaluate_boxes(model: NanoSam, detector: boxes_model.Detector, pack: data.Pack, limit: int | None) -> dict:
    result = {}
    for source, items in pack.items.items():
        hits = {k: np.zeros(len(THRESHOLDS)) for k in BUDGETS}
        count, scored = 0, []
        for item in spread(items, limit):
            objects = data.Item(item.source, item.name, item.jpeg, item.layers[:1]).objects() if source in ONE_LAYER else item.objects()
            objects = torch.from_numpy(objects[objects[:, 4] >= SMALLEST_OBJECT][:, :4])
            if len(objects) == 0:
                continue
            boxes, scores = detect(model, detector, item.image())
            overlap = boxes_model.iou_matrix(objects, boxes)
            found = np.stack([matches(overlap, t).numpy() for t in THRESHOLDS])
            for k in BUDGETS:
                hits[k] += found[:, :k].sum(1)
            count += len(objects)
            scored.append(np.stack([scores.numpy(), found[0]], 1))
        if not count:
            continue
        pairs = np.concatenate(scored)
        by_score = {}
        for conf in (0.1, 0.15, 0.2, 0.25, 0.3, 0.4):
            above = pairs[pairs[:, 0] >= conf]
            by_score[str(conf)] = [round(float(above[:, 1].mean()), 3) if len(above) else None, round(float(above[:, 1].sum() / count), 3)]
        result[source] = {
            "objects": count, **{f"AR@{k}": round(float(v.mean() / count), 4) for k, v in hits.items()},
            "recall50@100": round(float(hits[100][0] / count), 4), "precision_recall50_by_score": by_score}  # fmt: skip
    return result


def truth_masks(item: data.Item) -> torch.Tensor:
    """The objects of a photo, of all layers that count [n, H, W]."""
    found = []
    for layer in range(1 if item.source in ONE_LAYER else len(item.layers)):
        labels = torch.from_numpy(item.labels(layer))
        found += [labels == int(i) for i in labels.unique() if i > 0 and (labels == i).sum() >= SMALLEST_OBJECT]
    return torch.stack(found) if found else torch.zeros(0, 1, 1, dtype=torch.bool)


def segment_everything(model: NanoSam, detector: boxes_model.Detector, image: Image.Image, batch: int = 32):
    """SegEvery: a mask for each of the detector's boxes, the best first; bool [32, H, W] at most at a time."""
    x, (h, w) = frame_of(model, image)
    encoded = model.image_encoder(x)
    boxes, _ = place(detector(encoded.maps), model.side, (h, w), image, detector.nms)
    for part in (boxes * (model.side / max(image.size))).split(batch):
        corners = torch.tensor([[2, 3]] * len(part))
        out = model.decode(encoded, torch.zeros(len(part), dtype=torch.long), part.view(-1, 2, 2), corners)
        up = F.interpolate(out.logits[:, :1], (model.side, model.side), mode="bilinear", align_corners=False)[..., :h, :w]
        if (w, h) != image.size:
            up = F.interpolate(up, (image.height, image.width), mode="bilinear", align_corners=False)
        yield up[:, 0] > 0


@torch.no_grad()
def evaluate_everything(model: NanoSam, detector: boxes_model.Detector, pack: data.Pack, limit: int | None) -> dict:
    """Average recall of SegEvery's masks, end to end."""
    result = {}
    for source, items in pack.items.items():
        hits, count = {k: 0.0 for k in BUDGETS}, 0
        for item in spread(items, limit):
            truth = truth_masks(item)
            if len(truth) == 0:
                continue
            flat = truth.flatten(1).float()
            columns = []
            for masks in segment_everything(model, detector, item.image()):
                other = masks.flatten(1).float()
                both = flat @ other.T
                columns.append(both / (flat.sum(1)[:, None] + other.sum(1) - both).clamp(min=1))
            overlap = torch.cat(columns, 1)
            found = np.stack([matches(overlap, t).numpy() for t in THRESHOLDS])
            for k in BUDGETS:
                hits[k] += found[:, :k].sum() / len(THRESHOLDS)
            count += len(truth)
        if count:
            result[source] = {"objects": count, **{f"AR@{k}": round(float(v / count), 4) for k, v in hits.items()}}
    return result


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--weights", required=True, help="a folder with model.json, or a last.pt (its averaged weights)")
    p.add_argument("--pack", required=True)
    p.add_argument("--config", default=os.path.join(HERE, "config.json"))
    p.add_argument("--limit", type=int, default=40, help="images a source")
    p.add_argument("--max-masks", type=int, default=12, help="masks an image")
    p.add_argument("--sources", nargs="*", help="only these")
    p.add_argument("--only", choices=["masks", "boxes", "everything"])
    p.add_argument("--everything", action="store_true", help="recall of SegEvery's masks too: 320 masks a photo")
    p.add_argument("--nms", type=float, help="IoU of the boxes' suppression; that of the folder's model.json (of the shipped one) unless given")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--json", help="also write the figures here")
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    config = load_config(args.config)
    model = NanoSam(config).to(memory_format=torch.channels_last).eval()
    detector = boxes_model.Detector().to(memory_format=torch.channels_last).eval()
    load_weights(model, detector, args.weights)
    with open(os.path.join(args.weights if os.path.isdir(args.weights) else os.path.join(HERE, ".."), "model.json")) as file:
        detector.nms = args.nms or json.load(file)["parts"]["detector"]["config"]["iou"]
    pack = data.Pack(args.pack, "heldout")
    pack.items = {s: i for s, i in pack.items.items() if not args.sources or s in args.sources}
    figures = {}
    if args.only in (None, "masks"):
        figures["masks"] = evaluate_masks(model, pack, args.limit, args.max_masks)
    if args.only in (None, "boxes"):
        figures["boxes"] = evaluate_boxes(model, detector, pack, args.limit)
    if args.everything or args.only == "everything":
        figures["everything"] = evaluate_everything(model, detector, pack, args.limit)
    for kind, table in figures.items():
        for source, row in table.items():
            print(kind, source, json.dumps(row), flush=True)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
