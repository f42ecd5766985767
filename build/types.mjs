// Writes the typings of all .wgsl files, for `tsc` and editors: node build/types.mjs
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const { module } = await runnerImport(fileURLToPath(new URL('wgsl-types.ts', import.meta.url)), { root });
const errors = module.generateTypes(root);
for (const error of errors) console.error(error.message);
process.exitCode = errors.length === 0 ? 0 : 1;
