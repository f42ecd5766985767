// `segevery evaluate` on files: memory on an annotation file of LVIS's size, and the time for 100 photos with 1,000 proposals each beside
// pycocotools', turn by turn in one run, with the recalls compared.
import { execFile, spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Evaluator, type Recall, readAnnotations, readResults } from '../src/evaluate/index.ts';
import { type LargeFile, LIKE_LVIS, writeResults, writeTruth } from '../test/evaluate/large-file.ts';
import { pythonEnvironment } from '../test/python/environment.ts';
import { median } from './median.ts';

const ROOT = join(import.meta.dirname, '..');
const TURNS = 3;
const LIMITS = [10, 100, 1000];
const SCORED: LargeFile = { images: 100, objects: 12, corners: 52 };
const PROPOSALS = 1000;
/** Bytes of the file whose memory is measured, at least; the most that the process holds meanwhile. */
const LEAST_BYTES = 190e6;
const MOST_RSS_MB = 1000;
const TOLERANCE = 1e-9;

/** [threshold][range][limit]; -1 where there is nothing to average. */
type Table = readonly (readonly (readonly number[])[])[];

interface Turn {
  /** Of reading both files, and of counting recall: ours of masks and boxes at once, theirs of masks alone. */
  readonly read: number;
  readonly count: number;
}

const seconds = (since: number): number => (performance.now() - since) / 1000;

async function ours(annotations: string, results: string): Promise<Turn & Tables> {
  const begun = performance.now();
  const truth = await readAnnotations(() => createReadStream(annotations), { where: annotations });
  const stream = createReadStream(results, { highWaterMark: 2 ** 18 });
  const { proposals } = await readResults(stream, truth, { where: results, limit: PROPOSALS });
  const read = seconds(begun);
  const counting = performance.now();
  const evaluator = new Evaluator(LIMITS);
  for (const image of truth.images) evaluator.add(image, proposals.get(image.id) ?? []);
  const { masks, boxes } = evaluator.result();
  return { read, count: seconds(counting), masks: tableOf(masks), boxes: tableOf(boxes) };
}

function tableOf({ limits, thresholds, sizes }: Recall): Table {
  return thresholds.map((_, t) =>
    ['all', 'small', 'medium', 'large'].map((size) =>
      LIMITS.map((limit) => sizes[size]?.recall[limits.indexOf(limit)]?.[t] ?? -1),
    ),
  );
}

interface Tables {
  readonly masks: Table;
  readonly boxes: Table | null;
}

/** @param boxes counted too, to be compared; that is not in the time */
function theirs(python: string, annotations: string, results: string, boxes: boolean): Promise<Turn & Tables> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 2 ** 28 };
    const child = execFile(python, [join(ROOT, 'bench', 'evaluate.py')], options, (error, stdout) => {
      if (error) return reject(error);
      const { seconds: took, ...tables } = JSON.parse(stdout) as Tables & { seconds: { read: number; masks: number } };
      resolve({ read: took.read, count: took.masks, ...tables });
    });
    child.stdin?.end(JSON.stringify({ annotations, results, limits: LIMITS, boxes }));
  });
}

function largestDifference(a: Table, b: Table): number {
  const other = b.flat(2);
  return Math.max(...a.flat(2).map((value, i) => Math.abs(value - (other[i] ?? Number.NaN))));
}

