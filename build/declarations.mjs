// Writes dist/types, the declarations of the package's entries: node build/declarations.mjs
// Types are checked by `npm run check`; here they are only written.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { root, run, runPackage } from './lib.mjs';

const target = join(root, 'dist', 'types');
const config = JSON.parse(readFileSync(join(root, 'tsconfig.types.json'), 'utf8'));
// All that an import or an export, a comment with a type or a type in place names.
const RELATIVE = /(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g;

rmSync(target, { recursive: true, force: true });
const shaders = run(process.execPath, [join(root, 'build', 'types.mjs')], { stdio: ['ignore', 2, 2] });
const written = runPackage('typescript', 'bin/tsc', ['--project', 'tsconfig.types.json'], { stdio: ['ignore', 2, 2] });
if (shaders !== 0 || written !== 0) process.exit(1);
const needed = new Set(config.files.map((file) => join(target, file)));
for (const source of needed) {
  const text = readFileSync(declarationOf(source), 'utf8');
  for (const [, path] of text.matchAll(RELATIVE)) needed.add(resolve(dirname(source), path));
}
// The rest is what the bodies of functions use, which no declaration shows.
const kept = new Set([...needed].map(declarationOf));
for (const name of readdirSync(target, { recursive: true })) {
  const path = join(target, name);
  if (path.endsWith('.ts') && !kept.has(path)) rmSync(path);
}

function declarationOf(source) {
  return source.replace(/\.ts$/, '.d.ts');
}
