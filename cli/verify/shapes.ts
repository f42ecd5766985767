// Keys and shapes of the official architectures for a case's constructor hyper-parameters.

export { type DecoderShapeConfig, decoderShapes } from '../../src/self-test/decoder-shapes.ts';

export type Shapes = Map<string, readonly number[]>;

/** Hyper-parameters of TinyViT as its constructor names them. */
export interface TinyVitConfig {
  readonly img_size: number;
  readonly embed_dims: readonly number[];
  readonly depths: readonly number[];
  readonly num_heads: readonly number[];
  readonly window_sizes: readonly number[];
  readonly mlp_ratio: number;
  readonly mbconv_expand_ratio: number;
  readonly local_conv_size: number;
  readonly out_chans?: number;
}

export function tinyVitShapes(c: TinyVitConfig, prefix = 'image_encoder.'): Shapes {
  const shapes: Shapes = new Map();
  const set = (key: string, ...shape: number[]): void => void shapes.set(prefix + key, shape);
  const convBn = (key: string, out: number, inputs: number, k: number): void => {
    set(`${key}.c.weight`, out, inputs, k, k);
    for (const stat of ['weight', 'bias', 'running_mean', 'running_var']) set(`${key}.bn.${stat}`, out);
  };
  const linear = (key: string, out: number, inputs: number): void => {
    set(`${key}.weight`, out, inputs);
    set(`${key}.bias`, out);
  };
  const norm = (key: string, width: number): void => {
    set(`${key}.weight`, width);
    set(`${key}.bias`, width);
  };
  const dim = (i: number): number => c.embed_dims[i] as number;
  convBn('patch_embed.seq.0', dim(0) / 2, 3, 3);
  convBn('patch_embed.seq.2', dim(0), dim(0) / 2, 3);
  for (const [i, depth] of c.depths.entries()) {
    const width = dim(i);
    for (let j = 0; j < depth; j++) {
      const block = `layers.${i}.blocks.${j}`;
      if (i === 0) {
        const hidden = width * c.mbconv_expand_ratio;
        convBn(`${block}.conv1`, hidden, width, 1);
        convBn(`${block}.conv2`, hidden, 1, 3);
        convBn(`${block}.conv3`, width, hidden, 1);
        continue;
      }
      set(`${block}.attn.attention_biases`, c.num_heads[i] as number, (c.window_sizes[i] as number) ** 2);
      norm(`${block}.attn.norm`, width);
      linear(`${block}.attn.qkv`, 3 * width, width);
      linear(`${block}.attn.proj`, width, width);
      norm(`${block}.mlp.norm`, width);
      linear(`${block}.mlp.fc1`, width * c.mlp_ratio, width);
      linear(`${block}.mlp.fc2`, width, width * c.mlp_ratio);
      convBn(`${block}.local_conv`, width, 1, c.local_conv_size);
    }
    if (i + 1 < c.depths.length) {
      convBn(`layers.${i}.downsample.conv1`, dim(i + 1), width, 1);
      convBn(`layers.${i}.downsample.conv2`, dim(i + 1), 1, 3);
      convBn(`layers.${i}.downsample.conv3`, dim(i + 1), dim(i + 1), 1);
    }
  }
  const out = c.out_chans ?? 256;
  set('neck.0.weight', out, dim(c.depths.length - 1), 1, 1);
  norm('neck.1', out);
  set('neck.2.weight', out, out, 3, 3);
  norm('neck.3', out);
  return shapes;
}
