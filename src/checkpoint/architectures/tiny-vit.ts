// TinyViT as MobileSAM builds it (mobile_sam/modeling/tiny_vit_sam.py, build_sam_vit_t).
import { type Config, type Family, type FoundShapes, KeyList, type Shapes, UNUSED } from './keys.ts';

/** Hyper-parameters as upstream’s constructor names them. */
export interface TinyVitConfig {
  readonly embed_dims: readonly number[];
  readonly depths: readonly number[];
  readonly num_heads: readonly number[];
  readonly window_sizes: readonly number[];
  readonly mlp_ratio: number;
  readonly mbconv_expand_ratio: number;
  readonly local_conv_size: number;
  readonly out_chans: number;
}

const TINY_VIT_5M: TinyVitConfig = {
  embed_dims: [64, 128, 160, 320],
  depths: [2, 2, 6, 2],
  num_heads: [2, 4, 5, 10],
  window_sizes: [7, 7, 14, 7],
  mlp_ratio: 4,
  mbconv_expand_ratio: 4,
  local_conv_size: 3,
  out_chans: 256,
};

/** Keys and shapes of these sizes, as the network’s own file names them. */
export function tinyVitKeys(c: TinyVitConfig): Shapes {
  const list = new KeyList();
  const conv = (key: string, outputs: number, inputs: number, k: number): void =>
    list.convNorm(`${key}.c`, `${key}.bn`, outputs, inputs, k);
  const dim = (i: number): number => c.embed_dims[i] ?? 0;
  conv('patch_embed.seq.0', dim(0) / 2, 3, 3);
  conv('patch_embed.seq.2', dim(0), dim(0) / 2, 3);
  for (const [i, depth] of c.depths.entries()) {
    const width = dim(i);
    for (let j = 0; j < depth; j++) {
      const block = `layers.${i}.blocks.${j}`;
      if (i === 0) {
        const hidden = width * c.mbconv_expand_ratio;
        conv(`${block}.conv1`, hidden, width, 1);
        conv(`${block}.conv2`, hidden, 1, 3);
        conv(`${block}.conv3`, width, hidden, 1);
        continue;
      }
      list.set(`${block}.attn.attention_biases`, c.num_heads[i] ?? 0, (c.window_sizes[i] ?? 0) ** 2);
      list.norm(`${block}.attn.norm`, width);
      list.linear(`${block}.attn.qkv`, 3 * width, width);
      list.linear(`${block}.attn.proj`, width, width);
      list.norm(`${block}.mlp.norm`, width);
      list.linear(`${block}.mlp.fc1`, width * c.mlp_ratio, width);
      list.linear(`${block}.mlp.fc2`, width, width * c.mlp_ratio);
      conv(`${block}.local_conv`, width, 1, c.local_conv_size);
    }
    if (i + 1 < c.depths.length) {
      conv(`layers.${i}.downsample.conv1`, dim(i + 1), width, 1);
      conv(`layers.${i}.downsample.conv2`, dim(i + 1), 1, 3);
      conv(`layers.${i}.downsample.conv3`, dim(i + 1), dim(i + 1), 1);
    }
  }
  list.conv('neck.0', c.out_chans, dim(c.depths.length - 1), 1);
  list.norm('neck.1', c.out_chans);
  list.conv('neck.2', c.out_chans, c.out_chans, 3);
  list.norm('neck.3', c.out_chans);
  return list.shapes;
}

function derive(shapes: FoundShapes): { config: Config; keys: Shapes } {
  const official = TINY_VIT_5M;
  const stages = shapes.count(
    'layers',
    'blocks.0.conv1.c.weight',
    'blocks.0.attn.qkv.weight',
    'blocks.0.mlp.fc1.weight',
  );
  const each = <T>(make: (stage: number) => T): T[] => Array.from({ length: Math.max(2, stages) }, (_, i) => make(i));
  const first = shapes.size('layers.0.blocks.0.conv3.c.weight', 0, 64);
  const dims = each((i) =>
    i === 0 ? first : shapes.size(`layers.${i}.blocks.0.mlp.fc1.weight`, 1, official.embed_dims[i] ?? 0),
  );
  const biases = (i: number, axis: number, fallback: number): number =>
    shapes.size(`layers.${Math.max(1, i)}.blocks.0.attn.attention_biases`, axis, fallback);
  const config: TinyVitConfig = {
    embed_dims: dims,
    depths: each((i) =>
      shapes.count(`layers.${i}.blocks`, 'conv1.c.weight', 'attn.qkv.weight', 'attn.proj.weight', 'mlp.fc1.weight'),
    ),
    // Stage 0 has no attention: what its heads and windows are said to be changes nothing.
    num_heads: each((i) => (i === 0 ? Math.max(1, first / 32) : biases(i, 0, official.num_heads[i] ?? 1))),
    window_sizes: each((i) => Math.round(Math.sqrt(biases(i, 1, (official.window_sizes[i] ?? 7) ** 2)))),
    mlp_ratio: shapes.size('layers.1.blocks.0.mlp.fc1.weight', 0, 4 * (dims[1] ?? 0)) / (dims[1] ?? 1),
    mbconv_expand_ratio: shapes.size('layers.0.blocks.0.conv1.c.weight', 0, 4 * first) / first,
    local_conv_size: shapes.size('layers.1.blocks.0.local_conv.c.weight', 2, 3),
    out_chans: shapes.size('neck.0.weight', 0, 256),
  };
  return { config: { ...config }, keys: tinyVitKeys(config) };
}

export const tinyVit: Family = {
  architecture: 'tiny_vit',
  part: 'encoder',
  signature: 'patch_embed.seq.0.c.weight',
  normEps: 1e-5,
  // The classifier of the network that it was distilled from.
  unused: [...UNUSED, /(^|\.)norm_head\.(weight|bias)$/, /(^|\.)head\.(weight|bias)$/],
  derive,
  official: [{ name: 'mobile_sam', config: { ...TINY_VIT_5M }, keys: () => tinyVitKeys(TINY_VIT_5M) }],
};
