// A mask input, or a prompt drawn as one, down to the embedding's cells; host half of mask-downscale.wgsl.

import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, size, type Tensor } from '../runtime/tensor.ts';
import { activationCode } from './activation.ts';
import shader from './mask-downscale.wgsl';

const LANES = 64;

/** `mask_in_chans` of every known model. */
const CHANNELS = 16;

/** The logits: a mask input alone, or the prompts drawn, but where `useMask` says 1. */
export type MaskDownscaleSource =
  | { readonly mask: Tensor }
  | {
      /** f32 [B, T, 4]: x, y in pixels of the model's frame (pixel centres not added), label (-2: absent), 0. */
      readonly prompts: Tensor;
      /** Logits of what the prompt covers, and of the rest. */
      readonly inside: number;
      readonly outside: number;
      /** Of a point's disc, in logits. */
      readonly pointRadius: number;
      /** f32 [B, 4E * 4E] and u32 [B]; without them every prompt is drawn. */
      readonly mask?: Tensor;
      readonly useMask?: Tensor;
    };

/** `mask_downscaling` of the prompt encoder, float32 weights of the graph. */
export interface MaskDownscaleWeights {
  /** [4 taps, 1, 4], taps row by row. */
  readonly conv0: Tensor;
  readonly bias0: Tensor;
  readonly norm0w: Tensor;
  readonly norm0b: Tensor;
  /** [4 taps, 4, 16]. */
  readonly conv1: Tensor;
  readonly bias1: Tensor;
  readonly norm1w: Tensor;
  readonly norm1b: Tensor;
}

export interface MaskDownscaleOptions {
  /** E. */
  readonly embeddingSide: number;
  /** The first dimension is the graph's batch of prompts. */
  readonly batched?: boolean;
  readonly out?: Tensor;
}

/**
 * Conv 2 x 2 stride 2, LayerNorm2d, GELU, twice: logits f32 [B, 4E, 4E] -> [B, E * E, 16].
 * Upstream: segment_anything/modeling/prompt_encoder.py, `mask_downscaling` 0 to 5.
 */
export function maskDownscale(
  g: Graph,
  source: MaskDownscaleSource,
  w: MaskDownscaleWeights,
  o: MaskDownscaleOptions,
): Tensor {
  const cells = o.embeddingSide ** 2;
  const drawn = 'prompts' in source;
  const batch = (drawn ? source.prompts : source.mask).shape[0] ?? 1;
  const { mask } = source;
  check(
    mask === undefined || size(mask.shape) === batch * 16 * cells,
    'shape',
    `mask-downscale: ${mask?.name} [${mask?.shape.join(', ')}] is not [${batch}, ${4 * o.embeddingSide}, ${4 * o.embeddingSide}]`,
  );
  const useMask = drawn ? source.useMask : undefined;
  check(
    !drawn || (useMask === undefined) === (mask === undefined),
    'shape',
    'mask-downscale: mask and useMask come together',
  );
  const tokens = drawn ? dims(source.prompts, 3)[1] : 0;
  const out = o.out ?? g.tensor('mask-downscale', [batch, cells, CHANNELS]);
  const groups = (count: number) => ceilDiv(count * cells, LANES);
  g.launch(shader, {
    tensors: {
      mask: mask ?? g.none,
      prompts: drawn ? source.prompts : g.none2,
      useMask: useMask ?? noMask(g, batch),
      weights: packed(g, w),
      out,
    },
    params: {
      batch,
      side: o.embeddingSide,
      tokens,
      inside: drawn ? source.inside : 0,
      outside: drawn ? source.outside : 0,
      reach: drawn ? source.pointRadius + 0.5 : 0,
    },
    constants: { SEED: drawn, ACTIVATION: activationCode('geluErf') },
    groups: o.batched ? groups : groups(batch),
    // Two convolutions; GELU is some twenty operations a value; sixteen logits over all tokens.
    cost: { flops: batch * cells * (2 * 16 * (4 + 16) + 20 * 32 + 16 * 12 * tokens) },
  });
  return out;
}

/** No prompt has a mask input. */
function noMask(g: Graph, batch: number): Tensor {
  return g.constant('no-mask', new Uint32Array(batch), [batch]);
}

/** All weights in one tensor: a device need not allow more than 8 storage buffers a stage. */
function packed(g: Graph, w: MaskDownscaleWeights): Tensor {
  const lengths: Readonly<Record<keyof MaskDownscaleWeights, number>> = {
    conv0: CHANNELS,
    bias0: CHANNELS / 4,
    norm0w: CHANNELS / 4,
    norm0b: CHANNELS / 4,
    conv1: CHANNELS ** 2,
    bias1: CHANNELS,
    norm1w: CHANNELS,
    norm1b: CHANNELS,
  };
  const refs = Object.entries(lengths).map(([name, length]) => {
    const tensor = w[name as keyof MaskDownscaleWeights];
    const { shape } = tensor;
    check(
      size(shape) === length,
      'shape',
      `mask-downscale: ${name} [${shape.join(', ')}] has not the ${length} values of a model with ${CHANNELS} mask channels`,
    );
    const ref = g.weights.get(tensor);
    check(ref !== undefined, 'shape', `mask-downscale: ${tensor.name} is not a weight of the graph`);
    return ref;
  });
  const total = Object.values(lengths).reduce((a, b) => a + b);
  return g.weight({
    key: `${w.conv0.name}@mask-downscale`,
    shape: [total / 4, 4],
    dtype: 'f32',
    read: async () => {
      const values = new Float32Array(total);
      let offset = 0;
      for (const ref of refs) {
        values.set(await ref.read(), offset);
        offset += size(ref.shape);
      }
      return values;
    },
  });
}
