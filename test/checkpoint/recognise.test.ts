// Recognition against the key lists of the official checkpoints (manifests.json.gz: shape by key, by architecture).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { recognise } from '../../src/checkpoint/recognise.ts';

type Manifest = Readonly<Record<string, readonly number[]>>;
const manifests = JSON.parse(
  gunzipSync(readFileSync(join(import.meta.dirname, 'manifests.json.gz'))).toString(),
) as Readonly<Record<string, Manifest>>;

const shapesOf = (name: string) => new Map(Object.entries(manifests[name] ?? {}));
/** Official networks of the parts in a file, and how many keys each keeps. */
const found = (shapes: ReadonlyMap<string, readonly number[]>) =>
  Object.fromEntries(recognise(shapes, 'file.pt').map(({ part, official, keys }) => [part, [official, keys.size]]));

const DECODER = ['prompt_guided_mask_decoder', 137];

describe('each official file is recognised, with all keys that inference reads', () => {
  it.each(Object.keys(manifests))('%s', (name) => {
    const shapes = shapesOf(name);
    const read = [...shapes.keys()].filter(
      (key) => !/num_batches_tracked$|^image_encoder\.(norm_)?head\./.test(key),
    ).length;
    const parts = found(shapes);
    if (/^sam_|^mobile_sam$/.test(name)) expect(parts).toEqual({ encoder: [name, read - 137], decoder: DECODER });
    else if (name === 'prompt_guided_mask_decoder') expect(parts).toEqual({ decoder: DECODER });
    else if (name.startsWith('efficientvit')) expect(parts).toEqual({ encoder: [name, read] });
    else expect(parts).toEqual({ detector: [name, read] });
  });
});

describe('names', () => {
  it('of an encoder alone, with and without its prefix, below others, and of a wrapped model', () => {
    const l0 = shapesOf('efficientvit_l0');
    const size = [...l0.keys()].filter((key) => !key.endsWith('num_batches_tracked')).length;
    const renamed = (make: (key: string) => string) => new Map([...l0].map(([key, shape]) => [make(key), shape]));
    for (const make of [
      (key: string) => key,
      (key: string) => `image_encoder.${key}`,
      (key: string) => `net.image_encoder.${key}`,
      (key: string) => `module.${key}`,
    ]) {
      const [part] = recognise(renamed(make), 'l0.pt');
      expect(part?.official).toBe('efficientvit_l0');
      expect(part?.keys.size).toBe(size);
    }
    const [plain] = recognise(l0, 'l0.pt');
    const [below] = recognise(
      renamed((key) => `net.image_encoder.${key}`),
      'l0.pt',
    );
    expect([plain?.prefix, below?.prefix]).toEqual(['', 'image_encoder.']);
    expect(below?.keys.get('image_encoder.norm.weight')).toBe('net.image_encoder.norm.weight');
  });

  it('of MobileSAMv2’s decoder become SAM’s', () => {
    const [part] = recognise(shapesOf('prompt_guided_mask_decoder'), 'Prompt_guided_Mask_Decoder.pt');
    expect(part?.keys.get('mask_decoder.iou_token.weight')).toBe('MaskDecoder.iou_token.weight');
    expect(part?.keys.get('prompt_encoder.no_mask_embed.weight')).toBe('PromtEncoder.no_mask_embed.weight');
  });

  it('of SAM’s constants do no harm', () => {
    const shapes = shapesOf('mobile_sam').set('pixel_mean', [3, 1, 1]).set('pixel_std', [3, 1, 1]);
    expect(found(shapes).encoder?.[0]).toBe('mobile_sam');
  });
});

