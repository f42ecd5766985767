// SAM's prompt encoder and mask decoder (segment_anything/modeling/{prompt_encoder,mask_decoder,transformer}.py).
import { decoderShapes } from '../../self-test/decoder-shapes.ts';
import { type Config, type Family, type FoundShapes, type Shapes, UNUSED } from './keys.ts';

interface SamDecoder {
  readonly embed_dim: number;
  readonly mask_in_chans: number;
  readonly num_multimask_outputs: number;
  readonly transformer_depth: number;
  /** Not in the shapes. */
  readonly num_heads: number;
  readonly mlp_dim: number;
  readonly attention_downsample_rate: number;
  readonly iou_head_depth: number;
  readonly iou_head_hidden_dim: number;
}

const SAM: SamDecoder = {
  embed_dim: 256,
  mask_in_chans: 16,
  num_multimask_outputs: 3,
  transformer_depth: 2,
  num_heads: 8,
  mlp_dim: 2048,
  attention_downsample_rate: 2,
  iou_head_depth: 3,
  iou_head_hidden_dim: 256,
};

function derive(shapes: FoundShapes): { config: Config; keys: Shapes } {
  const width = shapes.size('mask_decoder.mask_tokens.weight', 1, 256);
  const layer = 'mask_decoder.transformer.layers';
  const config: SamDecoder = {
    embed_dim: width,
    mask_in_chans: shapes.size('prompt_encoder.mask_downscaling.3.weight', 0, SAM.mask_in_chans),
    // Counted by their keys: a size may be any number, and a list of so many keys has no end.
    num_multimask_outputs:
      shapes.count('mask_decoder.output_hypernetworks_mlps', ...[0, 1, 2].map((i) => `layers.${i}.weight`)) - 1,
    transformer_depth: shapes.count(layer, 'self_attn.q_proj.weight', 'mlp.lin1.weight'),
    num_heads: SAM.num_heads,
    mlp_dim: shapes.size(`${layer}.0.mlp.lin1.weight`, 0, SAM.mlp_dim),
    attention_downsample_rate: width / shapes.size(`${layer}.0.cross_attn_token_to_image.q_proj.weight`, 0, width / 2),
    iou_head_depth: shapes.count('mask_decoder.iou_prediction_head.layers', 'weight', 'bias'),
    iou_head_hidden_dim: shapes.size('mask_decoder.iou_prediction_head.layers.0.weight', 0, SAM.iou_head_hidden_dim),
  };
  return { config: { ...config }, keys: decoderShapes(config) };
}

export const samDecoder: Family = {
  architecture: 'sam_decoder',
  part: 'decoder',
  signature: 'mask_decoder.mask_tokens.weight',
  normEps: undefined,
  unused: UNUSED,
  derive,
  official: [{ name: 'prompt_guided_mask_decoder', config: { ...SAM }, keys: () => decoderShapes(SAM) }],
};
