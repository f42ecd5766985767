"""Learning from a larger model: its embedding of a photo, as `teacher.py` stores it, at the cells that a sample shows."""

import numpy as np
import torch
import torch.nn.functional as F

import data
from batches import tensor

TEACHER_SCALE = 0.1  # the deviation of MobileSAM's embedding


def teacher_targets(batch: list[data.Sample], side: int) -> tuple[list[int], torch.Tensor, torch.Tensor] | None:
    """What a larger model has at the cells of stride 8: the samples that have it, its embedding [B, C, S/8, S/8] and weights [B, 1, S/8, S/8].

    A close view of a photo counts less: the larger model saw it from further away.
    """
    known = [i for i, s in enumerate(batch) if s.view is not None]
    if not known:
        return None
    views = [batch[i].view for i in known]
    centre = (torch.arange(side // 8) + 0.5) * 8
    x, y = (torch.tensor([[v.corner[axis], v.step[axis]] for v in views], dtype=torch.float32) for axis in (0, 1))
    at = [2 * (a[:, :1] + a[:, 1:] * centre) - 1 for a in (x, y)]
    grid = torch.stack(torch.broadcast_tensors(at[0][:, None, :], at[1][:, :, None]), -1)
    whole = tensor(np.stack([v.embedding for v in views])).permute(0, 3, 1, 2).float() * (data.EMBEDDING_STEP / TEACHER_SCALE)
    target = F.grid_sample(whole, grid, padding_mode="border", align_corners=False)
    size = torch.tensor([batch[i].size for i in known])
    inside = (centre < size[:, :1])[:, :, None] & (centre < size[:, 1:])[:, None, :]
    near = torch.tensor([min(1.0, 1.5 / v.zoom) ** 2 for v in views], dtype=torch.float32)
    return known, target, (inside * near[:, None, None])[:, None]