async function speed(folder: string): Promise<{ kept: boolean; result: object }> {
  const environment = await pythonEnvironment();
  if ('reason' in environment) throw new Error(`nothing to compare with: ${environment.reason}`);
  const [annotations, results] = [join(folder, 'truth.json'), join(folder, 'results.json')];
  await writeTruth(annotations, SCORED);
  await writeResults(results, SCORED, SCORED.images, PROPOSALS);
  const turns: { ours: Turn & Tables; theirs: Turn & Tables }[] = [];
  for (let turn = 0; turn < TURNS; turn++)
    turns.push({
      ours: await ours(annotations, results),
      theirs: await theirs(environment.python, annotations, results, turn === 0),
    });
  const difference = Math.max(
    ...turns.flatMap(({ ours: a, theirs: b }) => [
      largestDifference(a.masks, b.masks),
      ...(a.boxes && b.boxes ? [largestDifference(a.boxes, b.boxes)] : []),
    ]),
  );
  const middle = (of: (turn: (typeof turns)[number]) => number): number => median(turns.map(of));
  const row = (part: (turn: Turn) => number) => {
    const [own, other] = [middle((turn) => part(turn.ours)), middle((turn) => part(turn.theirs))];
    return { segevery: own, pycocotools: other, ratio: own / other };
  };
  const rows = {
    read: row(({ read }) => read),
    count: row(({ count }) => count),
    whole: row(({ read, count }) => read + count),
  };
  for (const [name, { segevery, pycocotools, ratio }] of Object.entries(rows))
    console.log(
      `${name}: ${segevery.toFixed(2)} s, pycocotools ${pycocotools.toFixed(2)} s, ratio ${ratio.toFixed(2)}`,
    );
  console.log(`largest difference of a recall: ${difference}`);
  const kept = rows.whole.ratio < 1 && rows.count.ratio < 1 && difference <= TOLERANCE;
  const work = { images: SCORED.images, objects: SCORED.images * SCORED.objects, proposals: PROPOSALS, turns: TURNS };
  return { kept, result: { ...work, seconds: rows, difference } };
}

/** The built command in a process of its own. @returns the most memory it held, MB */
function peakMemory(folder: string, args: readonly string[]): { rssMB: number; seconds: number } {
  const note = join(folder, 'rss');
  const hook = `data:text/javascript,import{writeFileSync}from'node:fs';process.on('exit',()=>writeFileSync(${JSON.stringify(note)},String(process.resourceUsage().maxRSS)))`;
  const command = [join(ROOT, 'dist/cli/segevery.js'), 'evaluate', ...args, '--out', join(folder, 'out')];
  const begun = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ['--import', hook, ...command], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`segevery evaluate failed: ${stderr}`);
  return { rssMB: Number(readFileSync(note, 'utf8')) / 1024, seconds: seconds(begun) };
}

async function memory(folder: string): Promise<{ kept: boolean; result: object }> {
  const [annotations, results] = [join(folder, 'lvis.json'), join(folder, 'lvis-results.json')];
  const bytes = await writeTruth(annotations, LIKE_LVIS);
  await writeResults(results, LIKE_LVIS, 100, 100);
  const files = ['--annotations', annotations, '--results', results];
  const rows = {
    subset: peakMemory(folder, [...files, '--subset', '100']),
    all: peakMemory(folder, files),
  };
  for (const [name, { rssMB, seconds: took }] of Object.entries(rows))
    console.log(`${name} of ${(bytes / 1e6).toFixed(0)} MB: ${rssMB.toFixed(0)} MB at most, ${took.toFixed(0)} s`);
  const kept = bytes >= LEAST_BYTES && Object.values(rows).every(({ rssMB }) => rssMB < MOST_RSS_MB);
  return { kept, result: { ...LIKE_LVIS, bytes, ...rows } };
}

/** Prints the rows; sets the exit code where a bound is broken. */
export async function benchEvaluate(): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'segevery-evaluate-'));
  try {
    const timed = await speed(folder);
    const held = await memory(folder);
    const kept = timed.kept && held.kept;
    if (!kept) {
      console.error(`bound broken: faster than pycocotools with the same recalls, memory below ${MOST_RSS_MB} MB`);
      process.exitCode = 1;
    }
    const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
    const bounds = { ratio: 1, difference: TOLERANCE, bytes: LEAST_BYTES, rssMB: MOST_RSS_MB, kept };
    return { machine, bounds, speed: timed.result, memory: held.result };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
