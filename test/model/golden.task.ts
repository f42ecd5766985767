// Golden cases through the product's own code, on the GPU of the host.
import { verifyEncoder } from '../../cli/verify/gpu-encoder.ts';
import type { Decode } from '../../cli/verify/gpu-predictor.ts';
import type { CheckLine, GoldenCase } from '../../cli/verify/types.ts';
import { decodePhoto } from '../../src/photo/decode-page.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import { openSafetensorsBytes } from '../../src/runtime/safetensors.ts';
import type { Precision } from '../../src/runtime/tensor.ts';
import type { Tasks } from '../tasks.ts';

type Verify = (
  engine: Engine,
  c: GoldenCase,
  options: { precision: Precision; decode: Decode },
) => Promise<CheckLine[]>;

// Loaded when asked for, so that one component that does not compile fails its own cases only.
const COMPONENTS: Readonly<Record<string, () => Promise<Verify>>> = {
  encoder: async () => verifyEncoder,
  decoder: async () => (await import('../../cli/verify/gpu-decoder.ts')).verifyDecoder,
  'detector/yolov8': async () => (await import('../../cli/verify/gpu-detector.ts')).verifyYolov8,
  'detector/object-aware': async () => (await import('../../cli/verify/gpu-detector.ts')).verifyYolov8,
  'detector/fastsam': async () => (await import('../../cli/verify/gpu-detector.ts')).verifyYolov8,
  'detector/default': async () => (await import('../../cli/verify/gpu-detector-default.ts')).verifyDefaultDetector,
  'everything-objects': async () => (await import('../../cli/verify/gpu-everything.ts')).verifyEverything,
  predictor: async () => (await import('../../cli/verify/gpu-predictor.ts')).verifyPredictor,
};

const tasks: Tasks = {
  run: async ({ engine, fetchFile }, { name, storage }: { name: string; storage: 'f32' | 'f16' }) => {
    const folder = `test/golden/${name}`;
    const json: unknown = JSON.parse(new TextDecoder().decode(await fetchFile(`${folder}/case.json`)));
    const { component } = json as { component: string };
    const load = COMPONENTS[component] ?? COMPONENTS[component.split('/')[0] as string];
    if (load === undefined) throw new Error(`no module verifies ${component}`);
    const verify = await load();
    const runtime = await engine();
    if (storage === 'f16' && !runtime.features.f16) {
      const { vendor, architecture } = runtime.adapter;
      return {
        lines: [],
        skipped: `${vendor} ${architecture} has no shader-f16; Mesa's lavapipe has (test/README.md)`,
      };
    }
    const before = runtime.buffers.bytes - runtime.arena.bytes;
    const lines = await verify(
      runtime,
      {
        id: name,
        json,
        tensors: async () => openSafetensorsBytes(await fetchFile(`${folder}/tensors.safetensors`)),
        file: (path) => fetchFile(new URL(`${folder}/${path}`, 'file:///').pathname.slice(1)),
      },
      { precision: { activations: storage, weights: storage }, decode: decodePhoto },
    );
    return { lines, left: runtime.buffers.bytes - runtime.arena.bytes - before };
  },
};

export default tasks;
