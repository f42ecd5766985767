// npm run bench [-- --adapter auto] [--only KERNEL,KERNEL,segevery,convert,evaluate] [--row TEXT] [--tiling workgroup]: profiles the kernels at the models' shapes in
// headless Chrome, prints each launch with its share of the fma peak, and writes bench/results/DATE-ADAPTER.json; then SegEvery (segevery.ts), where
// --resume goes on with what an earlier run has measured, and --quick extrapolates from fewer prompts.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBrowserPage } from './browser-page.ts';
import { benchConvert } from './convert.ts';
import { benchEvaluate } from './evaluate.ts';
import type { Api, Measured } from './kernels.ts';
import { benchSegEvery } from './segevery.ts';
import { type SegEveryResult, withCosts } from './segevery-table.ts';

const ROOT = join(import.meta.dirname, '..');

const { values: options } = parseArgs({
  options: {
    adapter: { type: 'string', default: 'software' },
    only: { type: 'string', default: '' },
    row: { type: 'string', default: '' },
    tiling: { type: 'string', default: 'register' },
    resume: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
});
const only = options.only.split(',').filter((name) => name !== '');

const adapter = options.adapter === 'auto' ? 'auto' : 'software';

/** Writes a result file beside the others, with what it was measured on. */
function save(name: string, suffix: string, result: object): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  const date = new Date().toISOString().slice(0, 10);
  const folder = join(ROOT, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${date}-${name.replaceAll(/\W+/g, '-')}${suffix}.json`);
  writeFileSync(file, `${JSON.stringify({ commit, date, ...result }, null, 1)}\n`);
  console.log(file);
  return file;
}

/** TinyViT's rows say how often they occur; the mean is over the time of all of them. */
function meanOf(measured: readonly Measured[]): number {
  let [time, ideal] = [0, 0];
  for (const { row, milliseconds, share } of measured) {
    const times = Number(/, (\d+) times$/.exec(row)?.[1] ?? 1);
    time += times * milliseconds;
    ideal += times * milliseconds * share;
  }
  return ideal / time;
}

const percent = (x: number) => `${(100 * x).toFixed(0)}%`;

/** Kernels of these names, or all. */
async function benchKernels(kernels: readonly string[]): Promise<void> {
  const browser = await openBrowserPage<Api>({
    script: 'bench/kernels.ts',
    global: 'bench',
    adapter,
    preciseTimestamps: true,
  });
  try {
    const { call } = browser;
    const tiling = options.tiling === 'workgroup' ? 'workgroup' : 'register';
    const start = await call('start', { tiling });
    const name =
      [start.adapter.vendor, start.adapter.architecture].filter((part) => part !== '').join(' ') || 'unknown';
    const { dependent, chains2, chains4 } = start.peaks;
    console.log(`${name}: fma peak ${dependent.toFixed(1)} GFLOP/s (dependent, the 100% below), `);
    console.log(`  ${chains2.toFixed(1)} in 2 and ${chains4.toFixed(1)} in 4 independent chains; ${tiling} tiles`);
    const measured: Measured[] = [];
    for (const [kernel, rows] of await call('list')) {
      if (kernels.length > 0 && !kernels.includes(kernel)) continue;
      for (const row of rows) {
        if (!row.includes(options.row)) continue;
        const times = await call('row', kernel, row).catch((error: unknown) => {
          console.error(`${kernel}: ${row}: ${error instanceof Error ? error.message : String(error)}`);
          process.exitCode = 1;
          return [];
        });
        for (const time of times) {
          const share = percent(time.share).padStart(5);
          const speed = `${time.milliseconds.toFixed(1).padStart(8)} ms ${time.gflops.toFixed(2).padStart(7)} GFLOP/s ${share}`;
          console.log(`${speed}  ${kernel}: ${row}${times.length > 1 ? ` (${time.label})` : ''}`);
        }
        measured.push(...times);
      }
    }
    const tinyVit = measured.filter(({ kernel, row }) => kernel === 'matmul' && row.startsWith('TinyViT'));
    const mean = tinyVit.length > 0 ? meanOf(tinyVit) : undefined;
    if (mean !== undefined)
      console.log(`time-weighted mean of TinyViT's matrix products: ${percent(mean)} of the fma peak`);
    const flags = ['--enable-webgpu-developer-features'];
    const part = kernels.length > 0 || options.row !== '' ? '-part' : '';
    save(name, part, { ...start, flags, tiling, tinyVitMatmulMean: mean, measured });
  } finally {
    await browser.close();
  }
}

const kernels = only.filter((name) => !['segevery', 'convert', 'evaluate'].includes(name));
if (only.length === 0 || kernels.length > 0) await benchKernels(kernels);
if (only.length === 0 || only.includes('segevery')) {
  const { name, result } = await benchSegEvery(adapter, { resume: options.resume, quick: options.quick });
  const file = save(name, '-segevery', result);
  const docs = join(ROOT, 'docs', 'everything.md');
  const written = JSON.parse(readFileSync(file, 'utf8')) as SegEveryResult;
  writeFileSync(docs, withCosts(readFileSync(docs, 'utf8'), `bench/results/${basename(file)}`, written));
}
if (only.length === 0 || only.includes('convert')) save('convert', '', await benchConvert());
if (only.length === 0 || only.includes('evaluate')) save('evaluate', '', await benchEvaluate());
