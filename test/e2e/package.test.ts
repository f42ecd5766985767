// The package as users install it, without a network: what npm packs, put into an empty folder, runs, and type-checks for strict consumers.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildPackage, ROOT } from './segevery-process.ts';

const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const execute = promisify(execFile);
const windows = process.platform === 'win32';
/** Of the packed package. */
let files: readonly string[];
/** The empty project that has it installed. */
let app: string;

beforeAll(async () => {
  buildPackage();
  app = await mkdtemp(join(tmpdir(), 'segevery-package-'));
  const npm = (cwd: string, ...args: string[]) => execute('npm', args, { cwd, shell: windows });
  const packed = JSON.parse((await npm(ROOT, 'pack', '--json', '--pack-destination', app)).stdout) as {
    filename: string;
    files: { path: string }[];
  }[];
  files = packed.flatMap((one) => one.files.map(({ path }) => path));
  await writeFile(join(app, 'package.json'), '{ "private": true, "type": "module" }');
  await npm(app, 'install', '--offline', '--no-audit', '--no-fund', packed[0]?.filename ?? '');
}, 300_000);

afterAll(() => rm(app, { recursive: true, force: true }));

test('it holds all that its exports and its help name, and nothing of the tests', async () => {
  const { exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string; default: string }>;
  };
  for (const target of Object.values(exports).flatMap((one) => (typeof one === 'string' ? [one] : Object.values(one))))
    if (!target.includes('*')) expect(files).toContain(target.slice(2));
  const paper = (await readdir(join(ROOT, 'bench', 'paper'))).map((name) => `bench/paper/${name}`);
  const { parts } = JSON.parse(await readFile(join(ROOT, 'weights', 'model.json'), 'utf8')) as { parts: unknown };
  const weights = JSON.stringify(parts).match(/[\w-]+\.safetensors/g) ?? [];
  expect(weights.length).toBeGreaterThan(0);
  expect(files).toEqual(
    expect.arrayContaining([
      ...paper,
      ...weights.map((name) => `weights/${name}`),
      'dist/cli/segevery.js',
      'dist/cli/third-party-licenses.md',
      'dist/host/page.js',
      'LICENSE',
    ]),
  );
  expect(files.filter((path) => !/^(dist|bench\/paper|weights)\/|^[A-Z]+(\.md)?$|^package\.json$/.test(path))).toEqual(
    [],
  );
});

test('Node imports every entry, and the command runs', async () => {
  const names = async (entry: string) => {
    const script = `import('${entry}').then((entry) => console.log(Object.keys(entry).join()))`;
    return (await execute(process.execPath, ['-e', script], { cwd: app })).stdout.trim().split(',');
  };
  expect(await names('segevery')).toEqual(['Mask', 'SegEveryError', 'createEngine']);
  expect(await names('segevery/checkpoint')).toContain('convertCheckpoints');
  expect(await names('segevery/evaluate')).toEqual(expect.arrayContaining(['Evaluator', 'readAnnotations']));
  expect(await names('segevery/cache')).toEqual(expect.arrayContaining(['ModelCache', 'filesOf']));
  const command = join(app, 'node_modules', '.bin', windows ? 'segevery.cmd' : 'segevery');
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect((await execute(command, ['--version'], { cwd: app, shell: windows })).stdout.trim()).toBe(version);
  expect((await execute(command, ['models'], { cwd: app, shell: windows })).stdout).toContain('sam_vit_h');
});

/** Uses all entries. The compiler has to find fault with the lines that end in `// wrong`, and with no other: so nothing is `any`. */
const CONSUMER = `
import { createEngine, type EverythingRecord, type Mask, SegEveryError } from 'segevery';
import { filesOf, ModelCache } from 'segevery/cache';
import { convertCheckpoints, Sha256 } from 'segevery/checkpoint';
import { type Evaluation, Evaluator, readAnnotations, readResults } from 'segevery/evaluate';

const engine = await createEngine({ precision: 'f16' });
await createEngine({ precision: 'f15' }); // wrong
const device: GPUDevice = engine.runtime.device;
const cache = await ModelCache.open();
const model = await engine.load(await cache.load('https://example.org/model/'));
cache.nothing(); // wrong
{
  using photo = await model.open(new Blob());
  const [mask] = await photo.segment({ box: [1, 2, 3, 4] });
  const area: number | undefined = mask?.segmentation.area;
  await photo.segment({ box: [1, 2, 3] }); // wrong
  for await (const records of photo.everything({ mode: 'grid', pointsPerSide: 8 })) show(records, area);
}
function show(records: readonly EverythingRecord[], area: number | undefined): Mask[] {
  console.log(area);
  return records.map(({ segmentation }) => segmentation);
}
const truth = await readAnnotations(() => [new Uint8Array()], { where: 'truth.json', subset: { count: 9, seed: 1 } });
const { proposals } = await readResults([new Uint8Array()], truth, { where: 'results.json', limit: 100 });
const evaluator = new Evaluator([10, 100]);
for (const image of truth.images) evaluator.add(image, proposals.get(image.id) ?? []);
const result: Evaluation = evaluator.result();
const word: string = result.masks.sizes['all']?.average[0]; // wrong
console.log(device, word, filesOf, convertCheckpoints, Sha256, new SegEveryError('io', ''));
`;

/** What the README's first example takes for granted. */
const SURROUNDINGS = `
declare const file: File;
declare const context: CanvasRenderingContext2D;
declare function draw(masks: readonly import('segevery').EverythingRecord[]): void;
`;

test.each([
  ['bundler', 'esnext'],
  ['nodenext', 'nodenext'],
])('strict TypeScript with moduleResolution %s finds what is wrong, and no more', async (moduleResolution, module) => {
  const types = join(app, 'node_modules', '@webgpu');
  await mkdir(types, { recursive: true });
  await symlink(join(ROOT, 'node_modules', '@webgpu', 'types'), join(types, 'types'), 'junction').catch(() => {});
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const [, example = ''] = /```js\n(.*?)```/s.exec(readme) ?? [];
  expect(example).toContain("from 'segevery'");
  // Entries that the text names are looked up too.
  const entries = new Set([...readme.matchAll(/[`'](segevery\/(?!weights)\w+)[`']/g)].map(([, entry]) => entry));
  expect(entries.size).toBeGreaterThanOrEqual(3);
  const imports = [...entries].map((entry, i) => `export * as entry${i} from '${entry}';`).join('\n');
  await writeFile(join(app, 'consumer.ts'), CONSUMER);
  await writeFile(join(app, 'readme.ts'), `${example}${SURROUNDINGS}${imports}`);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    // For `using`; the rest is what TypeScript takes itself.
    target: 'es2022',
    module,
    moduleResolution,
    types: [],
    // The declarations of the package are checked, those of TypeScript are not.
    skipLibCheck: false,
    skipDefaultLibCheck: true,
  };
  const config = join(app, `${moduleResolution}.json`);
  await writeFile(config, JSON.stringify({ compilerOptions, files: ['consumer.ts', 'readme.ts'] }));
  const errors = await execute(process.execPath, [TSC, '--project', config], { cwd: app }).then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
  const wrong = CONSUMER.split('\n').flatMap((line, i) => (line.endsWith('// wrong') ? [`consumer.ts(${i + 1}`] : []));
  expect(errors.match(/^[^\s,]+(?=,\d+\): error)/gm), errors).toEqual(wrong);
});
