// npm run evaluate:default: installs what is missing, then runs evaluate/run.ts.
import { install, runToEnd } from './lib.mjs';

install();
const script = "const { runnerImport } = await import('vite'); await runnerImport('./evaluate/run.ts');";
process.exitCode = await runToEnd(process.execPath, [
  '--input-type=module',
  '-e',
  script,
  '--',
  ...process.argv.slice(2),
]);
