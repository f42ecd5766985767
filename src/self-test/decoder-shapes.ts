// Keys and shapes of SAM's prompt encoder and mask decoder for its constructor's hyper-parameters.

/** Hyper-parameters of the prompt encoder and mask decoder. */
export interface DecoderShapeConfig {
  readonly embed_dim: number;
  readonly mask_in_chans: number;
  readonly transformer_depth: number;
  readonly mlp_dim: number;
  readonly num_multimask_outputs: number;
  readonly iou_head_depth: number;
  readonly iou_head_hidden_dim: number;
}

export function decoderShapes(c: DecoderShapeConfig): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  const set = (key: string, ...shape: number[]): void => void shapes.set(key, shape);
  const linear = (key: string, out: number, inputs: number): void => {
    set(`${key}.weight`, out, inputs);
    set(`${key}.bias`, out);
  };
  const norm = (key: string, width: number): void => {
    set(`${key}.weight`, width);
    set(`${key}.bias`, width);
  };
  const d = c.embed_dim;
  const prompt = 'prompt_encoder';
  set(`${prompt}.pe_layer.positional_encoding_gaussian_matrix`, 2, d / 2);
  for (let i = 0; i < 4; i++) set(`${prompt}.point_embeddings.${i}.weight`, 1, d);
  set(`${prompt}.not_a_point_embed.weight`, 1, d);
  set(`${prompt}.no_mask_embed.weight`, 1, d);
  const m = c.mask_in_chans;
  const conv = (key: string, out: number, inputs: number, k: number): void => {
    set(`${prompt}.mask_downscaling.${key}.weight`, out, inputs, k, k);
    set(`${prompt}.mask_downscaling.${key}.bias`, out);
  };
  conv('0', m / 4, 1, 2);
  norm(`${prompt}.mask_downscaling.1`, m / 4);
  conv('3', m, m / 4, 2);
  norm(`${prompt}.mask_downscaling.4`, m);
  conv('6', d, m, 1);
  const decoder = 'mask_decoder';
  const attention = (key: string, inner: number): void => {
    for (const p of ['q_proj', 'k_proj', 'v_proj']) linear(`${key}.${p}`, inner, d);
    linear(`${key}.out_proj`, d, inner);
  };
  const transformer = `${decoder}.transformer`;
  for (let i = 0; i < c.transformer_depth; i++) {
    const layer = `${transformer}.layers.${i}`;
    attention(`${layer}.self_attn`, d);
    attention(`${layer}.cross_attn_token_to_image`, d / 2);
    attention(`${layer}.cross_attn_image_to_token`, d / 2);
    linear(`${layer}.mlp.lin1`, c.mlp_dim, d);
    linear(`${layer}.mlp.lin2`, d, c.mlp_dim);
    for (let n = 1; n <= 4; n++) norm(`${layer}.norm${n}`, d);
  }
  attention(`${transformer}.final_attn_token_to_image`, d / 2);
  norm(`${transformer}.norm_final_attn`, d);
  const masks = c.num_multimask_outputs + 1;
  set(`${decoder}.iou_token.weight`, 1, d);
  set(`${decoder}.mask_tokens.weight`, masks, d);
  set(`${decoder}.output_upscaling.0.weight`, d, d / 4, 2, 2);
  set(`${decoder}.output_upscaling.0.bias`, d / 4);
  norm(`${decoder}.output_upscaling.1`, d / 4);
  set(`${decoder}.output_upscaling.3.weight`, d / 4, d / 8, 2, 2);
  set(`${decoder}.output_upscaling.3.bias`, d / 8);
  const mlp = (key: string, hidden: number, out: number, depth: number): void => {
    for (let l = 0; l < depth; l++) linear(`${key}.layers.${l}`, l === depth - 1 ? out : hidden, l === 0 ? d : hidden);
  };
  for (let i = 0; i < masks; i++) mlp(`${decoder}.output_hypernetworks_mlps.${i}`, d, d / 8, 3);
  mlp(`${decoder}.iou_prediction_head`, c.iou_head_hidden_dim, masks, c.iou_head_depth);
  return shapes;
}
