// npm run bench -- --only segevery: object-aware SegEvery against SAM's grid search, by stage, with curves of time and memory.
import { openBrowserPage } from './browser-page.ts';
import { median } from './median.ts';
import type { Api, SegEveryRun } from './segevery-page.ts';
import { Steps } from './steps.ts';

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
/** Grids are measured in parts of so many points; with --quick one of them, and the rest is extrapolated. */
const PART_POINTS = 256;
const QUICK_BOXES = 64;
/** The 1024-pixel model's boxes and points take turns in parts of so many boxes; with --quick one of them. */
const LARGE_BOXES = 64;
const QUICK_SIDE = 8;
const QUICK_ROUNDS = 5;
const QUICK_CURVE = [1, 4, 32];

interface Measuring {
  readonly call: Awaited<ReturnType<typeof openBrowserPage<Api>>>['call'];
  readonly steps: Steps;
  readonly quick: boolean;
}

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

function say(name: string, run: Cost): void {
  const { prompts, decoded, masks, decode, total, decodePerPrompt, totalPerPrompt, totalPerMask } = run;
  console.log(
    `${name.padEnd(34)} ${String(prompts).padStart(5)} prompts ${String(decoded).padStart(6)} masks, ${String(masks).padStart(5)} kept ` +
      `${total.toFixed(0).padStart(8)} ms (decoding ${decode.toFixed(0).padStart(7)}); a prompt ${totalPerPrompt.toFixed(1)} ` +
      `(${decodePerPrompt.toFixed(1)}), a mask ${totalPerMask.toFixed(1)}`,
  );
}

/** Runs one after the other as one; `scale` makes the whole of a part. */
function sum(runs: readonly SegEveryRun[], scale: number): SegEveryRun {
  const of = (value: (run: SegEveryRun) => number): number => scale * runs.reduce((all, run) => all + value(run), 0);
  const stages = Object.keys(runs[0]?.stages ?? {}).map((name) => [name, of((run) => run.stages[name] ?? 0)] as const);
  return {
    prompts: of(({ prompts }) => prompts),
    decoded: of(({ decoded }) => decoded),
    masks: Math.round(of(({ masks }) => masks)),
    total: of(({ total }) => total),
    stages: Object.fromEntries(stages),
  };
}

/** A grid against boxes. */
interface Against {
  readonly side: 32 | 64;
  readonly boxes: SegEveryRun;
  readonly grid: SegEveryRun;
  /** Points that were measured. */
  readonly points: number;
}

/** A grid in parts, each after its share of the boxes: what the machine does beside it evens out. */
async function benchGrid(side: 32 | 64, { call, steps, quick }: Measuring): Promise<Against> {
  const parts = side ** 2 / PART_POINTS;
  const taken = quick ? 1 : parts;
  const beside = quick ? QUICK_BOXES : BOXES / parts;
  const [boxes, grid]: [SegEveryRun[], SegEveryRun[]] = [[], []];
  for (let part = 0; part < taken; part++) {
    const what = `part ${part} of ${side} x ${side}`;
    boxes.push(await steps.take(`boxes before ${what}`, () => call('objects', 'nano', beside)));
    grid.push(await steps.take(what, () => call('gridPart', 'nano', side, part, parts)));
  }
  const points = taken * PART_POINTS;
  return { side, points, boxes: sum(boxes, BOXES / (taken * beside)), grid: sum(grid, parts / taken) };
}

function sayRatio({ side, boxes, grid, points }: Against) {
  const [one, all] = [cost(boxes), cost(grid)];
  const paper = PAPER[side];
  const ratio = { side, points, whole: all.total / one.total, decoding: all.decode / one.decode, paper };
  const how = points < side ** 2 ? ` (extrapolated from ${points} points)` : '';
  console.log(
    `  grid ${side} x ${side}${how}: ${ratio.whole.toFixed(1)} times the time of ${BOXES} boxes, decoding alone ` +
      `${ratio.decoding.toFixed(1)} (paper ${paper.whole}; prompts alone ${paper.prompts}, the rest is filtering)`,
  );
  return ratio;
}

/**
 * Runs it, prints it, and gives what the result file holds.
 *
 * @param options.resume steps that an earlier run has finished are taken from it
 * @param options.quick some prompts of each kind, and the rest extrapolated
 */
