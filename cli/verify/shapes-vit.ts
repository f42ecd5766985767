// Keys and shapes of SAM's ViT encoder (reference: segment_anything/modeling/image_encoder.py).
import type { Shapes } from './shapes.ts';

/** Hyper-parameters as the constructor of SAM's ImageEncoderViT names them. */
export interface VitShapeConfig {
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

export function vitShapes(c: VitShapeConfig, prefix = 'image_encoder.'): Shapes {
  const shapes: Shapes = new Map();
  const set = (key: string, ...shape: number[]): void => void shapes.set(prefix + key, shape);
  const affine = (key: string, width: number): void => {
    set(`${key}.weight`, width);
    set(`${key}.bias`, width);
  };
  const linear = (key: string, out: number, inputs: number): void => {
    set(`${key}.weight`, out, inputs);
    set(`${key}.bias`, out);
  };
  const width = c.embed_dim;
  const side = c.img_size / c.patch_size;
  set('pos_embed', 1, side, side, width);
  set('patch_embed.proj.weight', width, 3, c.patch_size, c.patch_size);
  set('patch_embed.proj.bias', width);
  for (let i = 0; i < c.depth; i++) {
    const extent = c.global_attn_indexes.includes(i) || c.window_size === 0 ? side : c.window_size;
    affine(`blocks.${i}.norm1`, width);
    for (const axis of ['h', 'w']) set(`blocks.${i}.attn.rel_pos_${axis}`, 2 * extent - 1, width / c.num_heads);
    linear(`blocks.${i}.attn.qkv`, 3 * width, width);
    linear(`blocks.${i}.attn.proj`, width, width);
    affine(`blocks.${i}.norm2`, width);
    linear(`blocks.${i}.mlp.lin1`, width * c.mlp_ratio, width);
    linear(`blocks.${i}.mlp.lin2`, width, width * c.mlp_ratio);
  }
  set('neck.0.weight', c.out_chans, width, 1, 1);
  affine('neck.1', c.out_chans);
  set('neck.2.weight', c.out_chans, c.out_chans, 3, 3);
  affine('neck.3', c.out_chans);
  return shapes;
}
