"""The processes of one training run."""

import os
from datetime import timedelta

import torch
import torch.distributed as dist
import torch.nn as nn


class Workers:
    """The processes of one run, started by torchrun: each draws its own batches, and all make the same step from the mean gradient."""

    def __init__(self):
        self.rank, self.count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        if self.count > 1:
            dist.init_process_group("gloo", timeout=timedelta(hours=12))  # a paused run waits

    def mean_gradients(self, parameters: list[nn.Parameter]) -> None:
        """Every parameter's gradient becomes the mean over the workers; where one of them has none, it counts as zero."""
        if self.count == 1:
            return
        flat = torch.cat([torch.zeros(p.numel()) if p.grad is None else p.grad.flatten() for p in parameters])
        dist.all_reduce(flat)
        for p, grad in zip(parameters, (flat / self.count).split([p.numel() for p in parameters])):
            p.grad = torch.empty_like(p).copy_(grad.view_as(p))  # with the parameter's own strides

    def first_says(self, *values: float) -> list[float]:
        """The first worker's values, at all of them."""
        shared = torch.tensor(values, dtype=torch.float64)
        if self.count > 1:
            dist.broadcast(shared, 0)
        return shared.tolist()
