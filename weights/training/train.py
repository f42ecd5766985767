"""Trains the promptable model and the detector together, on a CPU or a GPU.

    python train.py --pack PACK --out RUN --minutes 600          # goes on from RUN/last.pt if it is there

The schedule follows the wall clock: a cosine over --minutes of training time. RUN/last.pt holds weights, averaged weights, optimizer and the
time spent; stop (SIGINT, SIGTERM) and start again at will. To start over with a new schedule from old weights, name them with --init.
Both models read one run of the trunk; the detector's gradient reaches the trunk at a fifth, which makes its coarse maps know objects.
"""

import argparse
import copy
import itertools
import json
import math
import os
import random
import signal
import time

import numpy as np
import torch
import torch.nn as nn

import data
import prompts
from batches import Loader, Phase, colour, tensor
from checkpoint import load_weights
from detector import Detector, anchor_points, detection_loss
from distil import teacher_targets
from losses import Auxiliary, prompt_loss
from model import NanoSam, load_config
from workers import Workers

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE_WEIGHTS = {"coco128": 1.6, "coco": 2.4, "ccp": 0.5, "pets": 0.6, "coco_boxes": 2.0, "camel": 0.2, "davis": 0.5, "facades": 0.8}
TOKENS, TOKEN_SHARES = [2, 3, 4, 5], [0.7, 0.14, 0.1, 0.06]  # prompt tokens of a step, and how often
TRUNK_RATE = 0.25  # the pretrained trunk's learning rate, as a share of the others'
GROWN = ("image_encoder.context.", "image_encoder.refine.", "teacher.")  # what earlier weights or runs had not: it starts as no change
DETECTOR_GRADIENT = 0.2  # share of the detector's gradient that reaches the trunk


def autocast() -> torch.autocast:
    """bfloat16 where the device multiplies it (AVX-512, AMX, any recent GPU); elsewhere it is emulated, several times slower than float32."""
    device = torch.get_default_device().type
    fast = torch.ops.mkldnn._is_mkldnn_bf16_supported() if device == "cpu" else torch.cuda.is_bf16_supported()
    return torch.autocast(device, torch.bfloat16, enabled=fast)


class Average:
    """Exponential moving average of a module's parameters and statistics: what is exported."""

    def __init__(self, module: nn.Module, decay: float):
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.decay, self.steps = decay, 0

    @torch.no_grad()
    def update(self, module: nn.Module):
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        mine = [t for t in self.module.state_dict().values() if t.is_floating_point()]
        theirs = [t for t in module.state_dict().values() if t.is_floating_point()]
        torch._foreach_lerp_(mine, theirs, 1 - decay)  # leaves what is frozen as it is, to the bit


class ScaleGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, share):
        ctx.share = share
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.share, None


