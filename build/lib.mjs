// What the npm scripts share. Plain Node, no dependency: it runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node 20.19 or newer is needed; this is ${process.version}`);
  process.exit(2);
}

/** Runs a program with its output shown; the exit code, 1 for a signal. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, stdio: 'inherit', shell: needsShell(program), ...options });
  if (result.error) console.error(`${program}: ${result.error.message}`);
  return result.status ?? 1;
}

/** As `run`, but passes Ctrl-C on and waits until the program has tidied up. */
export function runToEnd(program, args, options = {}) {
  const child = spawn(program, args, { cwd: root, stdio: 'inherit', ...options });
  // The terminal sends the signal to the child as well; this process only has to outlive it.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
  return new Promise((resolve) => {
    child.on('error', () => resolve(1));
    child.on('close', (code) => resolve(code ?? 130));
  });
}

/** On Windows, npm is a script that only a shell starts. */
function needsShell(program) {
  return process.platform === 'win32' && program === 'npm';
}

/** Runs a program of node_modules by its script, without a shell. */
export function runPackage(name, script, args, options) {
  return run(process.execPath, [join(root, 'node_modules', name, script), ...args], options);
}

/** Installs exactly what the lock file says when node_modules is missing or older than it. */
export function install() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  const lock = join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  console.error('installing development dependencies (npm ci)');
  const code = run('npm', ['ci', '--no-audit', '--no-fund'], { stdio: ['ignore', 2, 2] });
  if (code !== 0) process.exit(code);
}

const OUTPUTS = [
  'dist/segevery.js',
  'dist/checkpoint.js',
  'dist/cache.js',
  'dist/evaluate.js',
  'dist/host/page.js',
  'dist/cli/segevery.js',
  'dist/types/src/index.d.ts',
];

/** Builds dist/ when it is missing or older than a source. */
export function build() {
  const built = OUTPUTS.map((file) => join(root, file)).map((file) => (existsSync(file) ? statSync(file).mtimeMs : 0));
  const folders = ['src', 'cli', 'build', 'package-lock.json', 'vite.config.ts'];
  const sources = [...folders, 'tsconfig.json', 'tsconfig.types.json'].map((name) => newest(join(root, name)));
  if (Math.min(...built) > Math.max(...sources)) return;
  console.error('building');
  for (const mode of ['production', 'checkpoint', 'cache', 'evaluate', 'page', 'cli']) {
    const code = runPackage('vite', 'bin/vite.js', ['build', '--mode', mode, '--logLevel', 'warn'], {
      stdio: ['ignore', 2, 2],
    });
    if (code !== 0) process.exit(code);
  }
  const code = run(process.execPath, [join(root, 'build', 'declarations.mjs')]);
  if (code !== 0) process.exit(code);
}

/** Builds the demo page (examples/demo/dist) when it is missing or older than a source. */
export function buildDemo() {
  const page = join(root, 'examples', 'demo', 'dist', 'index.html');
  const folders = ['src', 'build', 'weights', 'package-lock.json', 'examples/photos', 'examples/demo/src'];
  const sources = [...folders, 'examples/demo/index.html', 'examples/demo/vite.config.ts'];
  if (existsSync(page) && statSync(page).mtimeMs > Math.max(...sources.map((name) => newest(join(root, name))))) return;
  console.error('building the demo');
  const args = ['build', '--config', 'examples/demo/vite.config.ts', '--logLevel', 'warn'];
  const code = runPackage('vite', 'bin/vite.js', args, { stdio: ['ignore', 2, 2] });
  if (code !== 0) process.exit(code);
}

function newest(path) {
  const own = statSync(path);
  if (!own.isDirectory()) return own.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** Runs the built command. */
export function segevery(args) {
  return runToEnd(process.execPath, [join(root, 'dist', 'cli', 'segevery.js'), ...args], { cwd: process.cwd() });
}
