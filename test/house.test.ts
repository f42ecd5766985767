// The rules of the house that a program can check; docs/architecture.md has the reasons.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** Files below a folder of the repository, as paths with slashes. */
function files(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.split(sep).join('/')}`)
    .filter((name) => pattern.test(name))
    .sort();
}

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const source = files('src', /\.ts$/);
const all = ['src', 'cli', 'build', 'test', 'bench', 'evaluate', 'examples/demo/src'].flatMap((folder) =>
  files(folder, /\.(ts|mjs)$/),
);

/** What a file imports, static or dynamic. */
function imports(path: string): string[] {
  const code = read(path);
  return [...code.matchAll(/(?:\bfrom|^import|\bimport\()\s*['"]([^'"]+)['"]/gm)].map((match) => match[1] ?? '');
}

/** Code without comments; good enough to look for words in it. */
const withoutComments = (code: string) => code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

/** Kernels: each NAME.ts of src/kernels that imports a shader. */
const kernels = files('src/kernels', /^src\/kernels\/[^/]+\.ts$/)
  .filter((path) => imports(path).some((name) => name.endsWith('.wgsl')))
  .map((path) => path.replace(/^.*\/|\.ts$/g, ''));

test('there are kernels to check', () => {
  expect(kernels.length).toBeGreaterThan(10);
});

test('each shader of a kernel is imported by a file of its name or of the kernel that it is a variant of', () => {
  const shaders = files('src/kernels', /^src\/kernels\/[^/]+\.wgsl$/).map((path) => path.replace(/^.*\/|\.wgsl$/g, ''));
  const orphans = shaders.filter(
    (shader) =>
      !kernels.some(
        (kernel) =>
          (shader === kernel || shader.startsWith(`${kernel}-`)) &&
          imports(`src/kernels/${kernel}.ts`).includes(`./${shader}.wgsl`),
      ),
  );
  expect(orphans).toEqual([]);
});

test('each kernel has a twin in double precision, a test, and a row in the benchmark', () => {
  const tests = new Set(files('test/kernels', /\.test\.ts$/));
  const twins = new Set(files('test/reference', /\.ts$/));
  const bench = new Set(files('bench', /\.bench\.ts$/));
  const missing = kernels.flatMap((name) => [
    ...(twins.has(`test/reference/${name}.ts`) ? [] : [`${name}: test/reference/${name}.ts`]),
    ...(tests.has(`test/kernels/${name}.test.ts`) ? [] : [`${name}: test/kernels/${name}.test.ts`]),
    ...(bench.has(`bench/kernels/${name}.bench.ts`) ? [] : [`${name}: bench/kernels/${name}.bench.ts`]),
  ]);
  expect(missing).toEqual([]);
});

test('src imports no package', () => {
  const foreign = source.flatMap((path) =>
    imports(path)
      .filter((name) => !/^\.\.?\/.+\.(ts|wgsl)$/.test(name))
      .map((name) => `${path}: ${name}`),
  );
  expect(foreign).toEqual([]);
});

/** Which rooms of src a room may import from, itself included. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  runtime: ['runtime'],
  photo: ['photo', 'runtime'],
  formats: ['formats', 'photo', 'runtime'],
  evaluate: ['evaluate', 'formats', 'runtime'],
  checkpoint: ['checkpoint', 'self-test', 'model', 'runtime'],
  cache: ['cache', 'checkpoint', 'model', 'runtime'],
  kernels: ['kernels', 'runtime'],
  model: ['model', 'kernels', 'formats', 'photo', 'runtime'],
};

test('imports point one way: model, kernels, runtime', () => {
  const wrong = source.flatMap((path) => {
    const room = path.split('/')[1] ?? '';
    return imports(path)
      .map((name) =>
        relative(ROOT, normalize(join(ROOT, dirname(path), name)))
          .split(sep)
          .join('/'),
      )
      .filter((target) => {
        const [top, other = ''] = target.split('/');
        if (top !== 'src') return true;
        const allowed = ALLOWED[room];
        // Files directly in src are the public API and may import every room.
        return allowed !== undefined && !allowed.includes(other);
      })
      .map((target) => `${path}: ${target}`);
  });
  expect(wrong).toEqual([]);
});

test('WGSL lives in .wgsl files', () => {
  // Declarations as WGSL writes them; regular expressions that read WGSL have escapes in between.
  const shaderText =
    /@(compute|group\(|binding\(|workgroup_size)|var<(storage|uniform|workgroup|private)[\w, ]*> \w+ *:/;
  expect(source.filter((path) => shaderText.test(withoutComments(read(path))))).toEqual([]);
});

test('no rule about any and ! is switched off', () => {
  const off = all.filter((path) =>
    /biome-ignore[^\n]*(noNonNullAssertion)|@ts-(ignore|nocheck|expect-error)/.test(withoutMarkers(path)),
  );
  expect(off).toEqual([]);
  expect(source.filter((path) => /:\s*any\b|\bas any\b|<any>/.test(withoutComments(read(path))))).toEqual([]);
});

/** This file names the markers that it looks for. */
const withoutMarkers = (path: string) => (path === 'test/house.test.ts' ? '' : read(path));

test('files are kebab-case, and short enough to be one idea', () => {
  const LINES = 400;
  expect(all.filter((path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)+$/.test(path.replace(/^.*\//, '')))).toEqual([]);
  expect(all.filter((path) => read(path).split('\n').length > LINES)).toEqual([]);
});

test('each file begins with what it is', () => {
  const told = (path: string) => /^(#!.*\n)?\s*(\/\/|\/\*)/.test(read(path));
  // A kernel is two files, and its head stands in one of them.
  const twin = (path: string) => path.replace(/\.ts$/, '.wgsl');
  const shaders = files('src', /\.wgsl$/);
  const silent = [...source, ...shaders, ...files('cli', /\.ts$/)].filter(
    (path) => !told(path) && !(shaders.includes(twin(path)) && told(twin(path))),
  );
  expect(silent).toEqual([]);
});

test('the package depends on nothing at run time, and the lock file names no registry', () => {
  const manifest = JSON.parse(read('package.json')) as Readonly<Record<string, unknown>>;
  expect(manifest.dependencies).toBeUndefined();
  expect(read('package-lock.json')).not.toContain('"resolved"');
});
