// npm run bench -- --only segevery: object-aware SegEvery against SAM's grid search, by stage, with curves of time and memory.
import { loadavg } from 'node:os';
import { openBrowserPage } from './browser-page.ts';
import { median } from './median.ts';
import type { Api, SegEveryRun } from './segevery-page.ts';

/** Table 1 of MobileSAMv2 (arXiv:2312.09579): time of grid search over time of object-aware prompts, and the same from prompts alone. */
const PAPER = { 32: { whole: 16, prompts: 3.2 }, 64: { whole: 66, prompts: 12.8 } } as const;
const BOXES = 320;
const ROUNDS = 9;
const ROUND_PROMPTS = 32;
/** Points a side where the rest is extrapolated: the 1024-pixel model's grid, and the small model's without filters. */
const GRID_MEASURED = 16;
const COUNTS = [1, 4, 16, 32, 80, 160, 320];
const BATCHES = [1, 4, 16, 32];
/** Time grows with the number of prompts evenly, so smaller batches are timed up to this number. */
const MOST_TIMED = 32;
const LIMIT = 512 * 2 ** 20;

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** Decoding alone, and with masks and filters; milliseconds. `decoded` masks came out of the decoder, `masks` of them stayed. */
function cost({ stages, total, prompts, decoded, masks }: SegEveryRun) {
  const decode = stages.decode ?? Number.NaN;
  return {
    ...{ prompts, decoded, masks, decode, total },
    decodePerPrompt: decode / prompts,
    totalPerPrompt: total / prompts,
    totalPerMask: total / decoded,
  };
}

type Cost = ReturnType<typeof cost>;

/** Two runs of the same prompts as one. */
function mean(a: SegEveryRun, b: SegEveryRun): SegEveryRun {
  const stages = Object.entries(a.stages).map(
    ([name, ms]) => [name, (ms + (b.stages[name] ?? Number.NaN)) / 2] as const,
  );
  return { ...a, total: (a.total + b.total) / 2, stages: Object.fromEntries(stages) };
}

function say(name: string, run: Cost): void {
  const { prompts, decoded, masks, decode, total, decodePerPrompt, totalPerPrompt, totalPerMask } = run;
  console.log(
    `${name.padEnd(34)} ${String(prompts).padStart(5)} prompts ${String(decoded).padStart(6)} masks, ${String(masks).padStart(5)} kept ` +
      `${total.toFixed(0).padStart(8)} ms (decoding ${decode.toFixed(0).padStart(7)}); a prompt ${totalPerPrompt.toFixed(1)} ` +
      `(${decodePerPrompt.toFixed(1)}), a mask ${totalPerMask.toFixed(1)}`,
  );
}

function sayRatios(objects: Cost, grids: Readonly<Record<32 | 64, Cost>>) {
  return ([32, 64] as const).map((side) => {
    const { total, decode } = grids[side];
    const ratio = { side, whole: total / objects.total, decoding: decode / objects.decode, paper: PAPER[side] };
    console.log(
      `  grid ${side} x ${side}: ${ratio.whole.toFixed(1)} times the time of ${objects.prompts} boxes, decoding alone ` +
        `${ratio.decoding.toFixed(1)} (paper ${ratio.paper.whole}; prompts alone ${ratio.paper.prompts}, the rest is filtering)`,
    );
    return ratio;
  });
}

