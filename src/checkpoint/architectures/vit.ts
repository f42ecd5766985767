// SAM's ViT (segment_anything/modeling/image_encoder.py, build_sam.py).
import { type Config, type Family, type FoundShapes, KeyList, type Shapes, UNUSED } from './keys.ts';

/** Hyper-parameters as upstream’s constructor names them. */
export interface VitConfig {
  readonly img_size: number;
  readonly patch_size: number;
  readonly embed_dim: number;
  readonly depth: number;
  readonly num_heads: number;
  readonly mlp_ratio: number;
  readonly global_attn_indexes: readonly number[];
  readonly window_size: number;
  readonly out_chans: number;
}

const COMMON = { img_size: 1024, patch_size: 16, mlp_ratio: 4, window_size: 14, out_chans: 256 } as const;
const OFFICIAL: Readonly<Record<string, VitConfig>> = {
  sam_vit_b: { ...COMMON, embed_dim: 768, depth: 12, num_heads: 12, global_attn_indexes: [2, 5, 8, 11] },
  sam_vit_l: { ...COMMON, embed_dim: 1024, depth: 24, num_heads: 16, global_attn_indexes: [5, 11, 17, 23] },
  sam_vit_h: { ...COMMON, embed_dim: 1280, depth: 32, num_heads: 16, global_attn_indexes: [7, 15, 23, 31] },
};

/** Keys and shapes of these sizes, as the network’s own file names them. */
export function vitKeys(c: VitConfig): Shapes {
  const list = new KeyList();
  const side = c.img_size / c.patch_size;
  list.set('pos_embed', 1, side, side, c.embed_dim);
  list.conv('patch_embed.proj', c.embed_dim, 3, c.patch_size, true);
  for (let i = 0; i < c.depth; i++) {
    const block = `blocks.${i}`;
    // A block attends within a window, or over all of the map: its tables hold every distance there.
    const rows = 2 * (c.global_attn_indexes.includes(i) ? side : c.window_size) - 1;
    list.norm(`${block}.norm1`, c.embed_dim);
    list.set(`${block}.attn.rel_pos_h`, rows, c.embed_dim / c.num_heads);
    list.set(`${block}.attn.rel_pos_w`, rows, c.embed_dim / c.num_heads);
    list.linear(`${block}.attn.qkv`, 3 * c.embed_dim, c.embed_dim);
    list.linear(`${block}.attn.proj`, c.embed_dim, c.embed_dim);
    list.norm(`${block}.norm2`, c.embed_dim);
    list.linear(`${block}.mlp.lin1`, c.mlp_ratio * c.embed_dim, c.embed_dim);
    list.linear(`${block}.mlp.lin2`, c.embed_dim, c.mlp_ratio * c.embed_dim);
  }
  list.conv('neck.0', c.out_chans, c.embed_dim, 1);
  list.norm('neck.1', c.out_chans);
  list.conv('neck.2', c.out_chans, c.out_chans, 3);
  list.norm('neck.3', c.out_chans);
  return list.shapes;
}

function derive(shapes: FoundShapes): { config: Config; keys: Shapes } {
  const width = shapes.size('patch_embed.proj.weight', 0, 768);
  const patch = shapes.size('patch_embed.proj.weight', 2, 16);
  const depth = shapes.count('blocks', 'attn.qkv.weight', 'attn.proj.weight', 'mlp.lin1.weight');
  const side = shapes.size('pos_embed', 1, 64);
  const extents = Array.from({ length: depth }, (_, i) => (shapes.size(`blocks.${i}.attn.rel_pos_h`, 0, 27) + 1) / 2);
  const window = Math.min(side, ...extents);
  const config: VitConfig = {
    img_size: side * patch,
    patch_size: patch,
    embed_dim: width,
    depth,
    num_heads: width / shapes.size('blocks.0.attn.rel_pos_h', 1, 64),
    mlp_ratio: shapes.size('blocks.0.mlp.lin1.weight', 0, 4 * width) / width,
    global_attn_indexes: extents.flatMap((extent, i) => (extent === window ? [] : [i])),
    window_size: window,
    out_chans: shapes.size('neck.0.weight', 0, 256),
  };
  return { config: { ...config }, keys: vitKeys(config) };
}

export const vit: Family = {
  architecture: 'vit',
  part: 'encoder',
  signature: 'patch_embed.proj.weight',
  normEps: undefined,
  unused: UNUSED,
  derive,
  official: Object.entries(OFFICIAL).map(([name, config]) => ({
    name,
    config: { ...config },
    keys: () => vitKeys(config),
  })),
};
