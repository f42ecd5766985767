// Keys and shapes of EfficientViT-SAM's image encoder (reference: MobileSAMv2/efficientvit/models/efficientvit/{backbone,sam}.py).
import type { Shapes } from './shapes.ts';

/** Hyper-parameters as upstream's constructors name them. */
export interface EfficientVitConfig {
  readonly width_list: readonly number[];
  readonly depth_list: readonly number[];
  readonly qkv_dim: number;
  readonly head_width: number;
  readonly head_depth: number;
  readonly inner_size: number;
}

const EXPAND = { first: 16, attention: 24, further: 4, local: 6 } as const;
const SCALES = [5];

export function efficientVitShapes(c: EfficientVitConfig, prefix = 'image_encoder.'): Shapes {
  const shapes: Shapes = new Map();
  const set = (key: string, ...shape: number[]): void => void shapes.set(prefix + key, shape);
  const conv = (key: string, out: number, inputs: number, k: number, after: 'norm' | 'bias'): void => {
    set(`${key}.conv.weight`, out, inputs, k, k);
    if (after === 'bias') set(`${key}.conv.bias`, out);
    else for (const stat of ['weight', 'bias', 'running_mean', 'running_var']) set(`${key}.norm.${stat}`, out);
  };
  const fused = (key: string, inputs: number, out: number, expand: number): void => {
    conv(`${key}.main.spatial_conv`, inputs * expand, inputs, 3, 'norm');
    conv(`${key}.main.point_conv`, out, inputs * expand, 1, 'norm');
  };
  const inverted = (key: string, inputs: number, out: number, expand: number): void => {
    conv(`${key}.main.inverted_conv`, inputs * expand, inputs, 1, 'bias');
    conv(`${key}.main.depth_conv`, inputs * expand, 1, 3, 'bias');
    conv(`${key}.main.point_conv`, out, inputs * expand, 1, 'norm');
  };
  const width = (i: number): number => c.width_list[i] as number;
  const last = c.width_list.length - 1;
  for (const [i, depth] of c.depth_list.entries()) {
    const list = `backbone.stages.${i}.op_list`;
    const out = width(i);
    if (i === 0) {
      conv(`${list}.0`, out, 3, 3, 'norm');
      for (let j = 1; j <= depth; j++) {
        for (const name of ['conv1', 'conv2']) conv(`${list}.${j}.main.${name}`, out, out, 3, 'norm');
      }
      continue;
    }
    const block = i < last - 1 ? fused : inverted;
    block(`${list}.0`, width(i - 1), out, i === last ? EXPAND.attention : EXPAND.first);
    for (let j = 1; j <= depth; j++) {
      if (i < last) {
        block(`${list}.${j}`, out, out, EXPAND.further);
        continue;
      }
      const attention = `${list}.${j}.context_module.main`;
      set(`${attention}.qkv.conv.weight`, 3 * out, out, 1, 1);
      for (const [k, scale] of SCALES.entries()) {
        set(`${attention}.aggreg.${k}.0.weight`, 3 * out, 1, scale, scale);
        set(`${attention}.aggreg.${k}.1.weight`, 3 * out, c.qkv_dim, 1, 1);
      }
      conv(`${attention}.proj`, out, out * (1 + SCALES.length), 1, 'norm');
      inverted(`${list}.${j}.local_module`, out, out, EXPAND.local);
    }
  }
  for (const [i, stage] of [4, 3, 2].entries()) {
    conv(`neck.input_ops.${i}.op_list.0`, c.head_width, width(stage), 1, 'norm');
  }
  for (let i = 0; i < c.head_depth; i++) fused(`neck.middle.op_list.${i}`, c.head_width, c.head_width, 1);
  conv('neck.output_ops.0.op_list.0', 256, c.head_width, 1, 'bias');
  set('norm.weight', 256);
  set('norm.bias', 256);
  return shapes;
}
