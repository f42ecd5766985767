"""Answers test/formats/pycocotools.test.ts: JSON on stdin, JSON on stdout, computed by pycocotools and Pillow alone."""

import base64
import contextlib
import io
import json
import sys

import numpy as np
from PIL import Image
from pycocotools import mask as coco
from pycocotools.coco import COCO


def text(rle):
    return {"size": list(map(int, rle["size"])), "counts": rle["counts"].decode("ascii")}


def from_masks(question):
    height, width = question["size"]
    masks = [np.array(list(bits), dtype=np.uint8).reshape(height, width) for bits in question["masks"]]
    rles = [coco.encode(np.asfortranarray(mask)) for mask in masks]
    ours = [{"size": [height, width], "counts": counts} for counts in question["counts"]]
    crowd = question["crowd"]
    return {
        "counts": [text(rle)["counts"] for rle in rles],
        "decoded": ["".join(map(str, coco.decode(rle).reshape(-1))) for rle in ours],
        "area": coco.area(rles).tolist(),
        "bbox": coco.toBbox(rles).tolist(),
        "iou": coco.iou(rles, rles, [0] * len(rles)).tolist(),
        "iou_crowd": coco.iou(rles, rles, crowd).tolist(),
        "union": text(coco.merge(rles, intersect=False))["counts"],
        "intersection": text(coco.merge(rles, intersect=True))["counts"],
    }


def from_polygons(question):
    height, width = question["size"]
    objects = [coco.frPyObjects(polygons, height, width) for polygons in question["polygons"]]
    return {
        "parts": [[text(rle)["counts"] for rle in rles] for rles in objects],
        "united": [text(coco.merge(rles))["counts"] for rles in objects],
    }


def from_annotations(question):
    # createIndex prints to stdout, where the answer goes.
    with contextlib.redirect_stdout(sys.stderr):
        annotations = COCO()
        annotations.dataset = question["document"]
        annotations.createIndex()
    objects = annotations.loadAnns(annotations.getAnnIds())
    return {"masks": ["".join(map(str, annotations.annToMask(one).reshape(-1))) for one in objects]}


def from_png(question):
    image = Image.open(io.BytesIO(base64.b64decode(question["png"])))
    image.load()
    return {"mode": image.mode, "size": list(image.size), "pixels": np.asarray(image).reshape(-1).tolist()}


ANSWERS = {"masks": from_masks, "polygons": from_polygons, "annotations": from_annotations, "png": from_png}
questions = json.load(sys.stdin)
json.dump([ANSWERS[question["ask"]](question) for question in questions], sys.stdout)
