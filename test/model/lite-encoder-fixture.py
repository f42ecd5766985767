"""Writes lite-encoder-fixture.json: what PyTorch computes, in double precision, with the default model's encoder and procedural weights.

Run with the recipe's environment: python lite-encoder-fixture.py > lite-encoder-fixture.json
The networks are weights/training/model.py's; the tensors are the golden cases' procedural ones, which src/self-test/procedural.ts makes too.
"""

import json
import math
import os
import sys

import numpy as np
import torch

RECIPE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../weights/training")
sys.path.insert(0, RECIPE)
from model import ImageEncoder, load_config  # noqa: E402

SEED, SIDE, VALUES, STEP = 3, 128, 24, 1021


def procedural(name, shape, offset, scale):
    hashed = 0x811C9DC5
    for byte in name.encode():
        hashed = (hashed ^ byte) * 0x01000193 & 0xFFFFFFFF
    base = hashed ^ (SEED * 0x9E3779B1 & 0xFFFFFFFF)
    x = np.arange(math.prod(shape), dtype=np.uint64) * 0x9E3779B9 + base
    x = x.astype(np.uint32)
    x = (x ^ (x >> 16)) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * np.uint32(0xC2B2AE35)
    x ^= x >> 16
    unit = (x >> 8).astype(np.float64) / 2**23 - 1
    return torch.from_numpy((offset + scale * unit).astype(np.float32).reshape(shape)).double()


def rule(key, shape):
    last = key.rsplit(".", 1)[-1]
    if last == "running_var":
        return 1, 0.25
    if len(shape) == 4:
        return 0, math.sqrt(6 / math.prod(shape[1:]))
    if last == "weight":
        return 1, 0.1
    return 0, 0.1


def main():
    config = load_config(os.path.join(RECIPE, "config.json"))
    encoder = config["image_encoder"]
    model = ImageEncoder(config["prompt_encoder"]["embed_dim"], 0, encoder["context"], encoder["refine"]).double().eval()
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    for key, value in state.items():
        value.copy_(procedural(f"image_encoder.{key}", value.shape, *rule(key, value.shape)))
    with torch.no_grad():
        encoded = model(procedural("image", (1, 3, SIDE, SIDE), 0, 2))
    maps = {"embedding": encoded.embedding, "fine8": encoded.fine[8], "fine4": encoded.fine[4], "F16": encoded.maps[16], "F32": encoded.maps[32]}
    expected = []
    for stage, value in maps.items():
        flat = value[0].permute(1, 2, 0).flatten()
        at = [i * STEP % flat.numel() for i in range(VALUES)]
        expected.append({
            "stage": stage, "std": round(float(flat.std()), 5), "step": STEP, "size": flat.numel(),
            "values": [float(f"{v:.7g}") for v in flat[at].tolist()]})  # fmt: skip
    json.dump({"side": SIDE, "seed": SEED, "expected": expected}, sys.stdout, indent=1)


main()
