// Linking of WGSL files: `#import name` pulls in `shared/name.wgsl`, once, and every linked line knows the file it came from.
import { readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** Imports that stay in the source: src/runtime/variants.ts resolves them when the shader is specialised. */
export const VARIANTS: readonly string[] = ['elem', 'weight', 'reduce', 'quad'];

/** Where a line of linked text stands on disk. `line` counts from 1. */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** A kernel with its shared files. `lines[i]` came from `origins[i]`; `files` are absolute paths, the kernel first. */
export interface Linked {
  readonly lines: readonly string[];
  readonly origins: readonly Origin[];
  readonly variants: readonly string[];
  readonly files: readonly string[];
}

export interface LinkOptions {
  /** Paths in messages are relative to this directory. */
  readonly root: string;
  /** Directory of the files that `#import` names. */
  readonly shared: string;
}

/** An error of a WGSL file; its message begins with `file:line: `. */
export class WgslError extends Error {
  override readonly name = 'WgslError';

  constructor(
    readonly origin: Origin,
    problem: string,
    options?: { cause?: unknown },
  ) {
    super(`${origin.file}:${origin.line}: ${problem}`, options);
  }
}

/** `path` as it stands in messages and generated files: relative to `root`, with forward slashes. */
export function relativePath(root: string, path: string): string {
  return relative(root, path).split(sep).join('/');
}

/**
 * Links the kernel at the absolute path `path`: shared files first, in the order of their first import, then the kernel itself.
 * Throws `WgslError` for an import that is unknown, malformed or part of a cycle.
 */
export function link(path: string, options: LinkOptions): Linked {
  const lines: string[] = [];
  const origins: Origin[] = [];
  const variants = new Set<string>();
  const files: string[] = [];
  const done = new Set<string>();

  const visit = (at: string, text: string, chain: readonly string[]): void => {
    files.push(at);
    const file = relativePath(options.root, at);
    const own: [string, Origin][] = [];
    for (const [index, line] of text.split(/\r?\n/).entries()) {
      const origin = { file, line: index + 1 };
      if (!/^\s*#/.test(line)) {
        own.push([line, origin]);
        continue;
      }
      const name = /^#import ([\w-]+)\s*(?:\/\/.*)?$/.exec(line)?.[1];
      if (name === undefined)
        throw new WgslError(origin, `expected "#import name" at the line's start, found "${line.trim()}"`);
      if (VARIANTS.includes(name)) {
        variants.add(name);
        continue;
      }
      if (chain.includes(name)) throw new WgslError(origin, `import cycle: ${[...chain, name].join(' -> ')}`);
      if (done.has(name)) continue;
      done.add(name);
      const target = join(options.shared, `${name}.wgsl`);
      visit(target, readImport(name, target, origin, options), [...chain, name]);
    }
    for (const [line, origin] of own) {
      lines.push(line);
      origins.push(origin);
    }
  };

  visit(path, readFileSync(path, 'utf8'), []);
  return { lines, origins, variants: [...variants].sort(), files };
}

function readImport(name: string, target: string, origin: Origin, options: LinkOptions): string {
  try {
    return readFileSync(target, 'utf8');
  } catch (cause) {
    const missing = relativePath(options.root, target);
    throw new WgslError(
      origin,
      `unknown import "${name}": there is no ${missing}, nor a variant (${VARIANTS.join(', ')})`,
      {
        cause,
      },
    );
  }
}
