// What plans say of their bytes, for official MobileSAM at its full size.
import { proceduralSource } from '../../cli/verify/procedural.ts';
import { decoderShapes, tinyVitShapes } from '../../cli/verify/shapes.ts';
import { Model } from '../../src/model/model.ts';
import { MORE_ENCODERS } from '../../src/model/more-encoders.ts';
import type { Tasks } from '../tasks.ts';

const ENCODER = {
  img_size: 1024,
  embed_dims: [64, 128, 160, 320],
  depths: [2, 2, 6, 2],
  num_heads: [2, 4, 5, 10],
  window_sizes: [7, 7, 14, 7],
  mlp_ratio: 4,
  mbconv_expand_ratio: 4,
  local_conv_size: 3,
};
const DECODER = {
  embed_dim: 256,
  num_heads: 8,
  mask_in_chans: 16,
  transformer_depth: 2,
  mlp_dim: 2048,
  num_multimask_outputs: 3,
  iou_head_depth: 3,
  iou_head_hidden_dim: 256,
};

const tasks: Tasks = {
  mobileSam: async ({ engine }, { prompts }: { prompts: number }) => {
    const part = (architecture: string, config: Readonly<Record<string, unknown>>, prefix: string) => ({
      file: 'mobile_sam.safetensors',
      architecture,
      config,
      prefix,
    });
    const parts = { encoder: part('tiny_vit', {}, 'image_encoder.'), decoder: part('sam_decoder', DECODER, '') };
    const model = new Model(
      await engine(),
      {
        description: {
          name: 'mobile-sam',
          imageSize: 1024,
          pixelMean: [123.675, 116.28, 103.53],
          pixelStd: [58.395, 57.12, 57.375],
          maskThreshold: 0,
          licence: 'Apache-2.0',
          parts,
        },
        parts: {
          encoder: { description: parts.encoder, source: proceduralSource(tinyVitShapes(ENCODER), 1), sha256: '' },
          decoder: { description: parts.decoder, source: proceduralSource(decoderShapes(DECODER), 1), sha256: '' },
        },
      },
      { activations: 'f32', weights: 'f32' },
      MORE_ENCODERS,
    );
    const { encoder, decoder, total } = model.bytes(prompts);
    model.dispose();
    return { encoder: { ...encoder }, decoder: { ...decoder }, total };
  },
};

export default tasks;
