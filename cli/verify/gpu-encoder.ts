// Golden component `encoder/*`: a procedural image through the product's encoder graph, stages tapped.
import { encoderArchitecture, encodersFor } from '../../src/model/encoders.ts';
import { type TensorSource, Weights } from '../../src/model/weights.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import { Graph } from '../../src/runtime/graph.ts';
import { Plan } from '../../src/runtime/plan.ts';
import type { TensorFile } from '../../src/runtime/safetensors.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import { WeightStore } from '../../src/runtime/weight-store.ts';
import {
  compareOutput,
  compareValues,
  movedByOneBit,
  type OutputEntry,
  toChannelsFirst,
  toChannelsLast,
  tolerances,
} from './compare.ts';
import { type InputEntry, readInput } from './inputs.ts';
import { proceduralSource } from './procedural.ts';
import {
  type EfficientVitConfig,
  efficientVitShapes,
  type Shapes,
  type TinyVitConfig,
  tinyVitShapes,
  type VitConfig,
  vitShapes,
} from './shapes.ts';
import { type CheckLine, type GoldenCase, largestError, standardDeviation } from './types.ts';

interface EncoderCase {
  readonly component: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: { readonly seed: number; readonly overrides?: string };
  readonly inputs: { readonly image: InputEntry };
  readonly outputs: Readonly<Record<string, OutputEntry>>;
}

