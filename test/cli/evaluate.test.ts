// segevery evaluate without a browser: results of the golden case, reports, what is resumed, and every kind of bad input.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCommand } from '../../cli/arguments.ts';
import { evaluate } from '../../cli/commands/evaluate.ts';
import type { Report } from '../../cli/evaluate/report.ts';
import type { Terminal } from '../../cli/terminal.ts';

const GOLDEN = join(import.meta.dirname, '..', 'golden', 'proposal-recall');
const [TRUTH, PROPOSALS] = [join(GOLDEN, 'lvis_val_100.json'), join(GOLDEN, 'proposals.json')];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'segevery-evaluate-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly data: string;
  readonly said: readonly string[];
  /** Lines that change in place. */
  readonly status: readonly string[];
}

/** Runs the command in this process. @throws what it throws */
async function run(args: readonly string[], signal = new AbortController().signal): Promise<Outcome> {
  const command = parseCommand(['evaluate', ...args]);
  if (command.name !== 'evaluate') throw new Error('another command');
  let data = '';
  const [said, status]: [string[], string[]] = [[], []];
  const terminal: Terminal = {
    live: true,
    data: (text) => {
      data += text;
    },
    say: (text) => void said.push(text),
    status: (text) => void status.push(text),
  };
  return { code: await evaluate(command, terminal, signal), data, said, status };
}

const out = (name: string): string[] => ['--out', join(folder, name)];
const written = (name: string, file: string) => readFile(join(folder, name, file), 'utf8');

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const square = [1, 1, 6, 1, 6, 6, 1, 6];
const image = { id: 1, width: 20, height: 10, file_name: 'one.jpg' };
const object = { id: 1, image_id: 1, area: 25, bbox: [1, 1, 5, 5], segmentation: [square] };

describe('the golden case', () => {
  it('has the recall of pycocotools and lvis-api, in the report as in the tables', async () => {
    const golden = JSON.parse(await readFile(join(GOLDEN, 'case.json'), 'utf8')) as {
      max_proposals: number[];
      expected: Record<'ar' | 'ar_small' | 'ar_medium' | 'ar_large', Record<string, number>>;
    };
    const limits = golden.max_proposals;
    const args = ['--annotations', TRUTH, '--results', PROPOSALS, '--k', limits.join(','), ...out('golden')];
    const { code, data } = await run(args);
    expect(code).toBe(0);
    const report = JSON.parse(await written('golden', 'report.json')) as Report;
    expect(report).toMatchObject({ protocol: 'lvis', images: 100, objects: 977, limits });
    const masks = report.runs[0]?.evaluation?.masks;
    for (const [size, expected] of Object.entries({
      all: 'ar',
      small: 'ar_small',
      medium: 'ar_medium',
      large: 'ar_large',
    } as const))
      for (const k of limits) {
        const got = masks?.sizes[size]?.average[masks.limits.indexOf(k)] ?? Number.NaN;
        expect(Math.abs(got - (golden.expected[expected][k] ?? Number.NaN))).toBeLessThan(1e-9);
      }
    expect(data).toBe(await written('golden', 'report.md'));
    expect(data).toContain('| proposals.json | 10 | 14.7 | 5.1 | 21.2 | 46.2 |');
    const page = await written('golden', 'report.html');
    expect(page.match(/<svg class="plot"/g)).toHaveLength(4);
    expect(page.match(/<figure>/g)).toHaveLength(12);
    expect(page).not.toMatch(/NaN|undefined|<script/);
  });

  it('is counted over a part of the images, drawn or listed', async () => {
    const drawn = await run([
      '--annotations',
      TRUTH,
      '--results',
      PROPOSALS,
      '--subset',
      '7',
      '--json',
      ...out('drawn'),
    ]);
    expect(JSON.parse(drawn.data)).toMatchObject({ images: 7 });
    const worst = (JSON.parse(drawn.data) as Report).runs[0]?.worst.map(({ id }) => id) ?? [];
    const list = await file('list.txt', `# two of them\n${worst.slice(0, 2).join('\n')}\n`);
    const listed = await run(['--annotations', TRUTH, '--results', PROPOSALS, '--subset', list, '--json', ...out('l')]);
    expect(JSON.parse(listed.data)).toMatchObject({ images: 2 });
  });

  it('stops when it is told, and leaves no report', async () => {
    const stopped = AbortSignal.abort();
    const args = ['--annotations', TRUTH, '--results', PROPOSALS, ...out('stopped')];
    await expect(run(args, stopped)).rejects.toMatchObject({ code: 'aborted' });
    await expect(written('stopped', 'report.json')).rejects.toThrow();
  });
});

