// Typings of .wgsl files: .generated/DIR/NAME.d.wgsl.ts, which TypeScript finds beside DIR/NAME.wgsl through `rootDirs`.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Shader } from '../src/runtime/shader.ts';
import { compile, isText, sharedDirectory } from './wgsl-compile.ts';
import { relativePath } from './wgsl-link.ts';

const GENERATED = '.generated';
const SOURCES = ['src', 'test', 'bench'];
/** Directories of fixtures that do not compile, or not as kernels of this tree. */
const SKIPPED = ['invalid', 'linking'];

/** Writes the typings of every .wgsl file below `root` and removes stale ones. Files that do not compile are returned as errors. */
export function generateTypes(root: string): Error[] {
  const errors: Error[] = [];
  const wanted = new Set<string>();
  for (const path of SOURCES.flatMap((it) => wgslFiles(join(root, it)))) {
    const target = typingsPath(root, path);
    wanted.add(target);
    try {
      writeTypes(root, path);
    } catch (error) {
      errors.push(error instanceof Error ? error : new Error(String(error)));
    }
  }
  for (const path of filesBelow(join(root, GENERATED))) {
    if (path.endsWith('.d.wgsl.ts') && !wanted.has(path)) rmSync(path, { force: true });
  }
  return errors;
}

/** Writes the typings of one .wgsl file. Throws `WgslError` when it does not compile. */
export function writeTypes(root: string, path: string): void {
  const shader = isText(root, path)
    ? undefined
    : compile(path, { root, shared: sharedDirectory(root), minify: false }).shader;
  writeIfChanged(typingsPath(root, path), declaration(relativePath(root, path), shader));
}

/** The declaration of a .wgsl file: of a shader with its names as literal types, or of text. */
export function declaration(file: string, shader: Shader | undefined): string {
  const head = `// Generated from ${file}; do not edit.\n`;
  if (shader === undefined) return `${head}declare const text: string;\nexport default text;\n`;
  const up = '../'.repeat(file.split('/').length);
  const fields = shader.params.fields.map((it) => it.name).filter((it) => it !== 'firstGroup' && it !== 'groupCount');
  const names = [shader.bindings.map((it) => it.name), fields, Object.keys(shader.constants)];
  return (
    `${head}import type { Shader } from '${up}src/runtime/shader.ts';\n` +
    `declare const shader: Shader<${names.map(union).join(', ')}>;\nexport default shader;\n`
  );
}

function union(names: readonly string[]): string {
  return names.length === 0 ? 'never' : names.map((it) => `'${it}'`).join(' | ');
}

function typingsPath(root: string, path: string): string {
  return join(root, GENERATED, relativePath(root, path).replace(/\.wgsl$/, '.d.wgsl.ts'));
}

/** All .wgsl files below a directory that may be absent. */
export function wgslFiles(directory: string): string[] {
  return filesBelow(directory).filter((it) => it.endsWith('.wgsl'));
}

function filesBelow(directory: string): string[] {
  let entries: ReturnType<typeof readEntries>;
  try {
    entries = readEntries(directory);
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return SKIPPED.includes(entry.name) ? [] : filesBelow(path);
    return [path];
  });
}

function readEntries(directory: string) {
  return readdirSync(directory, { withFileTypes: true });
}

/** Leaves an equal file alone (watchers), and replaces in one step (a type check may run at the same time). */
function writeIfChanged(path: string, text: string): void {
  try {
    if (readFileSync(path, 'utf8') === text) return;
  } catch {
    mkdirSync(dirname(path), { recursive: true });
  }
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}
