// Golden component `encoder/*`: a procedural image through the product's encoder graph, stages tapped.
import { encoderArchitecture } from '../../src/model/encoders.ts';
import { UNUSED_KEYS, Weights } from '../../src/model/weights.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import { Graph } from '../../src/runtime/graph.ts';
import { Plan } from '../../src/runtime/plan.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import { WeightStore } from '../../src/runtime/weight-store.ts';
import { compareOutput, type OutputEntry, toChannelsFirst, toChannelsLast, tolerances } from './compare.ts';
import { type InputEntry, readInput } from './inputs.ts';
import { proceduralSource } from './procedural.ts';
import { type Shapes, type TinyVitConfig, tinyVitShapes } from './shapes.ts';
import type { CheckLine, GoldenCase } from './types.ts';

interface EncoderCase {
  readonly component: string;
  readonly config: unknown;
  readonly weights: { readonly seed: number; readonly overrides?: string };
  readonly inputs: { readonly image: InputEntry };
  readonly outputs: Readonly<Record<string, OutputEntry>>;
}

const ARCHITECTURES: Readonly<Record<string, { name: string; shapes: (config: never) => Shapes }>> = {
  'encoder/tinyvit': { name: 'tiny_vit', shapes: (config: TinyVitConfig) => tinyVitShapes(config) },
};

export async function verifyEncoder(
  engine: Engine,
  c: GoldenCase,
  options: { precision: Precision },
): Promise<CheckLine[]> {
  const json = c.json as EncoderCase;
  const known = ARCHITECTURES[json.component];
  if (known === undefined) throw new Error(`${json.component} is not built yet`);
  const { precision } = options;
  const file = await c.tensors();
  const source = proceduralSource(
    known.shapes(json.config as never),
    json.weights.seed,
    json.weights.overrides ? file : undefined,
  );
  const w = Weights.of(source, 'image_encoder.');
  const architecture = encoderArchitecture(known.name);
  const { shape, data } = await readInput(json.inputs.image, json.weights.seed, file);
  const side = shape[2] as number;
  const final = Object.keys(json.outputs).at(-1);
  const taps = new Set(Object.keys(json.outputs).filter((name) => name !== final && name !== 'neck'));
  const g = new Graph({ taps, tiling: engine.tiling });
  const image = g.input('image', [1, side, side, 4]);
  const out = g.output('embedding', [1, side / 16, side / 16, architecture.width(w)]);
  architecture.build(g, image, w, out);
  w.assertComplete(c.id, 'image_encoder.', [...UNUSED_KEYS]);
  const store = new WeightStore();
  const plan = await Plan.build(engine, g, { weights: store, precision });
  try {
    await engine.run(plan, { before: () => engine.write(plan.tensor('image'), toChannelsLast(data, 1, 3, 4)) });
    const lines: CheckLine[] = [];
    for (const [name, entry] of Object.entries(json.outputs)) {
      const tensor = plan.tensor(taps.has(name) ? `tap:${name}` : 'embedding');
      const values = await engine.read(tensor);
      const channels = tensor.shape.at(-1) as number;
      // Maps are NCHW upstream, tokens are channels last; blocks of ViT are [B, H, W, C].
      const first =
        entry.shape.length === 4 &&
        entry.shape[1] === channels &&
        !(json.component === 'encoder/vit' && name !== 'neck');
      const got = first ? toChannelsFirst(values, 1, channels) : values;
      lines.push(...(await compareOutput(name, got, entry, file, tolerances(precision))));
    }
    return lines;
  } finally {
    plan.dispose();
    store.dispose();
  }
}
