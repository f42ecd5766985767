"""Class-agnostic object boxes on the default model's trunk: YOLOv8's neck and head, names and indices of YOLOv8 (`model.9` .. `model.22`).

It reads the trunk's maps at strides 8, 16 and 32, so one run of the trunk serves masks and boxes. Boxes are x0, y0, x1, y1 in pixels of the
input frame. Losses as YOLOv8's (Jocher et al. 2023): task-aligned assignment (Feng et al. 2021; top 10, alpha 0.5, beta 6), binary
cross-entropy on soft targets, CIoU, distribution focal loss; gains 0.5, 7.5 and 1.5.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from model import BATCH_NORM_EPS, Maps

STRIDES = (8, 16, 32)
REG_MAX = 16  # bins of a side's distance, in units of the stride


class Conv(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPS, momentum=0.03)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.silu(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.cv1, self.cv2 = Conv(width, width, 3), Conv(width, width, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cv2(self.cv1(x))


class C2f(nn.Module):
    def __init__(self, inputs: int, outputs: int, bottlenecks: int = 1):
        super().__init__()
        self.half = outputs // 2
        self.cv1, self.cv2 = Conv(inputs, outputs), Conv((2 + bottlenecks) * self.half, outputs)
        self.m = nn.ModuleList(Bottleneck(self.half) for _ in range(bottlenecks))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = list(self.cv1(x).split(self.half, 1))
        for bottleneck in self.m:
            parts.append(bottleneck(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class Head(nn.Module):
    """Per level: a box branch of 4 x REG_MAX distance logits and a class branch of one logit."""

    def __init__(self, widths: tuple[int, int, int]):
        super().__init__()
        box, score = max(16, widths[0] // 4, 4 * REG_MAX), widths[0]
        self.cv2 = nn.ModuleList(nn.Sequential(Conv(w, box, 3), Conv(box, box, 3), nn.Conv2d(box, 4 * REG_MAX, 1)) for w in widths)
        self.cv3 = nn.ModuleList(nn.Sequential(Conv(w, score, 3), Conv(score, score, 3), nn.Conv2d(score, 1, 1)) for w in widths)
        for regress, classify, stride in zip(self.cv2, self.cv3, STRIDES):
            nn.init.constant_(regress[-1].bias, 1.0)
            nn.init.constant_(classify[-1].bias, math.log(5 / (512 / stride) ** 2))  # about five objects a photo

    def forward(self, maps: list[torch.Tensor]) -> list[torch.Tensor]:
        return [torch.cat([a(x), b(x)], 1) for a, b, x in zip(self.cv2, self.cv3, maps)]


class Detector(nn.Module):
    """Maps at strides 8, 16, 32 -> one tensor [B, 4 REG_MAX + 1, h, w] per level."""

    def __init__(self, channels: tuple[int, int, int] = (40, 112, 320), widths: tuple[int, int, int] = (48, 64, 96)):
        super().__init__()
        self.nms = 0.7  # IoU of the suppression at inference
        fine, mid, coarse = widths
        self.model = nn.ModuleDict({
            "9": Conv(channels[2], coarse),  # where YOLOv8 has its spatial pyramid pooling
            "12": C2f(coarse + channels[1], mid),
            "15": C2f(mid + channels[0], fine),
            "16": Conv(fine, fine, 3, 2),
            "18": C2f(fine + mid, mid),
            "19": Conv(mid, mid, 3, 2),
            "21": C2f(mid + coarse, coarse),
            "22": Head(widths),
        })

    def forward(self, maps: Maps) -> list[torch.Tensor]:
        m = self.model

        def up(x):
            return F.interpolate(x, scale_factor=2)

        top = m["9"](maps[32])
        mid = m["12"](torch.cat([up(top), maps[16]], 1))
        low = m["15"](torch.cat([up(mid), maps[8]], 1))
        mid = m["18"](torch.cat([m["16"](low), mid], 1))
        return m["22"]([low, mid, m["21"](torch.cat([m["19"](mid), top], 1))])


# --------------------------------------------------------------------------------------------------------------------- decoding
def anchor_points(side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cell centres [A, 2] in pixels and their strides [A], level by level, row by row."""
    points, strides = [], []
    for stride in STRIDES:
        cells = side // stride
        centre = torch.arange(cells) + 0.5
        points.append(torch.stack([centre.repeat(cells), centre.repeat_interleave(cells)], 1) * stride)
        strides.append(torch.full((cells * cells,), float(stride)))
    return torch.cat(points), torch.cat(strides)


def decode(levels: list[torch.Tensor], points: torch.Tensor, strides: torch.Tensor):
    """Level tensors -> distance logits [B, A, 4, REG_MAX], boxes [B, A, 4], class logits [B, A]."""
    x = torch.cat([level.flatten(2) for level in levels], 2).transpose(1, 2).float()
    logits = x[..., : 4 * REG_MAX].reshape(x.shape[0], -1, 4, REG_MAX)
    distance = (logits.softmax(-1) * torch.arange(REG_MAX, dtype=torch.float32)).sum(-1) * strides[:, None]
    return logits, torch.cat([points - distance[..., :2], points + distance[..., 2:]], -1), x[..., -1]


