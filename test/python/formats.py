"""Answers test/cli/formats.test.ts: reads a folder of the command's files with pycocotools, Pillow, shapely, numpy and an XML parser alone."""

import contextlib
import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import shapely
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from shapely.geometry import MultiPolygon, Polygon, shape


def text(mask):
    """A mask as rows of 0 and 1 without separators."""
    return "".join(map(str, np.asarray(mask).astype(int).reshape(-1)))


def fill(geometry, width, height):
    """Pixels whose centres lie in a geometry."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return text(shapely.contains_xy(geometry, x, y))


def fill_line(points, width, height):
    """Pixels inside of one closed line that touches itself, which shapely refuses: a ray to the right crosses it an odd number of times."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    inside = np.zeros((height, width), dtype=bool)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0)):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return text(inside)


def read_json(path):
    masks = json.loads(path.read_text())["masks"]
    rles = [one["segmentation"] for one in masks]
    return {
        "masks": [text(coco_mask.decode(rle)) for rle in rles],
        "areas": [int(coco_mask.area(rle)) for rle in rles],
    }


def read_coco(path):
    # COCO() prints to stdout, where the answer goes.
    with contextlib.redirect_stdout(sys.stderr):
        annotations = COCO(str(path))
    files = {image: annotations.loadImgs(image)[0]["file_name"] for image in annotations.getImgIds()}
    ids = annotations.getAnnIds()
    return {
        "ids": ids,
        "files": [files[one["image_id"]] for one in annotations.loadAnns(ids)],
        "masks": [text(annotations.annToMask(one)) for one in annotations.loadAnns(ids)],
        "categories": [one["name"] for one in annotations.loadCats(annotations.getCatIds())],
    }


def read_polygons(path):
    document = json.loads(path.read_text())
    width, height = document["image"]["width"], document["image"]["height"]
    objects = [
        MultiPolygon([Polygon(part["outer"], part["holes"]) for part in one["polygons"]]) for one in document["masks"]
    ]
    return {
        "masks": [fill(one, width, height) for one in objects],
        "valid": [one.is_valid for one in objects],
        "areas": [one.area for one in objects],
        "parts": [len(one.geoms) for one in objects],
        "holes": [sum(len(part.interiors) for part in one.geoms) for one in objects],
    }


def read_geojson(path, width, height):
    document = json.loads(path.read_text())
    objects = [shape(feature["geometry"]) for feature in document["features"]]
    return {
        "masks": [fill(one, width, height) for one in objects],
        "valid": [one.is_valid for one in objects],
        "properties": [feature["properties"] for feature in document["features"]],
    }


def read_svg(path, width, height):
    root = ElementTree.parse(path).getroot()
    space = "{http://www.w3.org/2000/svg}"
    group = root.find(f"{space}g")
    masks = []
    for element in group.findall(f"{space}path"):
        rings = []
        for ring in element.get("d").split("Z")[:-1]:
            x = y = 0
            points = []
            for command, a, b in re.findall(r"([MHV])(-?\d+)(?: (-?\d+))?", ring):
                if command == "M":
                    x, y = int(a), int(b)
                elif command == "H":
                    x = int(a)
                else:
                    y = int(a)
                points.append((x, y))
            rings.append(Polygon(points))
        union = Polygon()
        for ring in rings:
            union = union.symmetric_difference(ring)
        masks.append(fill(union, width, height))
    return {
        "size": [root.get("width"), root.get("height"), root.get("viewBox")],
        "rule": group.get("fill-rule"),
        "masks": masks,
        "areas": [element.get("data-area") for element in group],
    }


def read_png(path):
    image = Image.open(path)
    image.load()
    return {"mode": image.mode, "size": list(image.size), "pixels": np.asarray(image).reshape(-1).tolist()}


def read_yolo(path, width, height):
    lines = [line.split(" ") for line in path.read_text().splitlines()]
    points = [np.array(line[1:], dtype=float).reshape(-1, 2) * [width, height] for line in lines]
    return {"classes": [line[0] for line in lines], "masks": [fill_line(one, width, height) for one in points]}


def read_label_studio(path, width, height):
    tasks = json.loads(path.read_text())
    results = [result for task in tasks for result in task["predictions"][0]["result"]]
    return {
        "images": [task["data"]["image"] for task in tasks],
        "sizes": [[one["original_width"], one["original_height"]] for one in results],
        "labels": [one["value"]["polygonlabels"] for one in results],
        "masks": [fill_line(np.array(one["value"]["points"]) / 100 * [width, height], width, height) for one in results],
    }


def read(question):
    stem, width, height = question["stem"], question["width"], question["height"]
    sized = {
        ".geojson": read_geojson,
        ".svg": read_svg,
        ".txt": read_yolo,
        ".label-studio.json": read_label_studio,
    }
    plain = {
        ".json": read_json,
        ".coco.json": read_coco,
        ".polygons.json": read_polygons,
        ".png": read_png,
        ".labels.png": read_png,
    }
    answer = {ending: reader(Path(stem + ending), width, height) for ending, reader in sized.items()}
    answer |= {ending: reader(Path(stem + ending)) for ending, reader in plain.items()}
    answer[".masks"] = {path.name: read_png(path) for path in sorted(Path(stem + ".masks").iterdir())}
    return answer


question = json.load(sys.stdin)
answers = [read(one) for one in question["photos"]]
merged = {name: read_coco(Path(name)) for name in question["coco"]}
tasks = {name: json.loads(Path(name).read_text()) for name in question["tasks"]}
json.dump({"photos": answers, "coco": merged, "tasks": tasks}, sys.stdout)
