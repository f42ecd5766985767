// Golden component `encoder/*`: a procedural image through the product's encoder graph, stages tapped.
import { encoderArchitecture, encodersFor } from '../../src/model/encoders.ts';
import { type TensorSource, Weights } from '../../src/model/weights.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import { Graph } from '../../src/runtime/graph.ts';
import { Plan } from '../../src/runtime/plan.ts';
import type { TensorFile } from '../../src/runtime/safetensors.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import { WeightStore } from '../../src/runtime/weight-store.ts';
import { compareOutput, type OutputEntry, toChannelsFirst, toChannelsLast, tolerances } from './compare.ts';
import { type InputEntry, readInput } from './inputs.ts';
import { proceduralSource } from './procedural.ts';
import { type Shapes, type TinyVitConfig, tinyVitShapes } from './shapes.ts';
import { type VitShapeConfig, vitShapes } from './shapes-vit.ts';
import type { CheckLine, GoldenCase } from './types.ts';

interface EncoderCase {
  readonly component: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: { readonly seed: number; readonly overrides?: string };
  readonly inputs: { readonly image: InputEntry };
  readonly outputs: Readonly<Record<string, OutputEntry>>;
}

const ARCHITECTURES: Readonly<Record<string, { name: string; shapes: (config: never) => Shapes }>> = {
  'encoder/tinyvit': { name: 'tiny_vit', shapes: (config: TinyVitConfig) => tinyVitShapes(config) },
  'encoder/vit': { name: 'vit', shapes: (config: VitShapeConfig) => vitShapes(config) },
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
  const input = await readInput(json.inputs.image, json.weights.seed, file);
  const names = Object.keys(json.outputs);
  const final = names.at(-1) as string;
  const run = { engine, c, json, source, architecture: known.name, precision, data: input.data, file };
  const side = input.shape[2] as number;
  const lines = await runEncoder(run, side, new Set(names.filter((name) => name !== final)));
  // A stage that is looked at may take another path through the graph, and what users run is the other one.
  if (json.component === 'encoder/vit') lines.push(...(await runEncoder(run, side, new Set())));
  return lines;
}

interface EncoderRun {
  readonly engine: Engine;
  readonly c: GoldenCase;
  readonly json: EncoderCase;
  readonly source: TensorSource;
  readonly architecture: string;
  readonly precision: Precision;
  readonly data: Float32Array;
  readonly file: TensorFile;
}

/** Compares the embedding and the stages in `taps`. */
async function runEncoder(r: EncoderRun, side: number, taps: ReadonlySet<string>): Promise<CheckLine[]> {
  const { engine, c, json, source, precision, data, file } = r;
  const w = Weights.of(source, 'image_encoder.');
  const architecture = encoderArchitecture(r.architecture, await encodersFor(r.architecture));
  const g = new Graph({ taps, tiling: engine.tiling });
  const image = g.input('image', [1, side, side, 4]);
  const [final, { shape }] = Object.entries(json.outputs).at(-1) as [string, OutputEntry];
  const out = g.output('embedding', [1, ...shape.slice(2), architecture.width(w)]);
  architecture.build(g, image, w, out, json.config);
  w.assertComplete(c.id, 'image_encoder.', architecture.unused);
  const store = new WeightStore();
  const plan = await Plan.build(engine, g, { weights: store, precision });
  try {
    await engine.run(plan, { before: () => engine.write(plan.tensor('image'), toChannelsLast(data, 1, 3, 4)) });
    const lines: CheckLine[] = [];
    for (const name of [...taps, final]) {
      const entry = json.outputs[name] as OutputEntry;
      const tensor = plan.tensor(name === final ? 'embedding' : `tap:${name}`);
      const values = await engine.read(tensor);
      const channels = tensor.shape.at(-1) as number;
      // Maps are NCHW upstream, tokens are channels last; patches and blocks of ViT are [B, H, W, C].
      const first = entry.shape.length === 4 && (json.component !== 'encoder/vit' || name === final);
      const got = first ? toChannelsFirst(values, 1, channels) : values;
      const line = taps.size === 0 ? `${name}, no stage kept` : name;
      lines.push(...(await compareOutput(line, got, entry, file, tolerances(precision))));
    }
    return lines;
  } finally {
    plan.dispose();
    store.dispose();
  }
}
