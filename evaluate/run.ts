// npm run evaluate:default -- --data PACK: figures of the default model in the project's own engine, in headless Chrome.

import { readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openBrowserPage } from '../bench/browser-page.ts';
import { drawPack } from './drawn.ts';
import { BUDGETS, type Figures, SourceMeter, taskOf } from './figures.ts';
import { type PackItem, readLabels, readPack } from './pack.ts';
import type { Api } from './page.ts';

const ROOT = join(import.meta.dirname, '..');
/** How far the engine and PyTorch may be apart. */
const AGREEMENT = 0.002;

const HELP = `npm run evaluate:default -- [options]

  --data DIR      a pack (weights/training/README.md); its folder heldout, where there is one. Drawn photos unless given
  --limit N       photos a source (40)
  --max-masks N   prompted regions a photo (12)
  --sources A,B   only these
  --model DIR     the model's folder (weights)
  --no-everything leave out SegEvery, which decodes 320 boxes a photo
  --adapter auto  a GPU, where there is one; SwiftShader unless said
  --json FILE     write the figures too
  --compare FILE  figures of weights/training/evaluate.py for the same photos; exit 1 where they differ by more than ${AGREEMENT}`;

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    limit: { type: 'string', default: '40' },
    'max-masks': { type: 'string', default: '12' },
    sources: { type: 'string' },
    model: { type: 'string', default: join(ROOT, 'weights') },
    'no-everything': { type: 'boolean', default: false },
    adapter: { type: 'string', default: 'software' },
    json: { type: 'string' },
    compare: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

/** Tables by kind and source, as evaluate.py writes them. */
type Tables = Record<string, Record<string, Record<string, unknown>>>;

function print(source: string, { masks, boxes, everything }: Figures): void {
  const { box, point, point_best3, point_pick3 } = masks;
  console.log(`${source}: ${masks.masks} masks`);
  console.log(`  mean IoU    box ${box}  point ${point}  best of three ${point_best3}  picked of three ${point_pick3}`);
  for (const [name, table] of Object.entries({ boxes, masks: everything })) {
    if (!table) continue;
    const averages = BUDGETS.map((limit) => `AR@${limit} ${table[`AR@${limit}`]}`).join('  ');
    console.log(`  ${name.padEnd(11)} ${averages}  (${table.objects} objects)`);
  }
}

/** Lines for figures that differ by more than they may; figures that only one side has are not compared. */
function differences(ours: Tables, theirs: Tables): { lines: string[]; compared: number; largest: number } {
  const lines: string[] = [];
  let [compared, largest] = [0, 0];
  for (const [kind, sources] of Object.entries(ours)) {
    for (const [source, row] of Object.entries(sources)) {
      for (const [name, value] of Object.entries(row)) {
        const other = theirs[kind]?.[source]?.[name];
        if (typeof value !== 'number' || typeof other !== 'number') continue;
        const apart = Math.abs(value - other);
        compared++;
        largest = Math.max(largest, apart);
        if (apart > AGREEMENT) lines.push(`${kind} ${source} ${name}: ${value} here, ${other} in PyTorch`);
      }
    }
  }
  return { lines, compared, largest };
}

async function main(): Promise<number> {
  const wanted = options.sources?.split(',');
  const data =
    options.data === undefined
      ? await drawPack(join(ROOT, 'node_modules', '.cache', 'segevery', 'drawn'))
      : resolve(options.data);
  const sources = await readPack(data, Number(options.limit));
  const files = new Map<string, PackItem>();
  for (const item of [...sources.values()].flat()) files.set(`${item.source}/${item.name}.jpg`, item);
  const browser = await openBrowserPage<Api>({
    script: 'evaluate/page.ts',
    global: 'evaluation',
    adapter: options.adapter === 'auto' ? 'auto' : 'software',
    async file(name) {
      if (name.startsWith('model/')) return readFile(join(resolve(options.model), basename(name)));
      const item = files.get(name);
      return item && readFile(item.photo);
    },
  });
  const tables: Tables = { masks: {}, boxes: {}, everything: {} };
  try {
    const origin = new URL(browser.page.url()).origin;
    const { name, adapter } = await browser.call('start', `${origin}/files/model/`);
    console.log(`${name} on ${[adapter.vendor, adapter.architecture].join(' ').trim()}`);
    const searched = !options['no-everything'];
    for (const [source, items] of sources) {
      if (wanted && !wanted.includes(source)) continue;
      const meter = new SourceMeter();
      for (const item of items) {
        const begun = performance.now();
        const task = taskOf(await Promise.all(item.layers.map(readLabels)), Number(options['max-masks']));
        const boxes = searched && task.objects.length > 0 ? Math.max(...BUDGETS) : 0;
        const address = `${origin}/files/${encodeURIComponent(`${source}/${item.name}.jpg`)}`;
        const answers = await browser.call('photo', address, { prompts: task.prompts, boxes });
        meter.add(task, answers, boxes > 0);
        const seconds = (performance.now() - begun) / 1000;
        process.stderr.write(`${source}/${item.name}: ${task.prompted.length} regions, ${seconds.toFixed(1)} s\n`);
      }
      const figures = meter.result();
      print(source, figures);
      for (const [kind, table] of Object.entries(figures)) tables[kind] = { ...tables[kind], [source]: { ...table } };
    }
  } finally {
    await browser.close();
  }
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(tables, null, 1)}\n`);
  if (options.compare === undefined) return 0;
  const { lines, compared, largest } = differences(tables, JSON.parse(await readFile(options.compare, 'utf8')));
  for (const line of lines) console.error(line);
  console.log(
    `${compared} figures compared with PyTorch: at most ${largest.toFixed(4)} apart, ${lines.length} by more than ${AGREEMENT}`,
  );
  return lines.length > 0 || compared === 0 ? 1 : 0;
}

if (options.help) console.log(HELP);
else process.exitCode = await main();
