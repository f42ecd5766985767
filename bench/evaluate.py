"""The work of `segevery evaluate --results` by pycocotools: reads both files and counts recall without regard to categories; JSON on stdin and stdout."""

import contextlib
import json
import sys
import time

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

question = json.load(sys.stdin)
seconds = {}


def timed(name, body):
    begin = time.perf_counter()
    value = body()
    seconds[name] = seconds.get(name, 0) + time.perf_counter() - begin
    return value


def count(truth, found, kind):
    evaluation = COCOeval(truth, found, kind)
    evaluation.params.useCats = 0
    evaluation.params.maxDets = question["limits"]
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation.eval["recall"][:, 0]


with contextlib.redirect_stdout(sys.stderr):
    truth = timed("read", lambda: COCO(question["annotations"]))
    found = timed("read", lambda: truth.loadRes(question["results"]))
    masks = timed("masks", lambda: count(truth, found, "segm"))
    boxes = timed("boxes", lambda: count(truth, found, "bbox")) if question["boxes"] else None
json.dump({"seconds": seconds, "masks": masks.tolist(), "boxes": None if boxes is None else boxes.tolist()}, sys.stdout)
