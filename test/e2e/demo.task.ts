// What the library itself gives for a photo: the demo page must show the same.
import { createEngine } from '../../src/index.ts';
import { fromBase64 } from '../base64.ts';
import type { Tasks } from '../tasks.ts';

const FILES = ['model.json', 'nano-encoder.safetensors', 'nano-decoder.safetensors', 'nano-detector.safetensors'];

export default {
  /** COCO's run lengths: of the masks of one point, and of everything; the default model on a photo's file. */
  async masks({ gpu, fetchFile }, { photo, point }: { photo: string; point: [number, number] }) {
    const engine = await createEngine({ gpu });
    try {
      const files: Record<string, Uint8Array> = {};
      for (const name of FILES) files[name] = await fetchFile(`weights/${name}`);
      const model = await engine.load(files);
      const opened = await model.open(new Uint8Array(fromBase64(photo)));
      const clicked = await opened.segment({ points: [point] });
      const everything: unknown[] = [];
      for await (const batch of opened.everything()) everything.push(...batch.map((it) => it.segmentation.toCocoRle()));
      return {
        clicked: clicked.map(({ segmentation }) => segmentation.toCocoRle()),
        areas: clicked.map(({ area }) => area),
        sure: clicked.map(({ predictedIou }) => predictedIou),
        everything,
      };
    } finally {
      engine.dispose();
    }
  },
} satisfies Tasks;