class Trainer:
    def __init__(self, args, workers: Workers):
        self.args, self.workers = args, workers
        self.config = load_config(args.config)
        torch.manual_seed(args.seed)
        self.sam = NanoSam(self.config, args.frozen_blocks).to(memory_format=torch.channels_last)
        self.detector = Detector().to(memory_format=torch.channels_last)
        fine = {stride: channels for stride, (_, channels) in self.sam.image_encoder.taps.items()}
        self.auxiliary = Auxiliary(self.config["prompt_encoder"]["embed_dim"], fine, self.config["mask_decoder"]["transformer_depth"])
        self.step, self.spent = 0, 0.0
        self.last = os.path.join(args.out, "last.pt")
        self.set_side(self.config["image_size"])
        state = None
        if os.path.exists(self.last):
            state = torch.load(self.last, map_location="cpu", weights_only=True)
            self.sam.load_state_dict(state["sam"])
            self.detector.load_state_dict(state["detector"])
            self.auxiliary.load_state_dict(state["auxiliary"])
            self.step, self.spent = state["step"], state["spent"]
        elif args.init:
            load_weights(self.sam, self.detector, args.init, self.auxiliary, grown=GROWN)
        elif args.pretrained:
            trunk = torch.load(args.pretrained, map_location="cpu", weights_only=True)
            head = ("_conv_head", "_bn1", "_fc")  # the classifier
            self.sam.image_encoder.load_state_dict({k: v for k, v in trunk.items() if not k.startswith(head)}, strict=False)
        self.averages = (Average(self.sam, args.average_decay), Average(self.detector, args.average_decay))
        self.optimizer = self._optimizer()
        if state:
            self.averages[0].module.load_state_dict(state["sam_average"])
            self.averages[1].module.load_state_dict(state["detector_average"])
            self.averages[0].steps = self.averages[1].steps = self.step
            self.optimizer.load_state_dict(state["optimizer"])
        self.stop = False
        torch.manual_seed(args.seed + self.step + 7919 * workers.rank)  # the networks are the same everywhere, what follows is not

    def _optimizer(self) -> torch.optim.Optimizer:
        frozen = ("_conv_stem", "_bn0", *(f"_blocks.{i}." for i in range(self.args.frozen_blocks)))
        groups: dict[tuple[bool, bool], list] = {}
        for module in (self.sam, self.auxiliary, self.detector):
            for name, p in module.named_parameters():
                in_trunk = name.startswith("image_encoder._")
                if in_trunk and self.args.frozen_blocks and name.removeprefix("image_encoder.").startswith(frozen):
                    p.requires_grad_(False)
                elif self.args.only in (None, "detector" if module is self.detector else "masks"):
                    groups.setdefault((in_trunk, p.ndim >= 2), []).append(p)
        return torch.optim.AdamW(
            [
                {"params": ps, "weight_decay": (1e-4 if trunk else 0.05) if decayed else 0.0, "scale": TRUNK_RATE if trunk else 1.0}
                for (trunk, decayed), ps in groups.items()
            ],
            lr=self.args.lr, betas=(0.9, 0.99), foreach=True)  # fmt: skip

    def save(self):
        state = {
            "sam": self.sam.state_dict(), "detector": self.detector.state_dict(), "auxiliary": self.auxiliary.state_dict(),
            "sam_average": self.averages[0].module.state_dict(), "detector_average": self.averages[1].module.state_dict(),
            "optimizer": self.optimizer.state_dict(), "step": self.step, "spent": self.spent}  # fmt: skip
        torch.save(state, self.last + ".tmp")
        os.replace(self.last + ".tmp", self.last)

    def set_side(self, side: int):
        """Frames of another side: the networks are convolutions and attention, only positions depend on it."""
        self.side = self.sam.side = self.sam.prompt_encoder.side = side
        self.anchors = anchor_points(side)

    def _rate(self, progress: float) -> float:
        warm = min(1.0, (self.step + 1) / self.args.warmup)
        return self.args.lr * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))

    def _masks(self, batch, encoded, report):
        """Loss of the promptable model on a batch: one round of prompts, and now and then a corrected second one."""
        masks = tensor(*(s.masks for s in batch))
        boxes = tensor(*(s.boxes for s in batch))
        n = len(masks)
        image_of = torch.arange(len(batch)).repeat_interleave(n // len(batch))
        valid = torch.tensor([[w, h, w, h] for h, w in (s.size for s in batch)], dtype=torch.float32)[image_of]
        tokens = random.choices(TOKENS, TOKEN_SHARES)[0]
        coords, labels, with_box = prompts.simulate(masks, boxes, valid, tokens)
        with autocast():
            out = self.sam.decode(encoded, image_of, coords, labels)
            affinity = deep = torch.zeros(())
            if self.args.auxiliary > 0:
                affinity = self.auxiliary.affinity_loss(encoded, tensor(np.stack([s.regions for s in batch])))
                deep = self.auxiliary.deep_loss(out.inner, masks)
        ambiguous = ~with_box if tokens == 2 else torch.zeros(n, dtype=torch.bool)
        loss, iou = prompt_loss(out.logits, out.iou, masks, ambiguous)
        if tokens == 2:
            report("box", iou[with_box, 0].mean().item())
            report("point", iou[~with_box, 0].mean().item())
            report("best3", iou[~with_box, 1:].max(1)[0].mean().item())
        if self.step % 4 == 0 and tokens <= 3:
            some = torch.randperm(n)[: n // 3]
            previous = out.logits[some, 0].detach().float()
            coords, labels = prompts.corrections(previous, masks[some], coords[some], labels[some])
            use_mask = torch.rand(len(some)) < 0.7
            with autocast():
                again = self.sam.decode(encoded, image_of[some], coords, labels, (previous[:, None], use_mask))
            more, iou = prompt_loss(again.logits, again.iou, masks[some], torch.zeros(len(some), dtype=torch.bool))
            loss = loss + 0.4 * more
            report("corrected", iou[:, 0].mean().item())
        report("mask-loss", loss.item())
        report("affinity", affinity.item())
        return loss + self.args.auxiliary * (affinity + deep)

    def _teacher(self, batch, encoded, report):
        """How far the embedding is from a larger model's, on the photos whose embedding the pack has."""
        targets = teacher_targets(batch, self.side) if self.args.distil > 0 else None
        if targets is None:
            return torch.zeros(())
        known, target, weight = targets
        fine = {stride: x[known] for stride, x in encoded.fine.items()}
        with autocast():
            loss = self.auxiliary.teacher_loss(encoded._replace(embedding=encoded.embedding[known], fine=fine), target, weight)
        report("teacher", loss.item())
        return loss

    def _boxes(self, batch, maps, report):
        """Loss of the detector on the images of a batch whose labels are complete."""
        complete = [i for i, s in enumerate(batch) if s.objects is not None]
        if not complete:
            return torch.zeros(())
        own = {stride: ScaleGradient.apply(maps[stride][complete], DETECTOR_GRADIENT) for stride in (8, 16, 32)}
        with autocast():
            levels = self.detector(own)
        loss, overlap = detection_loss(levels, [tensor(batch[i].objects) for i in complete], *self.anchors)
        report("box-loss", loss.item())
        report("box-ciou", overlap)
        return loss

    def one_step(self, batch: list[data.Sample], rate: float, report):
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        pixels = tensor(np.stack([s.pixels for s in batch])).permute(0, 3, 1, 2).float()
        x = self.sam.normalise(colour(pixels), [s.size for s in batch])
        only = self.args.only
        with autocast(), torch.set_grad_enabled(only != "detector"):
            maps = self.sam.image_encoder.trunk(x)
            encoded = None if only == "detector" else self.sam.image_encoder.neck_of(maps)
        loss = torch.zeros(())
        if only != "masks":
            loss = loss + self._boxes(batch, maps, report)
        if only != "detector":
            loss = loss + self._masks(batch, encoded, report) + self.args.distil * self._teacher(batch, encoded, report)
        self.optimizer.zero_grad(set_to_none=True)
        if loss.requires_grad:
            loss.backward()
        self.workers.mean_gradients([p for group in self.optimizer.param_groups for p in group["params"]])
        norms = [nn.utils.clip_grad_norm_(self.detector.parameters(), 10.0)]
        if only != "detector":
            norms.append(nn.utils.clip_grad_norm_([*self.sam.parameters(), *self.auxiliary.parameters()], 1.0))
            report("gradient", norms[1].item())
        if all(torch.isfinite(norm) for norm in norms):
            self.optimizer.step()
            if self.workers.rank == 0:  # the one that saves
                for average, module in zip(self.averages, (self.sam, self.detector)):
                    average.update(module)

    def run(self):
        args, first = self.args, self.workers.rank == 0
        pack = data.Pack(args.pack, "train", {**SOURCE_WEIGHTS, **json.loads(args.weights)})
        print("images", {s: len(i) for s, i in pack.items.items()}, "from step", self.step, flush=True)
        total = sum(phase.share for phase in args.phases)
        ends = list(itertools.accumulate(phase.share / total for phase in args.phases))
        loader, current = None, None
        self.sam.train()
        self.detector.train()
        table: dict[str, list[float]] = {}
        saved = before = time.monotonic()
        while True:
            while args.pause_file and os.path.exists(args.pause_file) and not self.stop:
                time.sleep(1)
                before = time.monotonic()
            self.spent, over = self.workers.first_says(self.spent, self.stop or self.spent >= args.minutes * 60)
            if over:
                break
            progress = self.spent / (args.minutes * 60)
            phase = next((p for p, end in zip(args.phases, ends) if progress < end), args.phases[-1])
            if phase is not current or loader is None:
                if loader is not None:
                    loader.close()
                current, loader = phase, Loader(pack, phase, args.seed + self.step + 7919 * self.workers.rank, args.loaders)
                self.set_side(phase.side)
                print("phase", phase, flush=True)
            rate = self._rate(progress)
            self.one_step(loader.batches.get(), rate, lambda k, v: table.setdefault(k, []).append(v))
            self.step += 1
            now = time.monotonic()
            table.setdefault("seconds", []).append(now - before)
            # A step that the machine slept through counts as a short one: the schedule is of training time.
            self.spent += min(now - before, 120.0)
            before = now
            if self.step % 50 == 0 and first:
                means = " ".join(f"{k} {np.nanmean(v):.3f}" for k, v in sorted(table.items()))
                print(f"{time.strftime('%H:%M:%S')} step {self.step} rate {rate:.1e} spent {self.spent / 60:.1f} min {means}", flush=True)
                table.clear()
            if now - saved > 180 and first:
                saved = now
                self.save()
        if first:
            self.save()
        print("stopped" if self.stop else "done", "at step", self.step, flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pack", required=True, help="a pack made by sources.py")
    p.add_argument("--out", required=True, help="folder of last.pt")
    p.add_argument("--config", default=os.path.join(HERE, "config.json"))
    p.add_argument("--minutes", type=float, default=600, help="training time of the whole schedule")
    p.add_argument("--init", help="weights to start from: a folder with model.json, or an earlier last.pt")
    p.add_argument("--pretrained", help="the trunk's ImageNet weights: efficientnet-lite0-57934424.pth")
    p.add_argument("--lr", type=float, default=4e-4, help="peak learning rate (1e-3 from scratch)")
    p.add_argument("--warmup", type=int, default=300, help="steps until the peak")
    p.add_argument("--phases", nargs="+", type=Phase.parse, default=[Phase(384, 8, 8, 0.5), Phase(512, 6, 10, 0.5)], metavar="SIDExIMAGESxMASKS:SHARE",
                   help="parts of the schedule: side of the frames, images a step, prompts an image, share of the time (384x8x8:0.5 512x6x10:0.5)")  # fmt: skip
    p.add_argument("--frozen-blocks", type=int, default=3, help="leading trunk blocks (and the stem) that stay as they are")
    p.add_argument("--only", choices=["masks", "detector"],
                   help="train this part alone; with --frozen-blocks 16 two such runs beside one another fit together, see export.py")  # fmt: skip
    p.add_argument("--auxiliary", type=float, default=0.5,
                   help="weight of the auxiliary losses; 0 for a short run from shipped files, which have not their heads")  # fmt: skip
    p.add_argument("--distil", type=float, default=1.0, help="weight of the distance from a larger model's embedding, where the pack has one (see teacher.py)")
    p.add_argument("--average-decay", type=float, default=0.998, help="of the average that ships; less for runs under a thousand steps")
    p.add_argument("--weights", default="{}", help="JSON: sampling weight of sources, over the defaults")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--device", default="cpu", help="cpu or cuda")
    p.add_argument("--loaders", type=int, default=0, help="processes that draw samples, for a GPU: as many as there are cores")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--pause-file", help="training sleeps while this file exists")
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_default_device(args.device)
    workers = Workers()
    random.seed(args.seed + workers.rank)
    os.makedirs(args.out, exist_ok=True)
    trainer = Trainer(args, workers)

    def stop(*_):
        trainer.stop = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    trainer.run()


if __name__ == "__main__":
    main()