export async function benchSegEvery(
  adapter: 'software' | 'auto',
  { resume, quick }: { readonly resume: boolean; readonly quick: boolean },
): Promise<{ name: string; result: object }> {
  const steps = new Steps('segevery', resume);
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
    const told = async (what: string, measure: () => Promise<SegEveryRun>): Promise<SegEveryRun> => {
      const done = await steps.take(what, measure);
      say(what, cost(done));
      return done;
    };
    const own = await told('objects, the folder’s own options', () => call('ownObjects'));
    const objects = await told(`objects, ${BOXES} boxes`, () => call('objects', 'nano', BOXES));
    const measuring = { call, steps, quick };
    const against = [await benchGrid(32, measuring), await benchGrid(64, measuring)];
    for (const { side, grid } of against) say(`grid ${side} x ${side}, 3 masks, filters`, cost(grid));
    // The small model is seldom sure enough for SAM's thresholds. SAM's recipe for proposals has no filters, so all masks are made.
    const all = { predIouThresh: 0, stabilityScoreThresh: 0, boxNmsThresh: 0.9 };
    const side = quick ? QUICK_SIDE : GRID_MEASURED;
    const proposals = await told(`grid ${side} x ${side}, 3 masks, no filters`, () => call('grid', 'nano', side, all));
    const ratios = against.map(sayRatio);
    const readback = (objects.stages.readback ?? Number.NaN) / (objects.stages.decode ?? Number.NaN);
    console.log(`reading back the masks of ${BOXES} boxes: ${(100 * readback).toFixed(2)}% of decoding (at most 5%)`);

    const rounds = await steps.take('rounds', async () => {
      const measured = [];
      for (let i = 0; i < (quick ? QUICK_ROUNDS : ROUNDS); i++) measured.push(await call('round', i, ROUND_PROMPTS));
      return measured;
    });
    const each = {
      box: median(rounds.map(({ box }) => box)),
      point: median(rounds.map(({ point }) => point)),
      three: median(rounds.map(({ three }) => three)),
    };
    console.log(
      `decoding, medians of ${rounds.length} interleaved rounds: a box ${each.box.toFixed(2)} ms, a point with one mask ${each.point.toFixed(2)}, ` +
        `a grid point with three ${each.three.toFixed(2)}; box to grid point ${(each.box / each.three).toFixed(3)}, ` +
        `with one mask each ${(each.box / each.point).toFixed(3)} (at most 1.05)`,
    );

    const time = [];
    for (const batch of quick ? QUICK_CURVE : BATCHES) {
      const whole = batch === Math.max(...BATCHES);
      const counts = quick ? QUICK_CURVE : COUNTS.filter((prompts) => whole || prompts <= MOST_TIMED);
      for (const prompts of counts) {
        const milliseconds = await steps.take(`time ${batch} ${prompts}`, () => call('time', prompts, batch));
        time.push({ prompts, batch, milliseconds });
      }
    }
    sayCurve('milliseconds for boxes', time, ({ milliseconds }) => milliseconds.toFixed(0));
    const nanoPeak = await steps.take('peak', () => call('peak', 'nano'));

    const memory = await call('memory', COUNTS, BATCHES);
    sayCurve(`MiB by the plans, ${start.model}`, memory.nano, ({ bytes }) => (bytes / 2 ** 20).toFixed(0));
    sayCurve('MiB by the plans, TinyViT, SAM’s decoder, YOLOv8n at 1024', memory.large, ({ bytes }) =>
      (bytes / 2 ** 20).toFixed(0),
    );
    const most = Math.max(...memory.large.map(({ bytes }) => bytes));
    console.log(`${BOXES} boxes at 1024: ${mebibytes(most)} (at most ${mebibytes(LIMIT)})`);

    const large = await benchLarge(measuring);
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
      objects,
      against,
      proposals,
      ratios,
      each,
      rounds,
      time,
      memory: memory.nano,
      peak: nanoPeak,
    };
    steps.forget();
    return {
      name,
      result: {
        ...start,
        load: steps.loads,
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
async function benchLarge({ call, steps, quick }: Measuring) {
  const side = quick ? QUICK_SIDE : GRID_MEASURED;
  const { opened, objects, grid, peak } = await steps.take('large', async () => {
    const stages = await call('openLarge');
    await call('objects', 'large', 32);
    await call('gridPart', 'large', side, 0, side); // compiles, as the line before
    // In turns, as with the small model.
    const [boxes, points]: [SegEveryRun[], SegEveryRun[]] = [[], []];
    const parts = quick ? 1 : BOXES / LARGE_BOXES;
    for (let part = 0; part < parts; part++) {
      boxes.push(await call('objects', 'large', LARGE_BOXES));
      points.push(await call('gridPart', 'large', side, part, parts));
    }
    return { opened: stages, objects: sum(boxes, 1), grid: sum(points, 1), peak: await call('peak', 'large') };
  });
  console.log('TinyViT, SAM’s decoder at 1024, weights made up (so what filters keep is not the trained model’s):');
  say(`objects, ${objects.prompts} boxes`, cost(objects));
  say(`grid ${side} x ${side}, 3 masks, filters`, cost(grid));
  const boxes = sum([objects], BOXES / objects.prompts);
  const ratios = ([32, 64] as const).map((whole) =>
    sayRatio({ side: whole, boxes, grid: sum([grid], whole ** 2 / grid.prompts), points: grid.prompts }),
  );
  return { opened, objects, grid, ratios, peak };
}

/** A table of the points: numbers of prompts across, batches down. */
function sayCurve<T extends { readonly prompts: number; readonly batch: number }>(
  title: string,
  points: readonly T[],
  value: (point: T) => string,
): void {
  console.log(`${title}, by batch and number of prompts:`);
  const counts = [...new Set(points.map(({ prompts }) => prompts))].sort((a, b) => a - b);
  console.log(`${'batch'.padStart(7)} ${counts.map((n) => String(n).padStart(7)).join('')}`);
  for (const batch of new Set(points.map((point) => point.batch))) {
    const cells = counts.map((n) => points.find((point) => point.batch === batch && point.prompts === n));
    console.log(`${String(batch).padStart(7)} ${cells.map((cell) => (cell ? value(cell) : '').padStart(7)).join('')}`);
  }
}
