import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, channels, rows, sameShape, type Tensor } from '../runtime/tensor.ts';
import { type Activation, activationCode } from './activation.ts';
import rowShader from './layer-norm.wgsl';
import workgroupShader from './layer-norm-workgroup.wgsl';

const LANES = 64;

export interface LayerNormOptions {
  /** Added to the variance; upstream has 1e-5 (TinyViT, PyTorch's default) and 1e-6 (SAM). */
  readonly eps: number;
  readonly activation?: Activation;
  /** Added to x before the norm; repeats when it has fewer rows than x. */
  readonly residual?: Tensor;
  /** The first dimension is the graph's batch of prompts. */
  readonly batched?: boolean;
  readonly name?: string;
  readonly out?: Tensor;
}

/**
 * Layer normalisation over the last axis (a multiple of 4), then scale and shift: x [..., C] -> [..., C]. `weight` and `bias` are
 * float32 [C]. Mean and variance in float32, in two passes. SAM's LayerNorm2d is the same thing on NHWC maps. @throws code `shape`.
 */
export function layerNorm(g: Graph, x: Tensor, weight: Tensor, bias: Tensor, o: LayerNormOptions): Tensor {
  const width = channels(x);
  const count = rows(x);
  const residual = o.residual;
  const where = `layer norm of ${x.name} [${x.shape.join(', ')}]`;
  check(width % 4 === 0, 'shape', `${where}: channels are no multiple of 4`);
  for (const tensor of [weight, bias]) {
    check(sameShape(tensor.shape, [width]), 'shape', `${where}: ${tensor.name} is [${tensor.shape.join(', ')}]`);
  }
  if (residual !== undefined) {
    const fits = channels(residual) === width && count % rows(residual) === 0;
    check(fits, 'shape', `${where}: residual ${residual.name} is [${residual.shape.join(', ')}]`);
  }
  const out = o.out ?? g.tensor(o.name ?? 'layer-norm', x.shape);
  check(sameShape(out.shape, x.shape), 'shape', `${where}: ${out.name} is [${out.shape.join(', ')}]`);
  check(o.batched !== true || x.shape[0] === g.capacity, 'shape', `${where}: the batch is ${g.capacity}`);

  const perItem = o.batched === true ? count / g.capacity : 0;
  const rowsOf = (batch: number): number => (o.batched === true ? batch * perItem : count);
  const tensors = { x, residual: residual ?? g.none, weight, bias, out };
  const params = { channels4: width / 4, residualRows: residual === undefined ? 1 : rows(residual), eps: o.eps };
  const constants = { LANES, HAS_RESIDUAL: residual !== undefined, ACTIVATION: activationCode(o.activation) };
  const moved = residual === undefined ? 2 : 3;
  const cost = { flops: 8 * count * width, bytes: 4 * moved * count * width };
  if (g.tiling === 'workgroup') {
    g.launch(workgroupShader, { tensors, params, constants, groups: rowsOf, cost });
  } else {
    const groups = (batch: number): number => ceilDiv(rowsOf(batch), LANES);
    g.launch(rowShader, { tensors, params: { ...params, rows: count }, constants, groups, cost });
  }
  return out;
}
