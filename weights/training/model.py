"""The default model: EfficientNet-Lite0 trunk, neck, and SAM's prompt encoder and two-way mask decoder at width 128.

Parameter names of the prompt encoder and the decoder are those of SAM's checkpoints (`prompt_encoder.*`, `mask_decoder.*`), those of the
trunk are the pretrained file's (`image_encoder._conv_stem`, `._bn0`, `._blocks.N`). Shapes are written B (images), N (prompts),
T (prompt tokens), C (width), S (side of the input frame in pixels); maps are [B, C, h, w].

Sources: EfficientNet (Tan & Le 2019, Lite variant: ReLU6, no squeeze-excitation); Segment Anything (Kirillov et al. 2023) for prompt encoder
and decoder; SAM 2 (Ravi et al. 2024) for the fine features in the upscaling.
"""

import json
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn as nn
import torch.nn.functional as F

BATCH_NORM_EPS = 1e-3  # of the pretrained trunk, and of the detector
STRIDE = 16  # input pixels per cell of the embedding

# Stages of EfficientNet-Lite0: (blocks, kernel, stride, expansion, channels).
LITE0_STAGES = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]

Maps = dict[int, torch.Tensor]  # total stride -> the trunk's feature map at that stride


def load_config(path: str) -> dict:
    with open(path) as file:
        return json.load(file)


class LayerNorm2d(nn.Module):
    """LayerNorm over the channels of [B, C, h, w]."""

    def __init__(self, channels: int, eps: float = 1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],), self.weight, self.bias, self.eps)
        return y.permute(0, 3, 1, 2)


