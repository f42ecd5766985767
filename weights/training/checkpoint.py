"""Reads weights of the default model: the shipped folder of three safetensors files, or a checkpoint of train.py."""

import json
import os

import torch
from safetensors.torch import load_file


def load_weights(sam, detector, path: str, auxiliary=None, averaged: bool = True, grown: tuple[str, ...] = ()) -> None:
    """Fills the modules; every floating-point tensor they have must be there, and none that they have not.

    auxiliary: training heads, filled where the checkpoint has them (shipped folders do not). grown: prefixes of keys that may be missing and
    stay as they are initialised, for a model that has grown since.
    """
    filled = []
    if os.path.isdir(path):
        with open(os.path.join(path, "model.json")) as file:
            parts = json.load(file)["parts"]
        tensors = {}
        for part in parts.values():
            tensors.update(load_file(os.path.join(path, part["file"])))
        boxes = {k.removeprefix("detector."): v.float() for k, v in tensors.items() if k.startswith("detector.")}
        masks = {k: v.float() for k, v in tensors.items() if not k.startswith("detector.")}
    else:
        state = torch.load(path, map_location="cpu", weights_only=True)
        kind = "_average" if averaged else ""
        masks, boxes = state[f"sam{kind}"], state[f"detector{kind}"]
        if auxiliary is not None:
            filled.append((auxiliary, state["auxiliary"]))
    for module, state in [(sam, masks), (detector, boxes), *filled]:
        missing, unexpected = module.load_state_dict(state, strict=False)
        missing = [k for k in missing if not k.endswith("num_batches_tracked") and not k.startswith(grown)]
        if missing or unexpected:
            raise ValueError(f"{path}: missing {missing}, unexpected {unexpected}")
