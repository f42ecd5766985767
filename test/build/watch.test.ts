// Watch mode: who edits a kernel or what it imports sees the next build or the next reload with it, without starting anything again.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { afterEach, expect, test } from 'vitest';
import wgsl from '../../build/wgsl.ts';

const HELPER = 'fn helper() -> f32 { return 1.5; }\n';
const KERNEL = `#import helper
struct Params { firstGroup: u32, groupCount: u32 }
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;
@compute @workgroup_size(1)
fn main() { if (params.groupCount > 0u) { out[0] = helper() + 2.5; } }
`;

let root: string | undefined;
afterEach(() => {
  if (root !== undefined) rmSync(root, { recursive: true, force: true });
});

test('a build that watches makes the bundle anew after a change of a kernel, of what it imports, and of a mistake', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'segevery-watch-'));
  root = folder;
  const kernels = join(folder, 'src/kernels');
  mkdirSync(join(kernels, 'shared'), { recursive: true });
  mkdirSync(join(folder, 'src/runtime'));
  writeFileSync(
    join(folder, 'src/runtime/wgsl-shape.ts'),
    'export const defineShader = (name: string, text: string) => ({ name, text });\n',
  );
  writeFileSync(join(folder, 'main.ts'), "export { default } from './src/kernels/kernel.wgsl';\n");
  writeFileSync(join(kernels, 'shared/helper.wgsl'), HELPER);
  writeFileSync(join(kernels, 'kernel.wgsl'), KERNEL);

  const watcher = await build({
    root: folder,
    configFile: false,
    logLevel: 'silent',
    plugins: [wgsl(folder)],
    build: {
      minify: false,
      watch: { buildDelay: 20 },
      lib: { entry: join(folder, 'main.ts'), formats: ['es'], fileName: () => 'main.js' },
    },
  });
  if (!('on' in watcher)) throw new Error('the build does not watch');
  try {
    // Each end of a build hands its code, or its error, to whoever waits.
    const ends: string[] = [];
    let wake = () => {};
    watcher.on('event', (event) => {
      if (event.code === 'BUNDLE_END') ends.push('built');
      if (event.code === 'ERROR') ends.push(`error ${event.error.message}`);
      wake();
    });
    const next = async (): Promise<string> => {
      while (ends.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return ends.shift() ?? '';
    };
    const built = (): string => readFileSync(join(folder, 'dist/main.js'), 'utf8');
    expect(await next()).toBe('built');
    expect(built()).toContain('return 1.5');

    writeFileSync(join(kernels, 'shared/helper.wgsl'), HELPER.replace('1.5', '3.5'));
    expect(await next()).toBe('built');
    expect(built()).toContain('return 3.5');

    writeFileSync(join(kernels, 'kernel.wgsl'), `#import nothing\n${KERNEL}`);
    expect(await next()).toMatch(/kernel\.wgsl:1: .*nothing/);

    writeFileSync(join(kernels, 'kernel.wgsl'), KERNEL.replace('2.5', '4.5'));
    expect(await next()).toBe('built');
    expect(built()).toContain('4.5');
  } finally {
    await watcher.close();
  }
}, 30_000);