def iou_matrix(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """IoU of every box of a [n, 4] with every box of b [m, 4]."""
    low, high = torch.maximum(a[:, None, :2], b[None, :, :2]), torch.minimum(a[:, None, 2:], b[None, :, 2:])
    both = (high - low).clamp(min=0).prod(-1)
    area_a, area_b = (a[:, 2:] - a[:, :2]).prod(-1), (b[:, 2:] - b[:, :2]).prod(-1)
    return both / (area_a[:, None] + area_b[None] - both).clamp(min=1e-6)


def suppress(boxes: torch.Tensor, scores: torch.Tensor, threshold: float, limit: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Greedy non-maximum suppression: the best `limit` boxes, none overlapping a better one by more than `threshold`."""
    order = scores.argsort(descending=True)[:2000]
    boxes, scores = boxes[order], scores[order]
    overlap = iou_matrix(boxes, boxes) > threshold
    alive, keep = torch.ones(len(order), dtype=torch.bool), []
    for i in range(len(order)):
        if alive[i]:
            keep.append(i)
            if len(keep) == limit:
                break
            alive &= ~overlap[i]
    return boxes[keep], scores[keep]


# ------------------------------------------------------------------------------------------------------------------------- loss
def complete_iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """CIoU (Zheng et al. 2020) of matched boxes [n, 4]."""
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    wh_a, wh_b = a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2]
    both = (high - low).clamp(min=0).prod(-1)
    iou = both / (wh_a.prod(-1) + wh_b.prod(-1) - both + 1e-7)
    diagonal = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).pow(2).sum(-1) + 1e-7
    offset = ((a[:, :2] + a[:, 2:] - b[:, :2] - b[:, 2:]) / 2).pow(2).sum(-1)
    slope_a, slope_b = (torch.atan(wh[:, 0] / wh[:, 1].clamp(min=1e-3)) for wh in (wh_a, wh_b))
    aspect = 4 / math.pi**2 * (slope_b - slope_a).pow(2)
    with torch.no_grad():
        alpha = aspect / (1 - iou + aspect + 1e-7)
    return iou - offset / diagonal - alpha * aspect


@torch.no_grad()
def assign(scores, boxes, objects, points, top: int = 10):
    """One image: the object of each anchor (-1: none) and its soft class target. scores [A], boxes [A, 4], objects [n, 4], points [A, 2]."""
    target, soft = torch.full((len(points),), -1), torch.zeros(len(points))
    if len(objects) == 0:
        return target, soft
    inside = ((points[None] - objects[:, None, :2]).amin(-1) > 0) & ((objects[:, None, 2:] - points[None]).amin(-1) > 0)
    iou = iou_matrix(objects, boxes).clamp(min=0)
    metric = scores[None].sqrt() * iou.pow(6) * inside
    chosen = torch.zeros_like(inside).scatter_(1, metric.topk(top, 1)[1], True) & inside
    contested = chosen.sum(0) > 1  # goes to the object it overlaps most
    owner = torch.where(inside, iou, torch.tensor(-1.0)).argmax(0)
    chosen[:, contested] = F.one_hot(owner[contested], len(objects)).T.bool()
    taken = chosen.any(0)
    target[taken] = chosen.float().argmax(0)[taken]
    metric = metric * chosen
    scale = (iou * chosen).amax(1, keepdim=True) / metric.amax(1, keepdim=True).clamp(min=1e-9)
    soft[taken] = (metric * scale).amax(0)[taken]
    return target, soft


def detection_loss(levels, objects: list[torch.Tensor], points, strides) -> tuple[torch.Tensor, float]:
    """Loss of a batch, and the mean CIoU of the assigned boxes. objects: one [n, 4] an image."""
    logits, boxes, scores = decode(levels, points, strides)
    pairs = [assign(s.sigmoid(), b, o, points) for s, b, o in zip(scores.detach(), boxes.detach(), objects)]
    target, soft = torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])
    total = soft.sum().clamp(min=1)
    class_loss = F.binary_cross_entropy_with_logits(scores, soft, reduction="sum") / total
    taken = target >= 0
    if not taken.any():
        return 0.5 * class_loss, 0.0
    truth = torch.cat([o[t[m]] for o, t, m in zip(objects, target, taken)])
    weight = soft[taken]
    box_loss = ((1 - complete_iou(boxes[taken], truth)) * weight).sum() / total
    point, stride = points.expand(len(target), -1, -1)[taken], strides.expand(len(target), -1)[taken]
    wanted = (torch.cat([point - truth[:, :2], truth[:, 2:] - point], 1) / stride[:, None]).clamp(0, REG_MAX - 1.01)
    low = wanted.long()
    part = wanted - low
    flat = logits[taken].reshape(-1, REG_MAX)

    def entropy(bins):
        return F.cross_entropy(flat, bins.reshape(-1), reduction="none").view(-1, 4)

    focal = (((1 - part) * entropy(low) + part * entropy(low + 1)).mean(1) * weight).sum() / total
    with torch.no_grad():
        overlap = complete_iou(boxes[taken], truth).mean().item()
    return 7.5 * box_loss + 0.5 * class_loss + 1.5 * focal, overlap
