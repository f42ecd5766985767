import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, roundUp, sameShape, type Tensor } from '../runtime/tensor.ts';
import { activationCode } from './activation.ts';
import shader from './upscale-mask.wgsl';

const LANES = 32;

/**
 * GELU(conv_transpose(x) + fine) . hyper: x [B, E, E, K], weight [K, 4 C] (2 x 2, stride 2), bias f32 [C], fine [1, 2E, 2E, C],
 * hyper [B, M, C] -> logits f32 [B, M, 2E, 2E]. Upstream: segment_anything/modeling/mask_decoder.py, output_upscaling.3 to masks.
 */
export function upscaleMask(
  g: Graph,
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  hyper: Tensor,
  o: { fine?: Tensor; out?: Tensor } = {},
): Tensor {
  const [batch, side, width, inputs] = dims(x, 4);
  const [hyperBatch, masks, outputs] = dims(hyper, 3);
  check(side === width, 'shape', `upscale-mask: [${x.shape}] is not square`);
  check(
    hyperBatch === batch && inputs % 4 === 0 && outputs % 4 === 0 && sameShape(bias.shape, [outputs]),
    'shape',
    `upscale-mask: x [${x.shape}], hyper [${hyper.shape}], bias [${bias.shape}]`,
  );
  check(
    o.fine === undefined || sameShape(o.fine.shape, [1, 2 * side, 2 * side, outputs]),
    'shape',
    `upscale-mask: fine [${o.fine?.shape}] for x [${x.shape}] and ${outputs} channels`,
  );
  check(
    sameShape(weight.shape, [inputs, 4 * outputs]),
    'shape',
    `upscale-mask: weight [${weight.shape}] for x [${x.shape}]`,
  );
  const accumulators = g.tiling === 'workgroup' ? 64 : 256; // GPUs spill what CPU adapters keep in their first cache
  const pixels = Math.max(1, Math.min(16, Math.floor(accumulators / roundUp(outputs, 16))));
  const blocks = roundUp(ceilDiv(side * side, pixels), 4); // whole quads
  const out = o.out ?? g.tensor('upscale-mask', [batch, masks, 2 * side, 2 * side], 'f32');
  g.launch(shader, {
    tensors: { x, weight, bias, fine: o.fine ?? g.none, hyper, masks: out },
    params: { items: batch, side, blocks, in4: inputs / 4 },
    constants: {
      LANES,
      EXCHANGE: g.tiling === 'register',
      PIXELS: pixels,
      OUT4: outputs / 4,
      MASKS: masks,
      HAS_FINE: o.fine !== undefined,
      ACTIVATION: activationCode('geluErf'),
    },
    groups: (n) => ceilDiv(n * 4 * blocks, LANES),
    cost: { flops: 2 * batch * side * side * 4 * outputs * (inputs + masks) },
  });
  return out;
}
