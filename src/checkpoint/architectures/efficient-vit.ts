// EfficientViT-SAM's image encoder (efficientvit/models/efficientvit/{backbone,sam}.py).
import { type Config, type Family, type FoundShapes, KeyList, type Shapes, UNUSED } from './keys.ts';

/** Hyper-parameters as upstream’s constructor names them. */
export interface EfficientVitConfig {
  readonly width_list: readonly number[];
  readonly depth_list: readonly number[];
  readonly qkv_dim: number;
  readonly head_width: number;
  readonly head_depth: number;
  /** Side of the network's own input, pixels; not in the shapes. */
  readonly inner_size: number;
}

const COMMON = { width_list: [32, 64, 128, 256, 512], qkv_dim: 32, head_width: 256, inner_size: 512 } as const;
const OFFICIAL: Readonly<Record<string, EfficientVitConfig>> = {
  efficientvit_l0: { ...COMMON, depth_list: [1, 1, 1, 4, 4], head_depth: 4 },
  efficientvit_l1: { ...COMMON, depth_list: [1, 1, 1, 6, 6], head_depth: 8 },
  efficientvit_l2: { ...COMMON, depth_list: [1, 2, 2, 8, 8], head_depth: 12 },
};

/** Width of the inner convolutions over that of the block: where a stage begins, in the last one, further on, and behind attention. */
const EXPAND = { first: 16, last: 24, further: 4, local: 6 } as const;
/** Side of LiteMLA's second scale. */
const SCALE = 5;
const STAGES = 5;

/** Keys and shapes of these sizes, as the network’s own file names them. */
export function efficientVitKeys(c: EfficientVitConfig): Shapes {
  const list = new KeyList();
  const normed = (key: string, outputs: number, inputs: number, k: number): void =>
    list.convNorm(`${key}.conv`, `${key}.norm`, outputs, inputs, k);
  const fused = (key: string, inputs: number, outputs: number, expand: number): void => {
    normed(`${key}.main.spatial_conv`, inputs * expand, inputs, 3);
    normed(`${key}.main.point_conv`, outputs, inputs * expand, 1);
  };
  /** "fewer_norm": biases in place of norms, but for the last convolution. */
  const inverted = (key: string, inputs: number, outputs: number, expand: number): void => {
    list.conv(`${key}.main.inverted_conv.conv`, inputs * expand, inputs, 1, true);
    list.conv(`${key}.main.depth_conv.conv`, inputs * expand, 1, 3, true);
    normed(`${key}.main.point_conv`, outputs, inputs * expand, 1);
  };
  const attention = (key: string, width: number): void => {
    list.conv(`${key}.qkv.conv`, 3 * width, width, 1);
    list.conv(`${key}.aggreg.0.0`, 3 * width, 1, SCALE);
    list.conv(`${key}.aggreg.0.1`, 3 * width, c.qkv_dim, 1);
    normed(`${key}.proj`, width, 2 * width, 1);
  };
  const width = (i: number): number => c.width_list[i] ?? 0;
  normed('backbone.stages.0.op_list.0', width(0), 3, 3);
  for (let j = 1; j <= (c.depth_list[0] ?? 0); j++) {
    normed(`backbone.stages.0.op_list.${j}.main.conv1`, width(0), width(0), 3);
    normed(`backbone.stages.0.op_list.${j}.main.conv2`, width(0), width(0), 3);
  }
  for (let i = 1; i < STAGES; i++) {
    const path = `backbone.stages.${i}.op_list`;
    const block = i < 3 ? fused : inverted;
    block(`${path}.0`, width(i - 1), width(i), i === STAGES - 1 ? EXPAND.last : EXPAND.first);
    for (let j = 1; j <= (c.depth_list[i] ?? 0); j++) {
      if (i < STAGES - 1) {
        block(`${path}.${j}`, width(i), width(i), EXPAND.further);
      } else {
        attention(`${path}.${j}.context_module.main`, width(i));
        inverted(`${path}.${j}.local_module`, width(i), width(i), EXPAND.local);
      }
    }
  }
  for (const [i, stage] of [4, 3, 2].entries()) normed(`neck.input_ops.${i}.op_list.0`, c.head_width, width(stage), 1);
  for (let i = 0; i < c.head_depth; i++) fused(`neck.middle.op_list.${i}`, c.head_width, c.head_width, 1);
  list.conv('neck.output_ops.0.op_list.0.conv', 256, c.head_width, 1, true);
  list.norm('norm', 256);
  return list.shapes;
}

function derive(shapes: FoundShapes): { config: Config; keys: Shapes } {
  const stage = (i: number): string => `backbone.stages.${i}.op_list`;
  const blocks = ['conv1', 'point_conv'].map((name) => `main.${name}.conv.weight`);
  const depth = (i: number): number =>
    shapes.count(
      stage(i),
      'conv.weight',
      ...blocks,
      'context_module.main.qkv.conv.weight',
      'local_module.main.point_conv.conv.weight',
    ) - 1;
  const each = (make: (stage: number) => number): number[] => Array.from({ length: STAGES }, (_, i) => make(i));
  const config: EfficientVitConfig = {
    width_list: each((i) =>
      shapes.size(
        i === 0 ? `${stage(0)}.0.conv.weight` : `${stage(i)}.0.main.point_conv.conv.weight`,
        0,
        COMMON.width_list[i] ?? 0,
      ),
    ),
    depth_list: each(depth),
    qkv_dim: shapes.size(`${stage(4)}.1.context_module.main.aggreg.0.1.weight`, 1, COMMON.qkv_dim),
    head_width: shapes.size('neck.input_ops.0.op_list.0.conv.weight', 0, COMMON.head_width),
    head_depth: shapes.count('neck.middle.op_list', 'main.spatial_conv.conv.weight', 'main.point_conv.conv.weight'),
    inner_size: COMMON.inner_size,
  };
  return { config: { ...config }, keys: efficientVitKeys(config) };
}

export const efficientVit: Family = {
  architecture: 'efficientvit',
  part: 'encoder',
  signature: 'backbone.stages.0.op_list.0.conv.weight',
  normEps: 1e-6,
  unused: UNUSED,
  derive,
  official: Object.entries(OFFICIAL).map(([name, config]) => ({
    name,
    config: { ...config },
    keys: () => efficientVitKeys(config),
  })),
};
