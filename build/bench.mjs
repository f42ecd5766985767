// npm run bench: installs what is missing, then runs bench/run.ts.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build, install, root, run } from './lib.mjs';

install();
// Memory is measured of the command that users run.
build();
if (!existsSync(join(root, 'bench', 'run.ts'))) {
  console.error('bench/run.ts is missing');
  process.exit(1);
}
const script = "const { runnerImport } = await import('vite'); await runnerImport('./bench/run.ts');";
process.exitCode = run(process.execPath, ['--input-type=module', '-e', script, '--', ...process.argv.slice(2)]);
