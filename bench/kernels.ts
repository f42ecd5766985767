// The benchmark's half in the page: profiles the graphs of bench/kernels/*.bench.ts, each beside the fma peak of the same moment.
import { Engine } from '../src/runtime/engine.ts';
import { Graph } from '../src/runtime/graph.ts';
import { Plan } from '../src/runtime/plan.ts';
import type { LaunchTime } from '../src/runtime/profiler.ts';
import { WeightStore } from '../src/runtime/weight-store.ts';
import { fmaPeak } from './kernels/fma-peak.ts';
import { median } from './median.ts';

/** One launch of a row. */
export interface Measured {
  readonly kernel: string;
  readonly row: string;
  readonly label: string;
  /** Medians of the rounds. */
  readonly milliseconds: number;
  readonly gflops: number;
  /** GFLOP/s of dependent fused multiply-adds, the median of those measured between the rounds. */
  readonly peak: number;
  /** The row's speed by the mean of the peaks before and after it, the median of the rounds: machines change their speed meanwhile. */
  readonly share: number;
}

interface BenchFile {
  readonly default: Readonly<Record<string, (g: Graph) => void>>;
  /** Batch that the rows are built for; 1 unless said. */
  readonly capacity?: number;
  /** Register tiles that the rows have in their models; small ones unless said. */
  readonly tiles?: 'small' | 'large';
}

const files = import.meta.glob<BenchFile>('./kernels/*.bench.ts');
const F32 = { activations: 'f32', weights: 'f32' } as const;
let shared: Promise<Engine> | undefined;
let tiling: 'register' | 'workgroup' = 'register';

async function engine(): Promise<Engine> {
  shared ??= Engine.create();
  return shared;
}

const ROUNDS = 5;
const PEAK_GROUPS = 128; // so that it takes about as long as a row

/** Runs `use` with a plan of the graph. */
async function withPlan<T>(g: Graph, use: (plan: Plan) => Promise<T>): Promise<T> {
  const store = new WeightStore();
  const plan = await Plan.build(await engine(), g, { weights: store, precision: F32 });
  try {
    return await use(plan);
  } finally {
    plan.dispose();
    store.dispose();
  }
}

const once = async (plan: Plan): Promise<LaunchTime[]> => (await engine()).profile(plan, { repeats: 1 });

/** Runs `use` with a plan of fused multiply-adds in that many independent chains. */
function withPeak<T>(chains: number, use: (plan: Plan) => Promise<T>): Promise<T> {
  const g = new Graph();
  fmaPeak(g, chains, PEAK_GROUPS);
  return withPlan(g, use);
}

const speedOf = ([time]: readonly LaunchTime[]): number => time?.gflops ?? Number.NaN;

/** GFLOP/s of fused multiply-adds, the median of some rounds. */
async function peak(chains: number): Promise<number> {
  return withPeak(chains, async (plan) => speedOf(await (await engine()).profile(plan, { repeats: ROUNDS })));
}

const api = {
  async start(o: { tiling: 'register' | 'workgroup' }) {
    tiling = o.tiling;
    const { adapter, features } = await engine();
    return { adapter, features, peaks: { dependent: await peak(1), chains2: await peak(2), chains4: await peak(4) } };
  },

  /** Kernels and their rows. */
  async list(): Promise<[string, string[]][]> {
    const all = Object.entries(files).map(async ([path, load]): Promise<[string, string[]]> => {
      return [path.replace(/^.*\/|\.bench\.ts$/g, ''), Object.keys((await load()).default)];
    });
    return Promise.all(all);
  },

  async row(kernel: string, row: string): Promise<Measured[]> {
    const file = await files[`./kernels/${kernel}.bench.ts`]?.();
    const build = file?.default[row];
    if (file === undefined || build === undefined) throw new Error(`no row ${kernel}: ${row}`);
    const g = new Graph({ capacity: file.capacity ?? 1, tiling, tiles: file.tiles ?? 'small' });
    build(g);
    return withPlan(g, (plan) =>
      withPeak(1, async (ceiling) => {
        await once(plan); // its pipelines' first run
        const peaks = [speedOf(await once(ceiling))];
        const rounds: LaunchTime[][] = [];
        for (let round = 0; round < ROUNDS; round++) {
          rounds.push(await once(plan));
          peaks.push(speedOf(await once(ceiling)));
        }
        return plan.launches.map(({ graph: { label } }, i) => {
          const speeds = rounds.map((times) => times[i]?.gflops ?? Number.NaN);
          return {
            kernel,
            row,
            label,
            milliseconds: median(rounds.map((times) => times[i]?.milliseconds ?? Number.NaN)),
            gflops: median(speeds),
            peak: median(peaks),
            share: median(speeds.map((speed, r) => (2 * speed) / ((peaks[r] ?? 0) + (peaks[r + 1] ?? 0)))),
          };
        });
      }),
    );
  },
};

export type Api = typeof api;
Object.assign(globalThis, { bench: api });
