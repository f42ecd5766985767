// Golden component `decoder`: prompt encoder and mask decoder on a procedural embedding.
import { MaskDecoder } from '../../src/model/decoder.ts';
import { densePositions } from '../../src/model/fourier.ts';
import type { DecoderConfig } from '../../src/model/mask-decoder.ts';
import { disposeImage } from '../../src/model/photo.ts';
import { framePrompt, sparseTokens } from '../../src/model/prompt-encoder.ts';
import { at, UNUSED_KEYS, Weights } from '../../src/model/weights.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import { WeightStore } from '../../src/runtime/weight-store.ts';
import { compareOutput, type OutputEntry, toChannelsFirst, toChannelsLast, tolerances } from './compare.ts';
import { type InputEntry, readInput } from './inputs.ts';
import { proceduralSource } from './procedural.ts';
import { type DecoderShapeConfig, decoderShapes } from './shapes.ts';
import type { CheckLine, GoldenCase } from './types.ts';

interface DecoderCase {
  readonly config: DecoderShapeConfig & {
    readonly num_heads: number;
    readonly image_embedding_size: number;
    readonly input_image_size: number;
  };
  readonly weights: { readonly seed: number; readonly overrides?: string };
  readonly inputs: {
    readonly embedding: InputEntry;
    readonly multimask: boolean;
    readonly point_coords?: InputEntry;
    readonly point_labels?: InputEntry;
    readonly boxes?: InputEntry;
    readonly mask_input?: InputEntry;
  };
  readonly outputs: Readonly<Record<string, OutputEntry>>;
}

export async function verifyDecoder(
  engine: Engine,
  c: GoldenCase,
  options: { precision: Precision },
): Promise<CheckLine[]> {
  const json = c.json as DecoderCase;
  const { precision } = options;
  const { config, inputs, outputs } = json;
  const { seed } = json.weights;
  const file = await c.tensors();
  const read = async (entry: InputEntry | undefined) =>
    entry === undefined ? undefined : await readInput(entry, seed, file);
  const source = proceduralSource(decoderShapes(config), seed, json.weights.overrides ? file : undefined);
  const w = Weights.of(source);
  const store = new WeightStore();
  const decoder = new MaskDecoder(engine, w, store, precision, config as DecoderConfig, config.input_image_size);
  w.assertComplete(c.id, '', UNUSED_KEYS);
  const side = config.image_embedding_size;
  const width = config.embed_dim;
  const embedding = await readInput(inputs.embedding, seed, file);
  const image = {
    embedding: engine.createTensor('embedding', [1, side, side, width], 'elem', precision),
    fine: undefined,
    sides: new Map(),
  };
  engine.write(image.embedding, toChannelsLast(embedding.data, 1, width));
  try {
    const [points, labels, boxes, masks] = await Promise.all([
      read(inputs.point_coords),
      read(inputs.point_labels),
      read(inputs.boxes),
      read(inputs.mask_input),
    ]);
    const batch = points?.shape[0] ?? boxes?.shape[0] ?? masks?.shape[0] ?? 1;
    const perPrompt = points?.shape[1] ?? 0;
    const prompts = Array.from({ length: batch }, (_, b) => {
      const list = Array.from({ length: points ? perPrompt : 0 }, (_, i) => ({
        x: at(points?.data ?? [], (b * perPrompt + i) * 2),
        y: at(points?.data ?? [], (b * perPrompt + i) * 2 + 1),
        label: at(labels?.data ?? [], b * perPrompt + i) as -1 | 0 | 1,
      }));
      return framePrompt(list, boxes ? Array.from(boxes.data.subarray(b * 4, b * 4 + 4)) : undefined);
    });
    const area = decoder.lowSide ** 2;
    const maskInputs = masks ? prompts.map((_, b) => masks.data.slice(b * area, (b + 1) * area)) : undefined;
    const taps = masks !== undefined && 'dense' in outputs ? new Set(['dense']) : undefined;
    const got = new Map<string, ArrayLike<number>>();
    const tables = await decoder.tables();
    got.set('sparse', Float32Array.from(prompts.flatMap((p) => Array.from(sparseTokens(tables, p)))));
    got.set('dense_pe', toChannelsFirst(densePositions(side, tables.matrix), 1, width));
    if (masks === undefined) {
      const none = await source.read('prompt_encoder.no_mask_embed.weight');
      const pixels = side * side;
      got.set(
        'dense',
        Float32Array.from({ length: batch * width * pixels }, (_, i) => at(none, Math.floor(i / pixels) % width)),
      );
    }
    const count = inputs.multimask ? config.num_multimask_outputs : 1;
    const low = new Float32Array(batch * count * area);
    const iou = new Float32Array(batch * count);
    const dense = new Float32Array(batch * side * side * width);
    await decoder.decode(
      image,
      prompts,
      { multimask: inputs.multimask, ...(maskInputs ? { maskInputs } : {}), ...(taps ? { taps } : {}) },
      async (result) => {
        const logits = await engine.read(result.logits, result.count * count * area);
        low.set(logits, result.first * count * area);
        iou.set(result.iou, result.first * count);
        if (taps) {
          const part = side * side * width;
          dense.set(await engine.read(result.plan.tensor('tap:dense'), result.count * part), result.first * part);
        }
      },
    );
    if (taps) got.set('dense', toChannelsFirst(dense, batch, width));
    got.set('low_res_masks', low);
    got.set('iou', iou);
    const lines: CheckLine[] = [];
    for (const [name, entry] of Object.entries(outputs)) {
      lines.push(...(await compareOutput(name, got.get(name) ?? [], entry, file, tolerances(precision))));
    }
    return lines;
  } finally {
    decoder.dispose();
    disposeImage(image);
    store.dispose();
  }
}
