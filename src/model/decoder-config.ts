// The decoder's part of model.json.
import { integer } from './description.ts';
import type { DecoderConfig } from './mask-decoder.ts';
import type { Weights } from './weights.ts';

/** The decoder's config, checked; widths follow from the weights where the config is silent. */
export function decoderConfig(config: Readonly<Record<string, unknown>>, w: Weights): DecoderConfig {
  const [, width] = w.at('mask_decoder').shape('mask_tokens.weight', [4, 256]) as [number, number];
  const where = 'decoder config: ';
  const seed = config.seed_mask as { inside?: unknown; outside?: unknown; point_radius?: unknown } | undefined;
  return {
    embed_dim: integer(config.embed_dim, `${where}embed_dim`, 8, 4096, width),
    num_heads: integer(config.num_heads, `${where}num_heads`, 1, 64, 8),
    mask_in_chans: integer(config.mask_in_chans, `${where}mask_in_chans`, 16, 16, 16),
    num_multimask_outputs: integer(config.num_multimask_outputs, `${where}num_multimask_outputs`, 1, 3, 3),
    use_high_res_features: config.use_high_res_features === true,
    ...(seed
      ? {
          seed_mask: {
            inside: Number(seed.inside ?? 4),
            outside: Number(seed.outside ?? -4),
            point_radius: Number(seed.point_radius ?? 2),
          },
        }
      : {}),
  };
}
