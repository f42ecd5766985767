// From a .wgsl file to the `Shader` object that src/runtime/shader.ts describes.
import { basename, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Shader } from '../src/runtime/shader.ts';
import { defineShader } from '../src/runtime/wgsl-shape.ts';
import { inspect } from './wgsl-inspect.ts';
import { type LinkOptions, link, relativePath, WgslError } from './wgsl-link.ts';
import { minify, withoutBlockComments } from './wgsl-minify.ts';

export interface CompileOptions extends LinkOptions {
  /** For production: see wgsl-minify.ts. */
  readonly minify: boolean;
}

/** Files that are text to their importers: the storage and reduction variants, and the shared modules. */
export function isText(root: string, path: string): boolean {
  return /^src\/(runtime\/wgsl|kernels\/shared)\//.test(relativePath(root, path));
}

/** Directory that `#import` names files of. */
export function sharedDirectory(root: string): string {
  return join(root, 'src/kernels/shared');
}

/** A kernel that fits its conventions. */
export interface Compiled {
  readonly shader: Shader;
  /** The text that `defineShader` makes `shader` of, by file: an absolute path of a shared file, or undefined for what is the kernel's own. */
  readonly parts: readonly { readonly path: string | undefined; readonly text: string }[];
  /** What it was made of, the kernel first. */
  readonly files: readonly string[];
}

/** Links, reflects and checks the kernel at the absolute path `path`. Throws `WgslError`. */
export function compile(path: string, options: CompileOptions): Compiled {
  const linked = link(path, options);
  const shape = inspect(linked);
  for (const [index, line] of linked.lines.entries()) {
    const origin = linked.origins[index];
    if (origin !== undefined && /^\s*(enable|requires|diagnostic)\b/.test(line)) {
      throw new WgslError(origin, 'directives are the runtime\'s: it puts "enable" before the variants that need it');
    }
  }
  const own = relativePath(options.root, path);
  const parts = [...new Set(linked.origins.map((it) => it.file))].map((file) => {
    const lines = linked.lines.filter((_, index) => linked.origins[index]?.file === file);
    return { path: file === own ? undefined : join(options.root, file), text: textOf(lines, options.minify) };
  });
  const variants = linked.variants.map((name) => `#import ${name}\n`).join('');
  const shader = defineShader(basename(path, '.wgsl'), variants + parts.map((it) => it.text).join(''));
  const expected = { name: shader.name, source: shader.source, ...shape };
  if (!isDeepStrictEqual(shader, expected)) {
    const form = '"@group(0) @binding(N) var<storage, read> name: array<T>;", "name: type" and "const NAME = literal;"';
    throw new WgslError(
      { file: own, line: 1 },
      `src/runtime/wgsl-shape.ts reads its bindings otherwise; write ${form}`,
    );
  }
  return { shader, parts: [{ path: undefined, text: variants }, ...parts], files: linked.files };
}

/** The text of a shared file or a variant by itself, as its importers put it into theirs. */
export function compileText(source: string, minified: boolean): string {
  return textOf(
    source.split(/\r?\n/).filter((line) => !/^\s*#/.test(line)),
    minified,
  );
}

function textOf(lines: readonly string[], minified: boolean): string {
  const text = lines.join('\n');
  return minified ? minify(text) : `${withoutBlockComments(text)}\n`;
}
