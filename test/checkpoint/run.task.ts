// A checkpoint that was converted in the page from a File, loaded as a model folder, and run.
import { type Decode, verifyPredictor } from '../../cli/verify/gpu-predictor.ts';
import { proceduralSource } from '../../cli/verify/procedural.ts';
import { type DecoderShapeConfig, decoderShapes, type TinyVitConfig, tinyVitShapes } from '../../cli/verify/shapes.ts';
import { crc32 } from '../../src/checkpoint/crc32.ts';
import { BlobFolder, convertCheckpoints } from '../../src/checkpoint/index.ts';
import { openModel } from '../../src/model/load.ts';
import { openSafetensorsBytes } from '../../src/runtime/safetensors.ts';
import type { Tasks } from '../tasks.ts';
import { torchFile } from './torch-file.ts';

interface Case {
  readonly config: { readonly encoder: TinyVitConfig; readonly decoder: DecoderShapeConfig };
  readonly weights: { readonly seed: number };
}

const FOLDER = 'test/golden/predictor-mini';

const tasks: Tasks = {
  async mini({ engine, fetchFile }) {
    const json = JSON.parse(new TextDecoder().decode(await fetchFile(`${FOLDER}/case.json`))) as Case;
    const golden = await openSafetensorsBytes(await fetchFile(`${FOLDER}/tensors.safetensors`));
    const { encoder, decoder } = json.config;
    const shapes = new Map([...tinyVitShapes(encoder), ...decoderShapes(decoder)]);
    const source = proceduralSource(shapes, json.weights.seed, golden);
    const tensors = await Promise.all(
      source.names.map(async (name) => ({ name, shape: source.shape(name), values: await source.read(name) })),
    );
    const file = new File([torchFile(tensors, crc32)], 'mini.pt');
    const folder = new BlobFolder();
    const { parts } = await convertCheckpoints([file], folder);
    const opened = await openModel(folder.files);
    const { decodePhoto } = await import('../../src/photo/decode-page.ts');
    const lines = await verifyPredictor(
      await engine(),
      {
        id: 'predictor-mini',
        // The search over a grid says nothing more about the weights.
        json: { ...json, everything_grid: undefined },
        tensors: async () => golden,
        file: (path) => fetchFile(`${FOLDER}/${path}`),
      },
      {
        precision: { activations: 'f32', weights: 'f32' },
        decode: decodePhoto as Decode,
        // TinyViT's shapes do not tell the side of its input, and the published network's is 1024.
        opened: {
          ...opened,
          description: { ...opened.description, imageSize: (encoder as { img_size: number }).img_size },
        },
      },
    );
    return { parts, lines, bytes: file.size };
  },
};

export default tasks;