/** Runs it, prints it, and gives what the result file holds. */
export async function benchSegEvery(adapter: 'software' | 'auto'): Promise<{ name: string; result: object }> {
  const browser = await openBrowserPage<Api>({ script: 'bench/segevery-page.ts', global: 'segevery', adapter });
  const { call } = browser;
  try {
    const start = await call('start');
    const name =
      [start.adapter.vendor, start.adapter.architecture].filter((part) => part !== '').join(' ') || 'unknown';
    const opened = await call('open');
    console.log(`${start.model} at ${start.side} on ${name}, one photo of ${opened.size.join(' x ')}`);
    for (const [stage, ms] of Object.entries(opened.warm))
      console.log(`  ${stage.padEnd(12)} ${ms.toFixed(0).padStart(7)} ms`);

    await call('objects', 'nano', ROUND_PROMPTS); // compiles
    await call('grid', 'nano', 2);
    // Each line comes when it is measured: on a software adapter all of it takes a quarter of an hour.
    const told = async (what: string, measured: Promise<SegEveryRun>): Promise<SegEveryRun> => {
      const done = await measured;
      say(what, cost(done));
      return done;
    };
    const own = await told('objects, the folder’s own options', call('ownObjects'));
    const before = await told(`objects, ${BOXES} boxes`, call('objects', 'nano', BOXES));
    const grid32 = await told('grid 32 x 32, 3 masks, filters', call('grid', 'nano', 32));
    const grid64 = await told('grid 64 x 64, 3 masks, filters', call('grid', 'nano', 64));
    const after = await told(`objects, ${BOXES} boxes, once more`, call('objects', 'nano', BOXES));
    // What else the machine does changes in the minutes of a grid, so boxes are timed before and after it.
    const objects = mean(before, after);
    // The small model is seldom sure enough for SAM's thresholds. SAM's recipe for proposals has no filters, so all masks are made.
    const all = { predIouThresh: 0, stabilityScoreThresh: 0, boxNmsThresh: 0.9 };
    const side = GRID_MEASURED;
    const proposals = await told(`grid ${side} x ${side}, 3 masks, no filters`, call('grid', 'nano', side, all));
    const ratios = sayRatios(cost(objects), { 32: cost(grid32), 64: cost(grid64) });
    const withAll = cost(proposals).totalPerPrompt / cost(objects).totalPerPrompt;
    console.log(`  a grid point with all three masks made and none filtered: ${withAll.toFixed(2)} times a box`);
    const readback = (objects.stages.readback ?? Number.NaN) / (objects.stages.decode ?? Number.NaN);
    console.log(`reading back the masks of ${BOXES} boxes: ${(100 * readback).toFixed(2)}% of decoding (at most 5%)`);

    const rounds = [];
    for (let i = 0; i < ROUNDS; i++) rounds.push(await call('round', i, ROUND_PROMPTS));
    const each = {
      box: median(rounds.map(({ box }) => box)),
      point: median(rounds.map(({ point }) => point)),
      three: median(rounds.map(({ three }) => three)),
    };
    console.log(
      `decoding, medians of ${ROUNDS} interleaved rounds: a box ${each.box.toFixed(2)} ms, a point with one mask ${each.point.toFixed(2)}, ` +
        `a grid point with three ${each.three.toFixed(2)}; box to grid point ${(each.box / each.three).toFixed(3)}, ` +
        `with one mask each ${(each.box / each.point).toFixed(3)} (at most 1.05)`,
    );

    const time = [];
    for (const batch of BATCHES) {
      const counts = COUNTS.filter((prompts) => batch === Math.max(...BATCHES) || prompts <= MOST_TIMED);
      for (const prompts of counts) time.push({ prompts, batch, milliseconds: await call('time', prompts, batch) });
    }
    sayCurve('milliseconds for boxes', time, ({ milliseconds }) => milliseconds.toFixed(0));
    const nanoPeak = await call('peak', 'nano');

    const memory = await call('memory', COUNTS, BATCHES);
    sayCurve(`MiB by the plans, ${start.model}`, memory.nano, ({ bytes }) => (bytes / 2 ** 20).toFixed(0));
    sayCurve('MiB by the plans, TinyViT, SAM’s decoder, YOLOv8n at 1024', memory.large, ({ bytes }) =>
      (bytes / 2 ** 20).toFixed(0),
    );
    const most = Math.max(...memory.large.map(({ bytes }) => bytes));
    console.log(`${BOXES} boxes at 1024: ${mebibytes(most)} (at most ${mebibytes(LIMIT)})`);

    const large = await benchLarge(call);
    console.log(`memory that was taken: ${mebibytes(nanoPeak)} at ${start.side}, ${mebibytes(large.peak)} at 1024`);
    const limits = {
      boxToGridPoint: { value: each.box / each.three, most: 1.05 },
      boxToPoint: { value: each.box / each.point, most: 1.05 },
      readback: { value: readback, most: 0.05 },
      memory: { value: most, most: LIMIT },
      memoryTaken: { value: large.peak, most: LIMIT },
    };
    for (const [what, { value, most: bound }] of Object.entries(limits)) {
      if (value <= bound) continue;
      console.error(`${what}: ${value} is more than ${bound}`);
      process.exitCode = 1;
    }
    const nano = {
      opened,
      own,
      objects: [before, after],
      grid32,
      grid64,
      proposals,
      unfilteredPointToBox: withAll,
      ratios,
      each,
      rounds,
      time,
      memory: memory.nano,
      peak: nanoPeak,
    };
    return {
      name,
      // Of the last minute, five and fifteen minutes: the bench itself keeps all cores busy.
      result: {
        ...start,
        load: loadavg(),
        limits,
        nano,
        large: { ...large, memory: memory.large, parts: memory.largeParts },
      },
    };
  } finally {
    await browser.close();
  }
}

/** MobileSAM at 1024 with made-up weights: times of decoding are real, what filters would let pass is not, so it is left out. */
async function benchLarge(call: Awaited<ReturnType<typeof openBrowserPage<Api>>>['call']) {
  const opened = await call('openLarge');
  await call('objects', 'large', 32);
  const objects = await call('objects', 'large', BOXES);
  const grid = await call('grid', 'large', GRID_MEASURED);
  const boxes = cost(objects);
  const measured = cost(grid);
  console.log('TinyViT, SAM’s decoder at 1024, weights made up (so what filters keep is not the trained model’s):');
  say(`objects, ${BOXES} boxes`, boxes);
  say(`grid ${GRID_MEASURED} x ${GRID_MEASURED}, 3 masks, filters`, measured);
  const extrapolated = (side: 32 | 64): Cost => {
    const prompts = side * side;
    const decode = measured.decodePerPrompt * prompts;
    const total = measured.totalPerPrompt * prompts;
    const share = prompts / measured.prompts;
    const masks = Math.round(measured.masks * share);
    return { ...measured, prompts, decoded: measured.decoded * share, masks, decode, total };
  };
  console.log(`extrapolated from those ${measured.prompts} grid prompts:`);
  const ratios = sayRatios(boxes, { 32: extrapolated(32), 64: extrapolated(64) });
  return { opened, objects, grid, extrapolatedFrom: measured.prompts, ratios, peak: await call('peak', 'large') };
}

function sayCurve<T extends { readonly prompts: number; readonly batch: number }>(
  title: string,
  points: readonly T[],
  value: (point: T) => string,
): void {
  console.log(`${title}, by batch and number of prompts:`);
  console.log(`${'batch'.padStart(7)} ${COUNTS.map((n) => String(n).padStart(7)).join('')}`);
  for (const batch of BATCHES) {
    const row = points.filter((point) => point.batch === batch).map((point) => value(point).padStart(7));
    console.log(`${String(batch).padStart(7)} ${row.join('')}`);
  }
}
