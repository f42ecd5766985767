"""Batches: what a step sees, drawn a few steps ahead, and its colours."""

import argparse
import multiprocessing
import queue
import random
import threading
from typing import NamedTuple

import numpy as np
import torch

import data


def tensor(*arrays: np.ndarray) -> torch.Tensor:
    """The arrays, one after another, on the device that computes."""
    joined = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    return torch.from_numpy(joined).to(torch.get_default_device())


class Phase(NamedTuple):
    """A part of the schedule: frames of `side` pixels, `images` of them a step with `masks` prompts each, for `share` of the time."""

    side: int
    images: int
    masks: int
    share: float

    @staticmethod
    def parse(text: str) -> "Phase":
        shape, _, share = text.partition(":")
        side, images, masks = (int(v) for v in shape.split("x"))
        if side % 32:
            raise argparse.ArgumentTypeError(f"{text}: the side must be a multiple of 32, the trunk's coarsest stride")
        return Phase(side, images, masks, float(share or 1))


class Loader:
    """Draws batches a few ahead: in a thread, which is enough for a CPU's steps, or in processes, for a GPU's."""

    def __init__(self, pack: data.Pack, phase: Phase, seed: int, processes: int = 0):
        kind = multiprocessing.get_context("fork") if processes else threading
        self.batches = kind.Queue(2 * processes) if processes else queue.Queue(4)
        self.closed = kind.Event()
        start = kind.Process if processes else threading.Thread
        for i in range(max(1, processes)):
            start(target=self._work, args=(pack, phase, random.Random(seed * 1009 + i)), daemon=True).start()

    def _work(self, pack: data.Pack, phase: Phase, rng: random.Random):
        if not isinstance(self.batches, queue.Queue):
            self.batches.cancel_join_thread()  # a process that ends with batches nobody took would wait for a reader
        while not self.closed.is_set():
            batch = [data.draw(pack, phase.side, phase.masks, rng) for _ in range(phase.images)]
            while not self.closed.is_set():
                try:
                    self.batches.put(batch, timeout=1)
                    break
                except queue.Full:
                    pass

    def close(self):
        self.closed.set()


def colour(pixels: torch.Tensor) -> torch.Tensor:
    """Jitters brightness, contrast, saturation and tint of [B, 3, S, S] in 0..255."""
    b = len(pixels)

    def around_one(spread, channels=1):
        return 1 + (torch.rand(b, channels, 1, 1) * 2 - 1) * spread

    grey = pixels.mean(1, keepdim=True)
    saturation = around_one(0.5)
    saturation[torch.rand(b) < 0.05] = 0
    pixels = grey + (pixels - grey) * saturation
    pixels = (pixels - 127) * around_one(0.35) + 127 * around_one(0.3)
    return (pixels * around_one(0.06, 3)).clamp(0, 255)