describe('bad input', () => {
  const bad = async (truth: unknown, results: unknown, more: readonly string[] = []): Promise<Outcome> => {
    const paths = [await file('bad-truth.json', truth), await file('bad-results.json', results)];
    return run(['--annotations', paths[0] ?? '', '--results', paths[1] ?? '', '--json', ...out('bad'), ...more]);
  };
  const good = { images: [image], annotations: [object] };

  it.each([
    ['another shape', { things: [] }, [], 'usage', 'it has things'],
    ['a list', [1], [], 'usage', 'has no images'],
    ['no JSON', '{"images": [', [], 'usage', 'bad-truth.json'],
    ['an id twice', { images: [image], annotations: [object, object] }, [], 'usage', 'the id 1 occurs twice'],
    ['an image twice', { images: [image, image], annotations: [object] }, [], 'usage', 'the id 1 occurs twice'],
    [
      'run lengths of another size',
      { images: [image], annotations: [{ ...object, segmentation: { size: [9, 20], counts: [180] } }] },
      [],
      'mask-input',
      'its size is [9,20]; the image is of [10, 20]',
    ],
    ['a file of results with nothing in it', good, '', 'usage', 'the file ends in the middle'],
    ['results that are no list', good, { a: 1 }, 'usage', 'no list of results'],
    [
      'a result of another size',
      good,
      [{ image_id: 1, score: 1, segmentation: { size: [20, 10], counts: [200] } }],
      'mask-input',
      'result 0: segmentation: its size is [20,10]; the image is of [10, 20]',
    ],
    [
      'a result with a polygon of two points',
      good,
      [{ image_id: 1, score: 1, segmentation: [[1, 1, 4, 4]] }],
      'mask-input',
      'result 0: segmentation: polygon of 4 numbers',
    ],
    ['an object of another shape', { images: [image], annotations: [7] }, [], 'usage', 'annotations[0] is no object'],
    ['a result without score', good, [{ image_id: 1, segmentation: [square] }], 'usage', 'score'],
    ['a list of other images', good, [], 'usage', 'none.jpg', ['none.jpg']],
  ] as const)('%s is refused, and the message says where', async (_, truth, results, code, words, ...[subset]) => {
    const more = subset ? ['--subset', await file('subset.json', subset)] : [];
    const failed = bad(truth, results, more);
    await expect(failed).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it('an empty result, unknown images and short polygons are counted', async () => {
    const empty = await bad(good, []);
    expect(empty.code).toBe(0);
    const [found] = (JSON.parse(empty.data) as Report).runs;
    expect(found?.evaluation?.masks.sizes.all?.average).toEqual(found?.evaluation?.masks.limits.map(() => 0));
    expect(found?.findings).toEqual([{ kind: 'image-without-results', count: 1, examples: ['image 1'] }]);
    const short = { ...object, id: 2, segmentation: [[1, 1, 4, 4]] };
    const foreign = { ...object, id: 3, image_id: 9 };
    const unknown = { image_id: 7, score: 1, segmentation: [square] };
    const { data } = await bad({ images: [image], annotations: [object, short, foreign] }, [unknown]);
    const report = JSON.parse(data) as Report;
    expect(report.findings.map(({ kind, count }) => [kind, count])).toEqual([
      ['short-polygon', 1],
      ['object-without-mask', 1],
      ['unknown-image', 1],
    ]);
    expect(report.runs[0]?.findings.map(({ kind }) => kind)).toContain('result-of-unknown-image');
    expect(await written('bad', 'report.md')).toContain('1 polygons with fewer than three points');
  });

  it('names of all kinds are shown as text, in the page and in the tables', async () => {
    const hostile = '<img src=x onerror=alert(1)>|"\'`\u001b[2J\u202e\n# one.jpg';
    const truth = {
      images: [{ ...image, file_name: hostile }],
      annotations: [
        { ...object, image_id: 9 },
        { ...object, id: 2 },
      ],
    };
    const paths = [await file('hostile.json', truth), await file('<b>results.json', [])];
    const { data } = await run(['--annotations', paths[0] ?? '', '--results', paths[1] ?? '', ...out('hostile')]);
    const page = await written('hostile', 'report.html');
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;|&quot;&#39;`');
    expect(page).toContain('&lt;b&gt;results.json');
    for (const text of [page, data]) {
      expect(text).not.toMatch(/<img|<b>|<script/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
      expect(text).not.toMatch(/^# one/m);
    }
    expect(page).toContain("default-src 'none'");
    expect(data).toContain('&lt;b>results.json');
  });

  it('rows whose weights are missing say so and are left out; where all are, the exit code is 4', async () => {
    const truth = await file('truth.json', good);
    await mkdir(join(folder, 'there'), { recursive: true });
    await file(join('there', 'one.jpg'), 'never opened');
    const paper = ['boxes-320', 'boxes-100', 'boxes-010', 'fastsam'].flatMap((name) => [
      '--config',
      join(import.meta.dirname, '..', '..', 'bench', 'paper', `${name}.json`),
    ]);
    const args = [
      '--annotations',
      truth,
      '--images',
      join(folder, 'there'),
      '--models',
      join(folder, 'none'),
      ...paper,
    ];
    const { code, data, said } = await run([...args, ...out('without')]);
    expect(code).toBe(4);
    expect(said).toContain('no configuration could run; what each one needs is in the report');
    expect(data).toContain('| FastSAM (left out) | 1000 | - / 49.6 | - / 36.2 | - / 69.4 | - / 77.1 | - |');
    expect(data).toContain('| MobileSAMv2, mean | - | - / 42.5 | - / 30.2 | - / 61.7 | - / 64.7 | - |');
    expect(data).toMatch(/^- FastSAM-x: left out: .*fastsam-x has no model.json.*segevery convert FastSAM-x.pt/m);
  });

  it('files and folders that are not there are errors of reading', async () => {
    const truth = await file('truth.json', good);
    await expect(run(['--annotations', 'none.json', '--results', truth])).rejects.toMatchObject({ code: 'io' });
    await expect(run(['--annotations', truth, '--images', join(folder, 'none'), ...out('x')])).rejects.toMatchObject({
      code: 'io',
    });
    await mkdir(join(folder, 'photos'), { recursive: true });
    const none = run(['--annotations', truth, '--images', join(folder, 'photos'), ...out('x')]);
    await expect(none).rejects.toMatchObject({ code: 'io', message: expect.stringContaining('none of the 1 photos') });
  });
});