const ARCHITECTURES: Readonly<Record<string, { name: string; shapes: (config: never) => Shapes }>> = {
  'encoder/tinyvit': { name: 'tiny_vit', shapes: (config: TinyVitConfig) => tinyVitShapes(config) },
  'encoder/vit': { name: 'vit', shapes: (config: VitConfig) => vitShapes(config) },
  'encoder/efficientvit': {
    name: 'efficientvit',
    shapes: (config: EfficientVitConfig) => efficientVitShapes(config),
  },
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

const SINGLE: Precision = { activations: 'f32', weights: 'f32' };

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

/** Compares the embedding and the stages in `compared`. */
async function runEncoder(r: EncoderRun, side: number, compared: ReadonlySet<string>): Promise<CheckLine[]> {
  const { engine, c, json, source, precision, data, file } = r;
  const w = Weights.of(source, 'image_encoder.');
  const architecture = encoderArchitecture(r.architecture, await encodersFor(r.architecture));
  const attention = compared.size > 0 ? firstAttention(json) : undefined;
  const taps = attention === undefined ? compared : new Set([...compared, attention]);
  const g = new Graph({ taps, tiling: engine.tiling });
  const image = g.input('image', [1, side, side, 4]);
  const [final, { shape }] = Object.entries(json.outputs).at(-1) as [string, OutputEntry];
  const out = g.output('embedding', [1, ...shape.slice(2), architecture.width(w)]);
  architecture.build(g, image, w, out, json.config);
  w.assertComplete(c.id, 'image_encoder.', architecture.unused);
  const input = toChannelsLast(data, 1, 3, 4);
  const stages = [...taps, final];
  const limit = tolerances(precision);
  const lineOf = (name: string): string => (taps.size === 0 ? `${name}, no stage kept` : name);
  return withPlan(r, g, precision, stages, async (pass) => {
    const got = await pass(input);
    const lines: CheckLine[] = [];
    for (const name of [...compared, final]) {
      lines.push(...(await compareOutput(lineOf(name), got.get(name) ?? [], outputOf(json, name), file, limit)));
    }
    const bias = attention && (await source.read(`image_encoder.${attention}.proj.norm.bias`));
    const means = attention && bias && meansLine(attention, got.get(attention), bias, limit.max);
    if (means) lines.push(means);
    if (lines.every((line) => line.error <= line.tolerance)) return lines;
    let [own, moved] = [got, await pass(movedByOneBit(input, precision))];
    // What left the range of float16 does not tell how far it moves; float32 does, for the same change of the input.
    if (precision.activations === 'f16' && lines.some((line) => Number.isNaN(line.error))) {
      [own, moved] = await withPlan(r, g, SINGLE, stages, async (single) => [
        await single(input),
        await single(movedByOneBit(input, precision)),
      ]);
    }
    const rounding = new Map<string, number>(
      [...compared, final].flatMap((name) =>
        compareValues(lineOf(name), moved.get(name) ?? [], own.get(name) ?? [], outputOf(json, name).std, limit).map(
          ({ output, error }): [string, number] => [output, error],
        ),
      ),
    );
    const attended = attention && own.get(attention);
    if (means && attended) {
      const line = meansLine(attention, moved.get(attention), channelMeans(attended, bias?.length ?? 0), limit.max);
      rounding.set(means.output, line.error);
    }
    return lines.map((line) => {
      const error = rounding.get(line.output);
      return line.error <= line.tolerance || error === undefined ? line : { ...line, rounding: error };
    });
  });
}

type Pass = (pixels: Float32Array) => Promise<Map<string, Float32Array>>;

/** `use` gets what runs the graph and returns its stages. */
async function withPlan<T>(
  { engine, json }: EncoderRun,
  g: Graph,
  precision: Precision,
  stages: readonly string[],
  use: (pass: Pass) => Promise<T>,
): Promise<T> {
  const store = new WeightStore();
  try {
    const plan = await Plan.build(engine, g, { weights: store, precision });
    try {
      return await use(async (pixels) => {
        await engine.run(plan, { before: () => engine.write(plan.tensor('image'), pixels) });
        const values = new Map<string, Float32Array>();
        for (const name of stages) values.set(name, await readStage(engine, plan, json, name, name === stages.at(-1)));
        return values;
      });
    } finally {
      plan.dispose();
    }
  } finally {
    store.dispose();
  }
}

function outputOf(json: EncoderCase, name: string): OutputEntry {
  return json.outputs[name] as OutputEntry;
}

/** A stage in the reference's layout. Maps are NCHW upstream, tokens are channels last; patches and blocks of ViT are [B, H, W, C]. */
async function readStage(
  engine: Engine,
  plan: Plan,
  json: EncoderCase,
  name: string,
  final: boolean,
): Promise<Float32Array> {
  const tensor = plan.tensor(final ? 'embedding' : `tap:${name}`);
  const values = await engine.read(tensor);
  const map = tensor.shape.length === 4 && (json.outputs[name]?.shape.length ?? 4) === 4;
  const first = map && (json.component !== 'encoder/vit' || final);
  return first ? toChannelsFirst(values, 1, tensor.shape.at(-1) as number) : values;
}

/** EfficientViT's first linear attention, in a case that holds the statistics of its norms. */
function firstAttention(json: EncoderCase): string | undefined {
  if (json.component !== 'encoder/efficientvit' || json.weights.overrides === undefined) return undefined;
  const { depth_list: depths } = json.config as unknown as EfficientVitConfig;
  return `backbone.stages.${depths.length - 1}.op_list.1.context_module.main`;
}

/**
 * The case's running means are those of the reference's own activations. So behind the norm the mean of every channel over all positions is
 * the norm's bias: numbers of the reference in the middle of a stage of which only the end is stored. In units of the map's deviation.
 */
function meansLine(
  name: string,
  map: Float32Array = new Float32Array(),
  want: ArrayLike<number>,
  tolerance: number,
): CheckLine {
  const means = channelMeans(map, want.length);
  return { output: `${name} (means)`, error: largestError(means, want, standardDeviation(map)), tolerance };
}

/** Of a map [C, positions]. */
function channelMeans(map: Float32Array, channels: number): number[] {
  const positions = map.length / channels;
  return Array.from({ length: channels }, (_, c) => {
    let sum = 0;
    for (let n = 0; n < positions; n++) sum += map[c * positions + n] ?? Number.NaN;
    return sum / positions;
  });
}
