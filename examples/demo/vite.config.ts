// Builds the demo as a folder of static files, with the model beside it: it runs wherever that folder is served.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vite';
import wgsl from '../../build/wgsl.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** The default model as it lies in the repository, under its own names: model.json points at them. */
function weights(): Plugin {
  return {
    name: 'segevery:weights',
    generateBundle() {
      for (const name of readdirSync(join(ROOT, 'weights')).filter((it) => /\.(json|safetensors)$/.test(it))) {
        this.emitFile({
          type: 'asset',
          fileName: `weights/${name}`,
          source: readFileSync(join(ROOT, 'weights', name)),
        });
      }
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  publicDir: false,
  plugins: [wgsl(ROOT), weights()],
  worker: { format: 'es', plugins: () => [wgsl(ROOT)] },
  // Photos and icons stay files: the page's policy allows no data addresses.
  build: { target: 'es2022', emptyOutDir: true, assetsInlineLimit: 0 },
});
