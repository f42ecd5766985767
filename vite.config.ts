// Six builds (`--mode`): lib, the library; checkpoint, its entry for PyTorch files; cache, for models that a page keeps; evaluate, its entry for average recall; page, the script of the page that headless Chrome loads; cli, the command.
import { defineConfig } from 'vite';
import wgsl from './build/wgsl.ts';

const INPUTS = {
  lib: { entry: 'src/index.ts', directory: 'dist', file: 'segevery.js' },
  checkpoint: { entry: 'src/checkpoint/index.ts', directory: 'dist', file: 'checkpoint.js' },
  cache: { entry: 'src/cache/index.ts', directory: 'dist', file: 'cache.js' },
  evaluate: { entry: 'src/evaluate/index.ts', directory: 'dist', file: 'evaluate.js' },
  page: { entry: 'cli/host/page.ts', directory: 'dist/host', file: 'page.js' },
  cli: { entry: 'cli/segevery.ts', directory: 'dist/cli', file: 'segevery.js' },
} as const;

/** What the command finds at run time, when it is installed; the library and the page import nothing. */
const OPTIONAL = ['puppeteer-core', 'webgpu', 'sharp', '@sparticuz/chromium'];

/**
 * What the library loads on demand: photo decoders with the first photo, detectors and SegEvery with a model that has them, encoders with their
 * models, saved embeddings, profiles, and the self test. Everything else is one chunk, so that what they share is not scattered.
 */
const ON_DEMAND =
  /\/src\/(photo\/(?!decode-page)|self-test\/|checkpoint\/architectures\/|runtime\/(safetensors|byte-source|profiler)\.|model\/(catalogue|crop-pixels|embedding-file|more-encoders|efficientnet-lite|tiny-vit|vit|efficient-vit|detector|detections|everything|fast-sam(-frames|-photo|-select)?|grid-search|grids|nms|objects|output-mode|photo-objects|yolov8)\.|formats\/(components|regions)\.|kernels\/(shared\/)?(window(-attention)?(-workgroup)?|four-tokens|compact|detect|max-pool2d|prototype-logits|rel-pos-attention(-workgroup)?|rel-pos-terms|linear-attention(-sums)?|grouped-matmul)\.)/;

export default defineConfig(({ mode }) => {
  const { entry, directory, file } = mode in INPUTS ? INPUTS[mode as keyof typeof INPUTS] : INPUTS.lib;
  return {
    plugins: [wgsl()],
    publicDir: false,
    // The package depends on nothing, so what the command uses is in its file; `OPTIONAL` is not.
    ssr: { noExternal: true },
    build: {
      target: mode === 'cli' ? 'node20' : 'es2022',
      outDir: directory,
      // dist/ holds all outputs.
      emptyOutDir: false,
      ssr: mode === 'cli',
      // Packages that are bundled ask for their licences to be passed on.
      license: mode === 'cli' ? { fileName: 'third-party-licenses.md' } : false,
      lib: { entry, formats: ['es'], fileName: () => file },
      rolldownOptions: {
        external: mode === 'cli' ? [/^node:/, ...OPTIONAL] : [],
        // Whitespace and local names go: WGSL and identifiers are most of what a page downloads.
        output: {
          // Loaded when needed: photo decoders with the first photo, detectors and SegEvery with a model that has them.
          codeSplitting:
            mode in INPUTS && mode !== 'lib'
              ? false
              : { groups: [{ name: 'core', test: (id: string) => /\/src\//.test(id) && !ON_DEMAND.test(id) }] },
          entryFileNames: file,
          chunkFileNames: ({ name }) => (name === 'decode-source' ? 'photo.js' : `${name}.js`),
          minify: mode !== 'cli',
          comments: { annotation: false },
        },
      },
    },
  };
});
