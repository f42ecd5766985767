// Two projects: `unit` needs Node alone; `browser` holds test/e2e and the tests that import test/browser.ts, which share
// one headless browser.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import wgsl from './build/wgsl.ts';

const tests = readdirSync(join(import.meta.dirname, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => join('test', name));
const needsBrowser = (file: string) =>
  file.startsWith(join('test', 'e2e')) ||
  /'(?:\.\.?\/)+browser\.ts'/.test(readFileSync(join(import.meta.dirname, file), 'utf8'));

export default defineConfig({
  plugins: [wgsl()],
  test: {
    environment: 'node',
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: tests.filter((file) => !needsBrowser(file)), testTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: tests.filter(needsBrowser),
          globalSetup: ['test/browser-setup.ts'],
          // One worker and one page for all files: a software adapter uses every core by itself, and pipelines stay compiled.
          pool: 'forks',
          fileParallelism: false,
          isolate: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
