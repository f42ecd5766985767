// npm run demo: builds the demo page when something is newer, and serves it on this machine until Ctrl-C. A number is the port.
import { build, buildDemo, install, root } from './lib.mjs';

install();
build();
buildDemo();
const { runnerImport } = await import('vite');
const { module } = await runnerImport('./examples/serve.ts', { root, logLevel: 'error' });
const port = Number(process.argv[2] ?? 8321);
const server = await module.serve(port).catch(() => module.serve());
console.log(`demo: ${server.url}  (Ctrl-C ends it)\nminimal page: ${server.url}examples/minimal/`);