# ---------------------------------------------------------------------------------------------------------------- image encoder
def pad_same(x: torch.Tensor, kernel: int, stride: int) -> torch.Tensor:
    """TensorFlow's SAME padding: the odd pixel goes right and bottom."""
    h, w = x.shape[-2:]
    down = max((-(-h // stride) - 1) * stride + kernel - h, 0)
    across = max((-(-w // stride) - 1) * stride + kernel - w, 0)
    if not down and not across:
        return x
    return F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))


def upscaled(x: torch.Tensor) -> torch.Tensor:
    """Twice the side, bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def zeroed(conv: nn.Conv2d) -> nn.Conv2d:
    """The convolution, giving zero until it has learnt: a new part that ends in one changes nothing at first."""
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)
    return conv


def folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of a convolution with the BatchNorm that follows it. Its statistics never change here, so gradients reach all
    parameters through these few numbers, and no pass over the maps is needed."""
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    return conv.weight * scale.view(-1, 1, 1, 1), norm.bias - norm.running_mean * scale


class DepthwiseConv(torch.autograd.Function):
    """Depthwise convolution whose backward pass takes the fast route on a CPU.

    In bfloat16, oneDNN falls back to a slow loop for the weight gradient of a 5 x 5 kernel (5 times the time of float32) and for the input
    gradient of a strided one (2 to 6 times); measured on two cores of an AVX-512 machine. Those two are computed in float32.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight, bias, stride, padding, 1, weight.shape[0])

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        need_x, need_weight, need_bias = ctx.needs_input_grad[:3]

        def gradients(dtype, mask):
            return torch.ops.aten.convolution_backward(
                grad.to(dtype), x.to(dtype), weight.to(dtype), None, [ctx.stride] * 2, [ctx.padding] * 2, [1, 1], False, [0, 0],
                weight.shape[0], [mask[0], mask[1], False])  # fmt: skip

        slow_x = ctx.stride > 1
        slow_weight = weight.shape[-1] > 3
        grad_x = grad_weight = grad_bias = None
        if need_x:
            grad_x = gradients(torch.float32 if slow_x else x.dtype, (True, False))[0].to(x.dtype)
        if need_weight:
            grad_weight = gradients(torch.float32 if slow_weight else x.dtype, (False, True))[1].to(weight.dtype)
        if need_bias:
            grad_bias = grad.float().sum((0, 2, 3))
        return grad_x, grad_weight, grad_bias, None, None


class LiteBlock(nn.Module):
    """Inverted residual: expansion 1 x 1, depthwise k x k, projection 1 x 1."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        hidden = inputs * expansion
        self.kernel, self.stride, self.residual = kernel, stride, stride == 1 and inputs == outputs
        if expansion != 1:
            self._expand_conv = nn.Conv2d(inputs, hidden, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(hidden, eps=BATCH_NORM_EPS)
        self._depthwise_conv = nn.Conv2d(hidden, hidden, kernel, stride, groups=hidden, bias=False)
        self._bn1 = nn.BatchNorm2d(hidden, eps=BATCH_NORM_EPS)
        self._project_conv = nn.Conv2d(hidden, outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu6(F.conv2d(x, *folded(self._expand_conv, self._bn0))) if hasattr(self, "_expand_conv") else x
        padding = self.kernel // 2  # SAME is symmetric unless the stride is 2
        if self.stride > 1:
            y, padding = pad_same(y, self.kernel, self.stride), 0
        weight, bias = folded(self._depthwise_conv, self._bn1)
        if self.training and y.requires_grad and y.device.type == "cpu":
            y = DepthwiseConv.apply(y, weight.to(y.dtype), bias.to(y.dtype), self.stride, padding)
        else:
            y = F.conv2d(y, weight, bias, self.stride, padding, 1, len(weight))
        y = F.conv2d(F.relu6(y), *folded(self._project_conv, self._bn2))
        return x + y if self.residual else y


class ContextBlock(nn.Module):
    """Two 3 x 3 convolutions of the normalised map, added to it. The last one starts at zero, so a new block changes nothing."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = LayerNorm2d(width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = zeroed(nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv2(F.relu(self.conv1(self.norm(x))))


class Refinement(nn.Module):
    """Tells a fine map of the trunk, [B, inputs, h, w], what the next coarser map [B, above, h/2, w/2] knows.

    Returns the refined map, as wide as the trunk's, and the hidden one for the next finer level. `out` starts at zero, so a new refinement
    changes nothing.
    """

    def __init__(self, inputs: int, above: int, width: int):
        super().__init__()
        self.lateral, self.top = nn.Conv2d(inputs, width, 1), nn.Conv2d(above, width, 1, bias=False)
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.out = zeroed(nn.Conv2d(width, inputs, 1))

    def forward(self, x: torch.Tensor, above: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = F.relu(self.lateral(x) + upscaled(self.top(above)))
        y = y + self.conv2(F.relu(self.conv1(y)))
        return x + self.out(y), y


class Encoded(NamedTuple):
    embedding: torch.Tensor  # [B, C, S/16, S/16]
    fine: Maps  # refined maps at strides 4 and 8, for the upscaling of masks
    maps: Maps  # the trunk's, for the detector


class ImageEncoder(nn.Module):
    """Trunk, and a neck that joins strides 4, 8, 16 and 32 at stride 16; then, top down, refined maps at strides 8 and 4.

    `forward` takes a normalised frame [B, 3, S, S]. `context` blocks work on the joined map; `refine` holds the hidden widths at strides 8 and 4,
    empty for the trunk's maps as they are. `frozen_blocks` leading blocks and the stem take no gradient (the finest ones cost most of the
    backward pass).
    """

    def __init__(self, width: int, frozen_blocks: int = 0, context: int = 0, refine: Sequence[int] = ()):
        super().__init__()
        self.frozen_blocks = frozen_blocks
        self._conv_stem = nn.Conv2d(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=BATCH_NORM_EPS)
        self._blocks = nn.ModuleList()
        channels, stride = 32, 2
        self.taps: dict[int, tuple[int, int]] = {}  # stride -> the last block at that stride, its channels
        for count, kernel, step, expansion, outputs in LITE0_STAGES:
            for j in range(count):
                self._blocks.append(LiteBlock(channels, outputs, kernel, step if j == 0 else 1, expansion))
                channels = outputs
                stride *= step if j == 0 else 1
                self.taps[stride] = (len(self._blocks) - 1, outputs)
        self.lateral = nn.ModuleDict({
            "4": nn.Conv2d(self.taps[4][1], width, 4, 4),
            "8": nn.Conv2d(self.taps[8][1], width, 2, 2),
            "16": nn.Conv2d(self.taps[16][1], width, 1),
            "32": nn.Conv2d(self.taps[32][1], width, 1),
        })
        self.context = nn.ModuleList([ContextBlock(width) for _ in range(context)])
        self.neck = nn.Sequential(LayerNorm2d(width), nn.Conv2d(width, width, 3, padding=1, bias=False), LayerNorm2d(width))
        self.refine = nn.ModuleDict()
        above = width
        for stride, hidden in zip((8, 4), refine):
            self.refine[str(stride)] = Refinement(self.taps[stride][1], above, hidden)
            above = hidden

    def train(self, mode: bool = True) -> "ImageEncoder":
        """BatchNorm statistics stay those of ImageNet: batches are too small to measure better ones."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def stem(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu6(F.conv2d(pad_same(x, 3, 2), *folded(self._conv_stem, self._bn0), stride=2))

    def trunk(self, x: torch.Tensor) -> Maps:
        stride_of = {block: stride for stride, (block, _) in self.taps.items()}
        maps: Maps = {}
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.frozen_blocks == 0):
            x = self.stem(x)
            for n, block in enumerate(self._blocks[: self.frozen_blocks]):
                x = block(x)
                if n in stride_of:
                    maps[stride_of[n]] = x
        for n, block in enumerate(self._blocks[self.frozen_blocks :], self.frozen_blocks):
            x = block(x)
            if n in stride_of:
                maps[stride_of[n]] = x
        return maps

    def neck_of(self, maps: Maps) -> Encoded:
        y = self.lateral["4"](maps[4]) + self.lateral["8"](maps[8]) + self.lateral["16"](maps[16]) + upscaled(self.lateral["32"](maps[32]))
        for block in self.context:
            y = block(y)
        embedding = above = self.neck(y)
        fine = {8: maps[8], 4: maps[4]}
        for stride, refinement in self.refine.items():
            fine[int(stride)], above = refinement(maps[int(stride)], above)
        return Encoded(embedding, fine, maps)

    def forward(self, x: torch.Tensor) -> Encoded:
        return self.neck_of(self.trunk(x))


# --------------------------------------------------------------------------------------------------------------- prompt encoder
def spatial_frequencies(count: int) -> torch.Tensor:
    """The 2 x count matrix of the Fourier features.

    SAM draws it from a normal distribution; here magnitudes are spread evenly on a logarithmic scale, three quarters of them along the axes,
    from which a small decoder learns "right of this corner" sooner. It is a tensor of the checkpoint: a reader needs to know nothing of it.
    """
    axis = count * 3 // 8
    straight = torch.logspace(math.log10(0.06), math.log10(3.0), axis)
    rest = count - 2 * axis
    angle = torch.arange(rest) * (math.pi * (3 - 5**0.5))
    slanted = torch.logspace(math.log10(0.1), math.log10(3.0), rest)
    x = torch.cat([straight, torch.zeros(axis), slanted * torch.cos(angle)])
    y = torch.cat([torch.zeros(axis), straight, slanted * torch.sin(angle)])
    return torch.stack([x, y])


class FourierFeatures(nn.Module):
    def __init__(self, count: int):
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", spatial_frequencies(count))

    def encode(self, unit: torch.Tensor) -> torch.Tensor:
        """Positions in 0..1, [..., 2] -> [..., 2 count]. In float32: bfloat16 can't hold a position to a pixel."""
        with torch.autocast(unit.device.type, enabled=False):
            phase = 2 * math.pi * ((2 * unit.float() - 1) @ self.positional_encoding_gaussian_matrix)
            return torch.cat([phase.sin(), phase.cos()], dim=-1)

    def grid(self, cells: int) -> torch.Tensor:
        """[1, 2 count, cells, cells]: the features of the cells' centres."""
        centre = (torch.arange(cells) + 0.5) / cells
        y, x = torch.meshgrid(centre, centre, indexing="ij")
        return self.encode(torch.stack([x, y], -1)).permute(2, 0, 1)[None]


class PromptEncoder(nn.Module):
    def __init__(self, width: int, side: int, mask_channels: int):
        super().__init__()
        self.side = side
        self.pe_layer = FourierFeatures(width // 2)
        self.point_embeddings = nn.ModuleList([nn.Embedding(1, width) for _ in range(4)])
        self.not_a_point_embed = nn.Embedding(1, width)
        c = mask_channels
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, c // 4, 2, 2), LayerNorm2d(c // 4), nn.GELU(),
            nn.Conv2d(c // 4, c, 2, 2), LayerNorm2d(c), nn.GELU(), nn.Conv2d(c, width, 1))  # fmt: skip
        self.no_mask_embed = nn.Embedding(1, width)  # unused: the seed mask stands in; kept so that the keys are SAM's

    def tokens(self, coords: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """coords [N, T, 2] in pixels of the frame; labels [N, T]: -1 padding, 0 background, 1 foreground, 2 and 3 corners -> [N, T, C]."""
        position = self.pe_layer.encode((coords.float() + 0.5) / self.side)
        table = torch.cat([self.not_a_point_embed.weight] + [e.weight for e in self.point_embeddings], 0)
        return position * (labels >= 0).unsqueeze(-1).to(position.dtype) + table[labels + 1]

    def seed_mask(self, coords: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The prompt drawn as low-resolution logits [N, 1, S/4, S/4], 4 inside and -4 outside.

        A box is a rectangle with soft sides; without one, foreground points are discs of two cells; background points cut discs out.
        """
        centre = torch.arange(self.side // 4, dtype=torch.float32) * 4 + 2

        def corner(label):
            return (coords * (labels == label).unsqueeze(-1)).sum(1)

        def inside(low, high):
            return (torch.minimum(centre - low[:, None], high[:, None] - centre) / 4 + 0.5).clamp(0, 1)

        low, high = corner(2), corner(3)
        box = inside(low[:, 1], high[:, 1])[:, :, None] * inside(low[:, 0], high[:, 0])[:, None, :]
        has_box = (labels == 2).any(1)[:, None, None]
        dx, dy = centre - coords[:, :, :1], centre - coords[:, :, 1:]
        disc = (2.5 - (dx[:, :, None, :] ** 2 + dy[:, :, :, None] ** 2).sqrt() / 4).clamp(0, 1)
        foreground = (disc * (labels == 1)[:, :, None, None]).amax(1)
        background = (disc * (labels == 0)[:, :, None, None]).amax(1)
        cover = torch.where(has_box, box, foreground) * (1 - background)
        return ((2 * cover - 1) * 4)[:, None]


# ----------------------------------------------------------------------------------------------------------------- mask decoder
class Attention(nn.Module):
    """Multi-head attention whose inner width is the outer one over `downsample`."""

    def __init__(self, width: int, heads: int, downsample: int = 1):
        super().__init__()
        inner = width // downsample
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, inner) for _ in range(3))
        self.out_proj = nn.Linear(inner, width)

    def split(self, x: torch.Tensor) -> torch.Tensor:
        n, t, c = x.shape
        return x.reshape(n, t, self.heads, c // self.heads).transpose(1, 2)

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        q, k, v = self.split(self.q_proj(q)), self.split(self.k_proj(k)), self.split(self.v_proj(v))
        weights = torch.softmax((q @ k.transpose(2, 3)) / math.sqrt(q.shape[-1]), dim=-1)
        out = (weights @ v).transpose(1, 2)
        return self.out_proj(out.reshape(out.shape[0], out.shape[1], -1))


class TokenMLP(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.lin1, self.lin2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lin2(F.relu(self.lin1(x)))


class TwoWayBlock(nn.Module):
    """Tokens attend to themselves, then to the image, pass an MLP, and the image attends to the tokens."""

    def __init__(self, width: int, heads: int, hidden: int, downsample: int, first: bool):
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.norm1 = nn.LayerNorm(width)
        self.cross_attn_token_to_image = Attention(width, heads, downsample)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = TokenMLP(width, hidden)
        self.norm3 = nn.LayerNorm(width)
        self.cross_attn_image_to_token = Attention(width, heads, downsample)
        self.norm4 = nn.LayerNorm(width)
        self.first = first

    def forward(self, tokens, image, token_pe, image_pe):
        if self.first:  # the tokens are still their own position: no residual, as SAM does
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            q = tokens + token_pe
            tokens = tokens + self.self_attn(q, q, tokens)
        tokens = self.norm1(tokens)
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(tokens + token_pe, image + image_pe, image))
        tokens = self.norm3(tokens + self.mlp(tokens))
        image = self.norm4(image + self.cross_attn_image_to_token(image + image_pe, tokens + token_pe, tokens))
        return tokens, image


class TwoWayTransformer(nn.Module):
    def __init__(self, depth: int, width: int, heads: int, hidden: int, downsample: int):
        super().__init__()
        self.layers = nn.ModuleList([TwoWayBlock(width, heads, hidden, downsample, i == 0) for i in range(depth)])
        self.final_attn_token_to_image = Attention(width, heads, downsample)
        self.norm_final_attn = nn.LayerNorm(width)

    def forward(self, image, image_pe, tokens):
        """Returns the tokens, the image tokens, and the image tokens after each layer (deep supervision reads those)."""
        queries, inner = tokens, []
        for layer in self.layers:
            queries, image = layer(queries, image, tokens, image_pe)
            inner.append(image)
        queries = queries + self.final_attn_token_to_image(queries + tokens, image + image_pe, image)
        return self.norm_final_attn(queries), image, inner


class MLP(nn.Module):
    def __init__(self, inputs: int, hidden: int, outputs: int, depth: int):
        super().__init__()
        widths = [inputs] + [hidden] * (depth - 1) + [outputs]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths[:-1], widths[1:]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class Decoded(NamedTuple):
    logits: torch.Tensor  # [N, 4, S/4, S/4]: mask 0 is the single mask, 1 to 3 the three
    iou: torch.Tensor  # [N, 4] predicted IoU
    inner: list[torch.Tensor]  # image tokens after each transformer layer, [N, hw, C]
    up: torch.Tensor  # the upscaled map that the masks are read from, [N, C/8, S/4, S/4]


class MaskDecoder(nn.Module):
    def __init__(self, width: int, fine: tuple[int, int], config: dict):
        super().__init__()
        masks = config["num_multimask_outputs"] + 1
        self.transformer = TwoWayTransformer(
            config["transformer_depth"], width, config["num_heads"], config["mlp_dim"], config["attention_downsample_rate"])  # fmt: skip
        self.iou_token = nn.Embedding(1, width)
        self.mask_tokens = nn.Embedding(masks, width)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(width, width // 4, 2, 2), LayerNorm2d(width // 4), nn.GELU(),
            nn.ConvTranspose2d(width // 4, width // 8, 2, 2), nn.GELU())  # fmt: skip
        self.output_hypernetworks_mlps = nn.ModuleList([MLP(width, width, width // 8, 3) for _ in range(masks)])
        self.iou_prediction_head = MLP(width, config["iou_head_hidden_dim"], masks, config["iou_head_depth"])
        self.conv_s0 = nn.Conv2d(fine[0], width // 8, 1)  # of the map at stride 4
        self.conv_s1 = nn.Conv2d(fine[1], width // 4, 1)  # of the map at stride 8
        for conv in (self.conv_s0, self.conv_s1):  # zero: training starts as SAM's own decoder
            nn.init.zeros_(conv.weight)
            nn.init.zeros_(conv.bias)

    def forward(self, image, image_pe, sparse, s0, s1) -> Decoded:
        """image [N, C, h, w] with the dense prompt added; sparse [N, T, C]; s0, s1: the fine features of each prompt's image."""
        n, c, h, w = image.shape
        output = torch.cat([self.iou_token.weight, self.mask_tokens.weight], 0)
        tokens = torch.cat([output[None].expand(n, -1, -1), sparse], 1)
        out, flat, inner = self.transformer(image.flatten(2).transpose(1, 2), image_pe.flatten(2).transpose(1, 2), tokens)
        deconv1, norm, act1, deconv2, act2 = self.output_upscaling
        up = act1(norm(deconv1(flat.transpose(1, 2).reshape(n, c, h, w)) + s1))
        up = act2(deconv2(up) + s0)
        kernels = torch.stack([mlp(out[:, 1 + i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)], 1)
        logits = (kernels @ up.flatten(2)).view(n, -1, *up.shape[2:])
        return Decoded(logits, self.iou_prediction_head(out[:, 0]), inner, up)


# ------------------------------------------------------------------------------------------------------------------ whole model
class NanoSam(nn.Module):
    def __init__(self, config: dict, frozen_blocks: int = 0):
        super().__init__()
        prompt = config["prompt_encoder"]
        width = prompt["embed_dim"]
        self.side = config["image_size"]
        encoder = config["image_encoder"]
        self.image_encoder = ImageEncoder(width, frozen_blocks, encoder.get("context", 0), encoder.get("refine", ()))
        self.prompt_encoder = PromptEncoder(width, self.side, prompt["mask_in_chans"])
        taps = self.image_encoder.taps
        self.mask_decoder = MaskDecoder(width, (taps[4][1], taps[8][1]), config["mask_decoder"])
        self.register_buffer("pixel_mean", torch.tensor(config["pixel_mean"]).view(1, 3, 1, 1), False)
        self.register_buffer("pixel_std", torch.tensor(config["pixel_std"]).view(1, 3, 1, 1), False)

    def normalise(self, pixels: torch.Tensor, sizes: list[tuple[int, int]]) -> torch.Tensor:
        """Pixels 0..255 [B, 3, S, S] -> normalised, with zeros right of and below each image's (height, width)."""
        x = (pixels.float() - self.pixel_mean) / self.pixel_std
        for i, (h, w) in enumerate(sizes):
            x[i, :, h:] = 0
            x[i, :, :, w:] = 0
        return x.contiguous(memory_format=torch.channels_last)

    def decode(self, encoded: Encoded, image_of, coords, labels, mask_input=None) -> Decoded:
        """Decodes N prompts of B images.

        image_of [N]: the image of each prompt; coords [N, T, 2], labels [N, T]; mask_input: None, or logits [N, 1, S/4, S/4] and a bool [N]
        that says which prompts use theirs. The others take their seed mask.
        """
        seed = self.prompt_encoder.seed_mask(coords, labels)
        if mask_input is not None:
            seed = torch.where(mask_input[1].view(-1, 1, 1, 1), mask_input[0], seed)
        image = encoded.embedding[image_of] + self.prompt_encoder.mask_downscaling(seed)
        return self.mask_decoder(
            image,
            self.prompt_encoder.pe_layer.grid(self.side // STRIDE),
            self.prompt_encoder.tokens(coords, labels),
            self.mask_decoder.conv_s0(encoded.fine[4])[image_of],
            self.mask_decoder.conv_s1(encoded.fine[8])[image_of],
        )
