"""Answers test/evaluate/libraries.test.ts: recall by pycocotools and lvis-api without regard to categories; JSON on stdin, JSON on stdout."""

import contextlib
import copy
import json
import logging
import sys
import types

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

# lvis 0.5.3 was written for older numpy, and draws pictures with libraries that recall does not need.
np.float = float
for name in ("cv2", "matplotlib", "matplotlib.pyplot", "matplotlib.patches"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["matplotlib"].pyplot = sys.modules["matplotlib.pyplot"]
sys.modules["matplotlib.patches"].Polygon = object
from lvis import LVIS, LVISEval, LVISResults  # noqa: E402

logging.disable(logging.CRITICAL)


def by_coco(truth, results, limits, iou_type):
    """[threshold][range][limit]"""
    annotations = COCO()
    annotations.dataset = copy.deepcopy(truth)
    annotations.createIndex()
    evaluation = COCOeval(annotations, annotations.loadRes(copy.deepcopy(results)), iou_type)
    evaluation.params.useCats = 0
    evaluation.params.maxDets = limits
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation.eval["recall"][:, 0].tolist()


def by_lvis(truth, results, limits, iou_type):
    """[threshold][range][limit]; one run for each limit, since it cuts the results when it reads them."""
    ground = LVIS.__new__(LVIS)
    ground.logger = logging.getLogger("lvis")
    ground.dataset = copy.deepcopy(truth)
    ground._create_index()
    recalls = []
    for limit in limits:
        found = LVISResults(ground, copy.deepcopy(results), max_dets=limit)
        evaluation = LVISEval(copy.deepcopy(ground), found, iou_type)
        # With categories off it looks for objects of category -1 and finds none; with one category for all it comes to the same.
        evaluation.evaluate()
        evaluation.accumulate()
        recalls.append(evaluation.eval["recall"][:, 0])
    return np.stack(recalls, axis=-1).tolist()


LIBRARIES = {"coco": by_coco, "lvis": by_lvis}

with contextlib.redirect_stdout(sys.stderr):
    answers = [
        {
            kind: LIBRARIES[question["library"]](question["truth"], question["results"], question["limits"], kind)
            for kind in ("segm", "bbox")
        }
        for question in json.load(sys.stdin)
    ]
json.dump(answers, sys.stdout)
