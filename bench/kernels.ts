// The benchmark's half in the page: profiles the graphs of bench/kernels/*.bench.ts, each beside the fma peak of the same moment.
import { Engine } from '../src/runtime/engine.ts';
import { Graph } from '../src/runtime/graph.ts';
import { Plan } from '../src/runtime/plan.ts';
import { WeightStore } from '../src/runtime/weight-store.ts';
import { fmaPeak } from './kernels/fma-peak.ts';

/** One launch of a row. */
export interface Measured {
  readonly kernel: string;
  readonly row: string;
  readonly label: string;
  readonly milliseconds: number;
  readonly gflops: number;
  /** GFLOP/s of dependent fused multiply-adds, measured just before and after the row; the larger of the two. */
  readonly peak: number;
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

async function profile(g: Graph): Promise<{ label: string; milliseconds: number; gflops: number }[]> {
  const e = await engine();
  const store = new WeightStore();
  const plan = await Plan.build(e, g, { weights: store, precision: F32 });
  try {
    return (await e.profile(plan, { repeats: 5 })).map(({ label, milliseconds, gflops }) => ({
      label,
      milliseconds,
      gflops,
    }));
  } finally {
    plan.dispose();
    store.dispose();
  }
}

/** GFLOP/s of fused multiply-adds in that many independent chains. */
async function peak(chains: number): Promise<number> {
  const g = new Graph();
  fmaPeak(g, chains);
  return (await profile(g))[0]?.gflops ?? Number.NaN;
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
    const before = await peak(1);
    const times = await profile(g);
    const ceiling = Math.max(before, await peak(1));
    return times.map((time) => ({ kernel, row, ...time, peak: ceiling }));
  },
};

export type Api = typeof api;
Object.assign(globalThis, { bench: api });
