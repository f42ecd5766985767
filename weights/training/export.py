"""Writes the averaged weights of a training checkpoint as the shipped model folder.

    python export.py --checkpoint RUN/last.pt --out .. [--detector RUN2/last.pt] [--figures FIGURES.json]

--detector takes the detector of another run; both must have kept the trunk as it was (`--frozen-blocks 16`).

Three float16 safetensors files, upstream's key names, BatchNorm not folded; `num_batches_tracked`, which inference does not use, is left out.
model.json keeps what it says and gets the files' new sizes and checksums, the next version, and the figures that evaluate.py wrote.
"""

import argparse
import hashlib
import json
import os

import torch
from safetensors.torch import save_file

# Part -> prefixes of its keys in the whole model.
PARTS = {"encoder": ("image_encoder.",), "decoder": ("prompt_encoder.", "mask_decoder."), "detector": ("detector.",)}


def half(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    out = {}
    for key, value in state.items():
        if value.is_floating_point():
            if not torch.isfinite(value).all() or value.abs().max() > 65504:
                raise ValueError(f"{key} does not fit float16")
            out[key] = value.half().contiguous()
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--checkpoint", required=True)
    p.add_argument("--detector", help="a checkpoint whose detector to take")
    p.add_argument("--out", required=True, help="the folder with model.json")
    p.add_argument("--figures", help="JSON that evaluate.py wrote")
    args = p.parse_args()
    state = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    if args.detector:
        other = torch.load(args.detector, map_location="cpu", weights_only=True)
        for key, value in state["sam_average"].items():
            if key.startswith("image_encoder._") and not torch.equal(value, other["sam_average"][key]):
                raise ValueError(f"{args.detector} has another trunk than {args.checkpoint}: {key}")
        state["detector_average"] = other["detector_average"]
    tensors = half({**state["sam_average"], **{"detector." + k: v for k, v in state["detector_average"].items()}})
    path = os.path.join(args.out, "model.json")
    with open(path) as file:
        model = json.load(file)
    for name, prefixes in PARTS.items():
        part = model["parts"][name]
        target = os.path.join(args.out, part["file"])
        save_file({k: v for k, v in tensors.items() if k.startswith(prefixes)}, target)
        os.chmod(target, 0o644)  # the library makes it private
        with open(target, "rb") as file:
            content = file.read()
        part["sha256"], part["bytes"] = hashlib.sha256(content).hexdigest(), len(content)
        print(part["file"], part["bytes"], part["sha256"])
    model["version"] = str(int(model["version"]) + 1)
    if args.figures:
        with open(args.figures) as file:
            model["figures"].update(json.load(file))
    with open(path, "w") as file:
        json.dump(model, file, indent=2, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()