describe('configs follow from shapes', () => {
  const config = (name: string, part: string) =>
    recognise(shapesOf(name), name).find((one) => one.part === part)?.config;

  it('as the golden cases and the papers have them', () => {
    expect(config('mobile_sam', 'encoder')).toMatchObject({
      embed_dims: [64, 128, 160, 320],
      depths: [2, 2, 6, 2],
      num_heads: [2, 4, 5, 10],
      window_sizes: [7, 7, 14, 7],
    });
    expect(config('sam_vit_h', 'encoder')).toMatchObject({
      embed_dim: 1280,
      depth: 32,
      num_heads: 16,
      global_attn_indexes: [7, 15, 23, 31],
      window_size: 14,
      img_size: 1024,
    });
    expect(config('efficientvit_l2', 'encoder')).toMatchObject({ depth_list: [1, 2, 2, 8, 8], head_depth: 12 });
    expect(config('object_aware_model', 'detector')).toMatchObject({ reg_max: 26, num_classes: 1, prototypes: 0 });
    expect(config('mobile_sam', 'decoder')).toMatchObject({ embed_dim: 256, transformer_depth: 2, mlp_dim: 2048 });
  });

  it('of a network that was never published', () => {
    const shapes = shapesOf('efficientvit_l1');
    for (const key of [...shapes.keys()]) if (key.startsWith('neck.middle.op_list.7.')) shapes.delete(key);
    const [part] = recognise(shapes, 'l1-small.pt');
    expect([part?.official, part?.config]).toMatchObject([undefined, { depth_list: [1, 1, 1, 6, 6], head_depth: 7 }]);
  });

  it('of a detector with classes of its own', () => {
    const shapes = shapesOf('yolov8n');
    for (const level of [0, 1, 2]) {
      shapes.set(`model.22.cv3.${level}.2.weight`, [7, 64, 1, 1]).set(`model.22.cv3.${level}.2.bias`, [7]);
      for (const [i, inputs] of [[64, 128, 256][level] ?? 0, 64].entries()) {
        shapes.set(`model.22.cv3.${level}.${i}.conv.weight`, [64, inputs, 3, 3]);
        for (const key of ['weight', 'bias', 'running_mean', 'running_var'])
          shapes.set(`model.22.cv3.${level}.${i}.bn.${key}`, [64]);
      }
    }
    expect(recognise(shapes, 'own.pt')[0]).toMatchObject({ official: undefined, config: { num_classes: 7 } });
  });
});

describe('what is off is listed, beside the nearest architecture', () => {
  const error = (shapes: ReadonlyMap<string, readonly number[]>): string => {
    try {
      recognise(shapes, 'file.pt');
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'checkpoint' });
      return thrown instanceof Error ? thrown.message : '';
    }
    return 'accepted';
  };

  it.each(Object.keys(manifests))('%s without one key, with another shape, with a key too many', (name) => {
    const keys = Object.keys(manifests[name] ?? {}).filter((key) => !key.endsWith('num_batches_tracked'));
    const [gone = '', bent = ''] = [keys[Math.floor(keys.length / 2)], keys[Math.floor(keys.length / 3)]];
    const shapes = shapesOf(name);
    const shape = shapes.get(bent) ?? [];
    shapes.delete(gone);
    shapes.set(bent, [...shape, 1]);
    // A key below the same part as its neighbour.
    shapes.set(`${gone}.more`, [1]);
    const upstream = (key: string) =>
      key.replace('PromtEncoder', 'prompt_encoder').replace('MaskDecoder', 'mask_decoder');
    const message = error(shapes);
    expect(message).toContain(`nearest known architecture: ${name}:`);
    expect(message).toContain('1 keys missing, 1 misshapen, 1 extra');
    expect(message).toContain(`missing ${upstream(gone)}`);
    expect(message).toContain(
      `misshapen ${upstream(bent)} [${[...shape, 1].join(', ')}], expected [${shape.join(', ')}]`,
    );
    expect(message).toContain(`extra ${upstream(gone)}.more`);
  });

  it('without the key that tells the family', () => {
    const shapes = shapesOf('sam_vit_b');
    shapes.delete('image_encoder.patch_embed.proj.weight');
    shapes.delete('mask_decoder.mask_tokens.weight');
    expect(error(shapes)).toMatch(/nearest known architecture: sam_vit_b, with 176 of its keys: /);
  });

  it('of a network of another kind', () => {
    expect(error(new Map([['fc.weight', [2, 2]]]))).toMatch(/none of its 1 keys \(fc\.weight/);
  });

  it('that belongs to no part', () => {
    expect(error(shapesOf('mobile_sam').set('text_encoder.weight', [3]))).toMatch(
      /has mobile_sam and prompt_guided_mask_decoder, and keys besides[\s\S]*extra text_encoder\.weight/,
    );
  });
});
