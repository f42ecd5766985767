"""Fits one last layer alone, the MLP that reads the single mask, in minutes of one core.

    python heads.py gather --weights FOLDER_OR_LAST_PT --pack PACK --out FEATURES [--views 24] [--seed N]    # as often as there is time
    python heads.py fit --weights FOLDER_OR_LAST_PT --features FEATURES --out RUN/last.pt

`gather` runs the network on augmented views and stores, for each prompt, what the last layers read: the tokens and the upscaled map, in float16.
`fit` trains that MLP on all stored prompts and writes a checkpoint that evaluate.py and export.py take; the three masks of an ambiguous prompt
and the predicted IoU stay as they are, and the single mask of one point is held to what it was: fitted too, it was better on views of training photos
and worse on held-out ones. One view in eight is not fitted: its mean IoU says when to stop.
"""

import argparse
import copy
import glob
import json
import math
import os
import random
import time

import torch

import data
import prompts
from batches import colour
from checkpoint import load_weights
from detector import Detector
from losses import mask_losses
from model import NanoSam, load_config
from train import SOURCE_WEIGHTS, TOKEN_SHARES, TOKENS

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH = 32
HOLD = 10.0  # weight of a single point's logits staying what they were


def networks(args) -> tuple[NanoSam, Detector]:
    model, detector = NanoSam(load_config(args.config)).to(memory_format=torch.channels_last).eval(), Detector().eval()
    load_weights(model, detector, args.weights)
    return model, detector


@torch.no_grad()
def gather(args):
    model, _ = networks(args)
    pack = data.Pack(args.pack, "train", {**SOURCE_WEIGHTS, **json.loads(args.sources)})
    rng = random.Random(args.seed)
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    caught: dict[str, torch.Tensor] = {}
    model.mask_decoder.output_hypernetworks_mlps[0].register_forward_pre_hook(lambda _, inputs: caught.update(token=inputs[0]))
    rows: dict[str, list[torch.Tensor]] = {}
    for _ in range(args.views):
        sample = data.draw(pack, model.side, args.prompts, rng)
        masks, boxes = torch.from_numpy(sample.masks), torch.from_numpy(sample.boxes)
        h, w = sample.size
        tokens = random.choices(TOKENS, TOKEN_SHARES)[0]
        coords, labels, with_box = prompts.simulate(masks, boxes, torch.tensor([[w, h, w, h]]).expand(len(masks), 4), tokens)
        pixels = torch.from_numpy(sample.pixels[None]).permute(0, 3, 1, 2).float()
        encoded = model.image_encoder(model.normalise(colour(pixels), [sample.size]))
        out = model.decode(encoded, torch.zeros(len(masks), dtype=torch.long), coords, labels)
        row = {"token": caught["token"].half(), "up": out.up.half(), "truth": (masks * 16).round().byte(),
               "ambiguous": ~with_box if tokens == 2 else torch.zeros(len(masks), dtype=torch.bool)}  # fmt: skip
        for key, value in row.items():
            rows.setdefault(key, []).append(value)
    os.makedirs(args.out, exist_ok=True)
    torch.save({key: torch.stack(values) for key, values in rows.items()}, os.path.join(args.out, f"{args.seed}.pt"))


def masks_of(decoder, rows: dict[str, torch.Tensor]) -> torch.Tensor:
    """Logits [N, 1, q, q] of the single mask from stored rows, as MaskDecoder computes them."""
    kernel, up = decoder.output_hypernetworks_mlps[0](rows["token"].float()), rows["up"].float()
    return (kernel[:, None] @ up.flatten(2)).view(len(up), 1, *up.shape[2:])


def batches(rows: dict[str, torch.Tensor], order: torch.Tensor | None = None):
    """The rows, BATCH at a time, in a given order or their own."""
    for chosen in (torch.arange(len(rows["truth"])) if order is None else order).split(BATCH):
        yield {key: value[chosen] for key, value in rows.items()}


def truth_of(rows: dict[str, torch.Tensor]) -> torch.Tensor:
    return rows["truth"].float() / 16


@torch.no_grad()
def measure(decoder, rows: dict[str, torch.Tensor]) -> str:
    """Mean IoU of the single mask, from one point and from prompts with a box or several points."""
    table: dict[str, list[torch.Tensor]] = {"box": [], "point": []}
    for part in batches(rows):
        iou = mask_losses(masks_of(decoder, part), truth_of(part))[1][:, 0]
        table["box"].append(iou[~part["ambiguous"]])
        table["point"].append(iou[part["ambiguous"]])
    return " ".join(f"{key} {torch.cat(values).mean():.4f}" for key, values in table.items())


def fit(args):
    model, detector = networks(args)
    torch.manual_seed(args.seed)
    model.requires_grad_(False)
    decoder = model.mask_decoder
    stored = [torch.load(path, weights_only=True) for path in sorted(glob.glob(os.path.join(args.features, "*.pt")))]
    views = {key: torch.cat([s[key] for s in stored]) for key in stored[0]}
    kept = torch.arange(len(views["truth"])) % 8 == 7
    rows, check = ({key: value[part].flatten(0, 1) for key, value in views.items()} for part in (~kept, kept))
    before = copy.deepcopy(decoder)
    parameters = list(decoder.output_hypernetworks_mlps[0].parameters())
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(parameters, lr=args.lr, betas=(0.9, 0.99), weight_decay=0.0)
    count = len(rows["truth"])
    steps, step = args.epochs * -(-count // BATCH), 0
    print(count, "prompts,", len(check["truth"]), "to check; before:", measure(decoder, check), flush=True)
    for epoch in range(args.epochs):
        for part in batches(rows, torch.randperm(count)):
            optimizer.param_groups[0]["lr"] = args.lr * min(1, (step + 1) / 10) * 0.5 * (1 + math.cos(math.pi * step / steps))
            logits, alone = masks_of(decoder, part), part["ambiguous"]
            with torch.no_grad():
                held = masks_of(before, part)
            fitted = mask_losses(logits, truth_of(part), focal_weight=5.0, overlap_weight=1.0)[0][:, 0]
            loss = torch.where(alone, HOLD * (logits - held).square().mean((1, 2, 3)), fitted).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            step += 1
        print(time.strftime("%H:%M:%S"), "epoch", epoch + 1, measure(decoder, check), flush=True)
    torch.save({"sam_average": model.state_dict(), "detector_average": detector.state_dict()}, args.out)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["gather", "fit"])
    p.add_argument("--weights", required=True, help="a folder with model.json, or a last.pt (its averaged weights)")
    p.add_argument("--out", required=True, help="gather: folder of stored features; fit: the checkpoint to write")
    p.add_argument("--config", default=os.path.join(HERE, "config.json"))
    p.add_argument("--pack", help="a pack made by sources.py")
    p.add_argument("--sources", default="{}", help="JSON: sampling weight of sources, over the defaults")
    p.add_argument("--views", type=int, default=24, help="augmented photos")
    p.add_argument("--prompts", type=int, default=10, help="prompts a view")
    p.add_argument("--features", help="the folder that gather wrote")
    p.add_argument("--epochs", type=int, default=3)
    p.add_argument("--lr", type=float, default=2e-4)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    gather(args) if args.what == "gather" else fit(args)


if __name__ == "__main__":
    main()
