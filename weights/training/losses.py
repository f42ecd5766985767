"""Losses of the promptable model: focal and dice for masks, squared error for the predicted IoU, and three auxiliary ones.

As in Segment Anything: of the three masks of an ambiguous prompt only the best is pulled towards the truth.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from model import Encoded, LayerNorm2d, upscaled, zeroed

TEACHER_WIDTH = 256  # of SAM's embedding
# Neighbours (down, across) in cells of stride 4 whose sameness the affinity loss asks for.
OFFSETS = [(0, 1), (1, 0), (0, 4), (4, 0), (4, 4), (4, -4), (0, 12), (12, 0)]


def mask_losses(logits: torch.Tensor, masks: torch.Tensor, focal_weight: float = 20.0, overlap_weight: float = 0.0):
    """Logits [N, M, q, q] against masks [N, q, q]: the loss (focal, dice and overlap_weight times soft IoU) and the true IoU, both [N, M]."""
    truth = masks[:, None]
    p = torch.sigmoid(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, truth.expand_as(logits), reduction="none")
    focal = (entropy * (p - truth) ** 2).mean((2, 3))
    both, of_p, of_truth = (p * truth).sum((2, 3)), p.sum((2, 3)), truth.sum((2, 3))
    dice = 1 - (2 * both + 1) / (of_p + of_truth + 1)
    overlap = 1 - (both + 1) / (of_p + of_truth - both + 1)
    with torch.no_grad():
        a, b = logits > 0, truth > 0.5
        iou = (a & b).sum((2, 3)).float() / (a | b).sum((2, 3)).float().clamp(min=1)
    return focal_weight * focal + dice + overlap_weight * overlap, iou


def prompt_loss(logits, iou_pred, masks, ambiguous) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss of N decoded prompts, and the true IoU [N, 4]. ambiguous [N]: single points, whose three masks count fully."""
    logits, iou_pred = logits.float(), iou_pred.float()
    loss, iou = mask_losses(logits, masks)
    three = loss[:, 1:].min(1)[0] + 0.05 * loss[:, 1:].mean(1)  # the small mean keeps the other two alive
    total = loss[:, 0].mean() + (torch.where(ambiguous, 1.0, 0.3) * three).mean()
    return total + F.mse_loss(iou_pred, iou), iou


class Auxiliary(nn.Module):
    """Heads that exist in training alone: affinities from the embedding and from the finest map, masks read from the image tokens after
    each layer, and a larger model's embedding from this one's and the map at stride 8."""

    def __init__(self, width: int, fine: dict[int, int], layers: int):
        super().__init__()
        self.head = nn.Conv2d(width, 16 * len(OFFSETS), 1)
        self.fine = nn.Conv2d(fine[4], len(OFFSETS), 1)
        # From zero: a first guess that is far off would drown what the other losses say.
        coarse, at8 = (zeroed(nn.Conv2d(inputs, TEACHER_WIDTH, 1)) for inputs in (width, fine[8]))
        self.teacher = nn.ModuleDict({"16": coarse, "8": nn.Sequential(LayerNorm2d(fine[8]), at8)})
        self.deep = nn.ModuleList([nn.Linear(width, 16) for _ in range(layers)])

    def affinity_loss(self, encoded: Encoded, regions: torch.Tensor) -> torch.Tensor:
        """Is a cell of stride 4 in the same region as its neighbour? regions [B, q, q], 0 where unlabelled. Both answers weigh the same."""
        coarse, fine = F.pixel_shuffle(self.head(encoded.embedding), 4), self.fine(encoded.fine[4])
        return 0.5 * (self._affinity(coarse.float(), regions) + self._affinity(fine.float(), regions))

    @staticmethod
    def _affinity(x: torch.Tensor, regions: torch.Tensor) -> torch.Tensor:
        q = regions.shape[-1]
        total = x.new_zeros(())
        for i, (down, across) in enumerate(OFFSETS):
            rows, rows_to = slice(0, q - down), slice(down, q)
            cols, cols_to = (slice(0, q - across), slice(across, q)) if across >= 0 else (slice(-across, q), slice(0, q + across))
            a, b = regions[:, rows, cols], regions[:, rows_to, cols_to]
            valid, same = ((a > 0) | (b > 0)).float(), (a == b).float()
            count_same = (valid * same).sum().clamp(min=1)
            count_other = (valid * (1 - same)).sum().clamp(min=1)
            weight = valid * (same * 0.5 / count_same + (1 - same) * 0.5 / count_other)
            total = total + (F.binary_cross_entropy_with_logits(x[:, i, rows, cols], same, reduction="none") * weight).sum()
        return total / len(OFFSETS)

    def teacher_loss(self, encoded: Encoded, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Squared error from a larger model's embedding (Zhang et al. 2023 train MobileSAM's encoder so). target [B, C, S/8, S/8], weight [B, 1, S/8, S/8]."""
        guess = upscaled(self.teacher["16"](encoded.embedding)) + self.teacher["8"](encoded.fine[8])
        return ((guess.float() - target).square().mean(1, keepdim=True) * weight).sum() / weight.sum().clamp(min=1)

    def deep_loss(self, inner: list[torch.Tensor], masks: torch.Tensor) -> torch.Tensor:
        """Masks from the image tokens [N, hw, C] after each layer, the last layer weighing most."""
        side = masks.shape[-1] // 4
        total = masks.new_zeros(())
        for weight, read, tokens in zip((0.4, 0.8), self.deep, inner):
            logits = F.pixel_shuffle(read(tokens).transpose(1, 2).reshape(len(tokens), 16, side, side), 4)
            total = total + weight * mask_losses(logits.float(), masks)[0].mean()
        return total
