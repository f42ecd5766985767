// All kernels, as the development server and as a build has them: what they say of themselves when they are loaded is what a full
// reflection of WGSL finds in them.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compile, sharedDirectory } from '../../build/wgsl-compile.ts';
import { inspect } from '../../build/wgsl-inspect.ts';
import { link } from '../../build/wgsl-link.ts';
import { specialise } from '../../src/runtime/shader.ts';
import { defineShader } from '../../src/runtime/wgsl-shape.ts';

const root = join(import.meta.dirname, '../..');
const directory = join(root, 'src/kernels');
const names = readdirSync(directory).filter((name) => name.endsWith('.wgsl'));

test.each(names)('%s', (name) => {
  const path = join(directory, name);
  const options = { root, shared: sharedDirectory(root) };
  const reflected = inspect(link(path, options));
  const [plain, minified] = [false, true].map((minify) => compile(path, { ...options, minify }).shader);
  for (const shader of [plain, minified]) {
    const { bindings, params, constants } = defineShader(name, shader?.source ?? '');
    expect({ bindings, params, constants }).toEqual(reflected);
  }
  if (plain === undefined || minified === undefined) throw new Error('not compiled');
  expect(minified.source.length).toBeLessThan(0.8 * plain.source.length);
  // Both specialise to the same loops: as many blocks, with as many statements.
  const f32 = { activations: 'f32', weights: 'f32', nativeF16: false, subgroups: true } as const;
  const [long, short] = [plain, minified].map((shader) => specialise(shader, {}, f32).replace(/\/\/.*/g, ''));
  for (const mark of [/\{/g, /;/g, /\[/g]) {
    expect(short?.match(mark)?.length).toBe(long?.match(mark)?.length);
  }
});
