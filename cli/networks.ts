// What the published networks take: parameters, work and memory, from the same graphs that run, without a GPU.
import type { Part, Shapes } from '../src/checkpoint/architectures/keys.ts';
import { OFFICIAL } from '../src/checkpoint/official.ts';
import { FAMILIES } from '../src/checkpoint/recognise.ts';
import { encoderArchitecture, encodersFor } from '../src/model/encoders.ts';
import { type TensorSource, Weights } from '../src/model/weights.ts';
import { decodeLevels, yolov8, yolov8Segmentation } from '../src/model/yolov8.ts';
import { Graph } from '../src/runtime/graph.ts';
import { largestBinding, planBytes } from '../src/runtime/plan.ts';

/** What a network takes of a device, bytes. */
export interface NetworkMemory {
  /** Weights, working memory and what goes in and out, for one photo. */
  readonly total: number;
  readonly weights: number;
  /** The largest tensor that a kernel binds. */
  readonly largestBinding: number;
}

export interface NetworkFigures {
  /** As model.json and the converter name it. */
  readonly name: string;
  readonly title: string;
  readonly part: Part;
  readonly architecture: string;
  readonly parameters: number;
  /** Multiply-adds for one photo at 1024 x 1024; null for a decoder, whose work depends on the prompts. */
  readonly macs: number | null;
  readonly memory: { readonly f32: NetworkMemory; readonly f16: NetworkMemory } | null;
  /** The file that its authors publish, which `segevery convert` reads. */
  readonly file: string;
  readonly source: string;
  readonly licence: string;
}

const SIDE = 1024;
const EMBEDDING = 64; // side of the embedding
const PRODUCTS = /matmul|conv|attention|rel-pos/;
const STATISTICS = /\.(running_mean|running_var|num_batches_tracked)$/;

/** Every published network that the converter knows, in the order of the encoders, decoders and detectors. */
export async function networks(): Promise<NetworkFigures[]> {
  const all: NetworkFigures[] = [];
  for (const family of FAMILIES) {
    for (const { name, config, keys } of family.official) {
      const known = OFFICIAL[name];
      const [file] = known?.files ?? [];
      if (known === undefined || file === undefined) continue;
      const shapes = keys();
      const graph = await graphOf(family.part, family.architecture, shapes, config);
      all.push({
        name,
        title: known.title,
        part: family.part,
        architecture: family.architecture,
        parameters: parametersOf(shapes),
        macs: graph ? macsOf(graph) : null,
        memory: graph ? { f32: memoryOf(graph, 'f32'), f16: memoryOf(graph, 'f16') } : null,
        file: file.file,
        source: known.source,
        licence: known.licence,
      });
    }
  }
  const order: Readonly<Record<Part, number>> = { encoder: 0, decoder: 1, detector: 2 };
  return all.sort((a, b) => order[a.part] - order[b.part]);
}

async function graphOf(
  part: Part,
  name: string,
  shapes: Shapes,
  config: Readonly<Record<string, unknown>>,
): Promise<Graph | undefined> {
  if (part === 'decoder') return undefined;
  const g = new Graph({ tiling: 'workgroup' });
  const w = Weights.of(sourceOf(shapes));
  const image = g.input('image', [1, SIDE, SIDE, 4]);
  if (part === 'encoder') {
    const architecture = encoderArchitecture(name, await encodersFor(name));
    const out = g.output('embedding', [1, EMBEDDING, EMBEDDING, architecture.width(w)]);
    architecture.build(g, image, w, out, config);
    return g;
  }
  if (w.has('model.22.proto.cv1.conv.weight')) {
    const { levels, prototypes } = yolov8Segmentation(g, image, w);
    g.keep('prototypes', prototypes);
    for (const [i, { coefficients }] of levels.entries()) if (coefficients) g.keep(`coefficients${i}`, coefficients);
    decodeLevels(g, levels, 1);
  } else
    decodeLevels(g, yolov8(g, image, w), w.at('model', 22, 'cv3', 0).shape('2.weight', [1, 64, 1, 1])[0] as number);
  return g;
}

/** Shapes alone: nothing is ever read. */
function sourceOf(shapes: Shapes): TensorSource {
  return {
    names: [...shapes.keys()],
    has: (name) => shapes.has(name),
    shape: (name) => shapes.get(name) ?? [],
    read: async (name) => {
      throw new Error(`${name}: there are no weights here`);
    },
  };
}

function parametersOf(shapes: Shapes): number {
  let total = 0;
  for (const [name, shape] of shapes) if (!STATISTICS.test(name)) total += shape.reduce((a, b) => a * b, 1);
  return total;
}

function macsOf(graph: Graph): number {
  const products = graph.launches.filter(({ shader }) => PRODUCTS.test(shader.name));
  return products.reduce((sum, { cost }) => sum + cost.flops / 2, 0);
}

function memoryOf(graph: Graph, dtype: 'f32' | 'f16'): NetworkMemory {
  const precision = { activations: dtype, weights: dtype };
  const { total, weights } = planBytes(graph, precision);
  return { total, weights, largestBinding: largestBinding(graph, precision).bytes };
}
