// Layers: a scope of weights and a tensor in, launches out.
import type { Activation } from '../kernels/activation.ts';
import { conv2d } from '../kernels/conv2d.ts';
import { depthwiseConv2d } from '../kernels/depthwise-conv2d.ts';
import { layerNorm } from '../kernels/layer-norm.ts';
import { matmul } from '../kernels/matmul.ts';
import type { Graph } from '../runtime/graph.ts';
import { channels, type Tensor } from '../runtime/tensor.ts';
import { type ConvNames, denseConv, depthwiseConv, type Weights } from './weights.ts';

export interface LinearOptions {
  readonly activation?: Activation;
  readonly residual?: Tensor;
  readonly addend?: Tensor;
  readonly batched?: boolean;
  readonly bias?: boolean;
  readonly out?: Tensor;
}

/** x [..., K] with weight [N, K] and bias [N] -> [..., N]. */
export function linear(g: Graph, x: Tensor, w: Weights, outputs: number, o: LinearOptions = {}): Tensor {
  const { bias: hasBias = true, ...options } = o;
  const weight = g.weight(w.linear('weight', [outputs, channels(x)]));
  const bias = hasBias ? { bias: g.weight(w.vector('bias', outputs)) } : {};
  return matmul(g, x, weight, { ...options, ...bias });
}

/** LayerNorm over the last axis; `eps` is the architecture's. Also LayerNorm2d, since maps are NHWC. */
export function norm(
  g: Graph,
  x: Tensor,
  w: Weights,
  eps: number,
  o: { activation?: Activation; batched?: boolean; out?: Tensor } = {},
): Tensor {
  const c = channels(x);
  return layerNorm(g, x, g.weight(w.vector('weight', c)), g.weight(w.vector('bias', c)), { eps, ...o });
}

export interface ConvOptions {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number | 'same';
  readonly activation?: Activation;
  readonly residual?: Tensor;
  readonly residualAfter?: boolean;
  readonly out?: Tensor;
  /** Input channels of the published weight, where the tensor's are padded (a photo's 3). */
  readonly inputs?: number;
}

/** A dense convolution with what follows it folded or fused: x [1, H, W, C] -> [1, H', W', N]. */
export function conv(g: Graph, x: Tensor, w: Weights, names: ConvNames, outputs: number, o: ConvOptions): Tensor {
  const { kernel, inputs = channels(x), ...options } = o;
  const refs = denseConv(w, names, [outputs, inputs, kernel, kernel]);
  const bias = refs.bias ? { bias: g.weight(refs.bias) } : {};
  return conv2d(g, x, g.weight(refs.weight), { ...options, ...bias });
}

/** A depthwise convolution: x [1, H, W, C] -> [1, H', W', C]. */
export function depthwise(
  g: Graph,
  x: Tensor,
  w: Weights,
  names: ConvNames,
  o: Omit<ConvOptions, 'residual' | 'residualAfter' | 'inputs'>,
): Tensor {
  const { kernel, ...options } = o;
  const refs = depthwiseConv(w, names, channels(x), kernel);
  const bias = refs.bias ? { bias: g.weight(refs.bias) } : {};
  return depthwiseConv2d(g, x, g.weight(refs.weight), { ...options, ...bias });
}
