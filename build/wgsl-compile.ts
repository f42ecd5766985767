// From a .wgsl file to the `Shader` object that src/runtime/shader.ts describes.
import { basename, join } from 'node:path';
import type { Shader } from '../src/runtime/shader.ts';
import { inspect } from './wgsl-inspect.ts';
import { type LinkOptions, link, relativePath, WgslError } from './wgsl-link.ts';

export interface CompileOptions extends LinkOptions {
  /** Strip comments and indentation. */
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

/** Links, reflects and checks the kernel at the absolute path `path`. Throws `WgslError`. `files` are what it was made of. */
export function compile(path: string, options: CompileOptions): { shader: Shader; files: readonly string[] } {
  const linked = link(path, options);
  const shape = inspect(linked);
  for (const [index, line] of linked.lines.entries()) {
    const origin = linked.origins[index];
    if (origin !== undefined && /^\s*(enable|requires|diagnostic)\b/.test(line)) {
      throw new WgslError(origin, 'directives are the runtime\'s: it puts "enable" before the variants that need it');
    }
  }
  const body = linked.lines.join('\n');
  const imports = linked.variants.map((name) => `#import ${name}\n`).join('');
  const source = imports + (options.minify ? minify(body) : body);
  return { shader: { name: basename(path, '.wgsl'), source, ...shape }, files: linked.files };
}

/** Without comments (but `// @unroll`), indentation and empty lines; lines stay lines, so constants stay at a line's start. */
export function minify(source: string): string {
  const comment = /\/\/[^\n]*|\/\*(?:[^*/]|\*(?!\/)|\/(?!\*))*\*\//g;
  let text = source;
  // Block comments nest: the innermost go first.
  for (let before = ''; before !== text; ) {
    before = text;
    text = text.replace(comment, (it) =>
      /^\/\/\s*@unroll\b/.test(it) ? '// @unroll' : it.startsWith('//') ? '' : ' ',
    );
  }
  const lines = text.split('\n').map((line) => line.trim());
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
}
