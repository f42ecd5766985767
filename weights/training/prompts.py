"""Simulated prompts: boxes and points drawn from ground-truth masks, all at once.

Masks are [N, q, q] coverages in 0..1 at a quarter of the frame's side (q = S / 4); coordinates are pixels of the frame.
"""

import torch
import torch.nn.functional as F


def centres(masks: torch.Tensor) -> torch.Tensor:
    """An inner point of each mask [N, 2]: where the blurred mask is highest."""
    q = masks.shape[-1]
    blurred = masks[:, None]
    for kernel in (3, 5, 9, 15):
        if kernel < q:
            blurred = F.avg_pool2d(blurred, kernel, 1, kernel // 2) * masks[:, None] + 0.05 * masks[:, None]
    cell = blurred.flatten(1).argmax(1)
    return torch.stack([cell % q, cell // q], 1).float() * 4 + 1.5


def random_points(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Random points [N, 2] where weights [N, q, q] are positive, and whether there was such a place."""
    q = weights.shape[-1]
    flat = weights.flatten(1)
    any_weight = flat.sum(1) > 0
    cell = torch.multinomial(torch.where(any_weight[:, None], flat, torch.ones_like(flat)), 1)[:, 0]
    point = torch.stack([cell % q, cell // q], 1).float() * 4 + 1.5
    return point + torch.empty_like(point).uniform_(-1.5, 1.5), any_weight


def jittered(boxes: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Boxes [N, 4] with noise of up to a tenth of their sides (at most 20 pixels), a third of them exact, kept within valid [N, 4]."""
    size = (boxes[:, 2:] - boxes[:, :2]).clamp(min=4)
    spread = torch.where(torch.rand(len(boxes), 1) < 0.35, torch.zeros(1), torch.rand(len(boxes), 1) * 0.1)
    noise = torch.randn(len(boxes), 4) * spread * torch.cat([size, size], 1)
    return torch.minimum((boxes + noise.clamp(-20, 20)).clamp(min=0), valid - 1)


def simulate(masks, boxes, valid, tokens: int, box_share: float = 0.6):
    """Prompts of `tokens` tokens each, laid out as SAM's prompt encoder does.

    Two tokens are a box, or a point and padding; more are tokens - 2 points and a box, or tokens - 1 points and padding.
    Returns coords [N, T, 2], labels [N, T], and which prompts have a box [N].
    """
    n = len(masks)
    inside = (masks > 0.5).float()
    thin = inside.flatten(1).sum(1) == 0  # nothing half covered: the best covered cells
    inside = torch.where(thin[:, None, None], (masks >= masks.flatten(1).amax(1)[:, None, None] - 1e-3).float(), inside)
    with_box = torch.rand(n) < (box_share if tokens == 2 else 0.5)
    coords, labels = torch.zeros(n, tokens, 2), torch.full((n, tokens), -1, dtype=torch.long)
    coords[:, 0] = torch.where(torch.rand(n, 1) < 0.35, centres(masks), random_points(inside)[0])
    labels[:, 0] = 1
    for i in range(1, max(1, tokens - 1)):
        positive = random_points(inside)[0]
        ring = (F.max_pool2d(inside[:, None], 17, 1, 8)[:, 0] - (masks > 0).float()).clamp(min=0)
        negative, some = random_points(ring)
        use_negative = (torch.rand(n) < 0.5) & some
        coords[:, i] = torch.where(use_negative[:, None], negative, positive)
        labels[:, i] = torch.where(use_negative, 0, 1)
    noisy = jittered(boxes, valid)
    coords[with_box, -2:] = noisy[with_box].view(-1, 2, 2)
    labels[with_box, -2:] = torch.tensor([2, 3])
    return coords, labels, with_box


def corrections(logits, masks, coords, labels):
    """A click into the error of each decoded mask [N, q, q], put before its prompt's tokens."""
    wrong = ((logits > 0) != (masks > 0.5)).float()
    point, some = random_points(wrong)
    cell = (point / 4).long().clamp(0, masks.shape[-1] - 1)
    label = (masks[torch.arange(len(masks)), cell[:, 1], cell[:, 0]] > 0.5).long()
    label = torch.where(some, label, torch.full_like(label, -1))
    return torch.cat([point[:, None], coords], 1), torch.cat([label[:, None], labels], 1)
