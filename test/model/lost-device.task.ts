// A device that is lost under a loaded model: the next photo finds another.
import { createEngine, SegEveryError } from '../../src/index.ts';
import type { Tasks } from '../tasks.ts';
import { scene } from './crops.ts';

const FILES = ['model.json', 'nano-encoder.safetensors', 'nano-decoder.safetensors', 'nano-detector.safetensors'];

const BOX = [130, 25, 200, 60] as const;

async function code(body: () => Promise<unknown>): Promise<string> {
  try {
    await body();
    return 'no error';
  } catch (error) {
    return error instanceof SegEveryError ? error.code : `not a SegEveryError: ${String(error)}`;
  }
}

const tasks: Tasks = {
  run: async ({ gpu, fetchFile }) => {
    const files = Object.fromEntries(
      await Promise.all(FILES.map(async (name) => [name, await fetchFile(`weights/${name}`)] as const)),
    );
    const engine = await createEngine({ gpu });
    const model = await engine.load(files);
    const counts = async (photo: Awaited<ReturnType<typeof model.open>>) =>
      (await photo.segment({ box: BOX }))[0]?.segmentation.toCocoRle().counts;

    const first = await model.open(scene());
    const saved = await first.save({ float32: true });
    const masks = [await counts(first)];

    // Lost between two calls.
    engine.runtime.device.destroy();
    const codes = {
      lost: (await engine.lost).code,
      old: await code(() => first.segment({ box: BOX })),
      save: '',
      middle: '',
    };
    codes.save = await code(() => first.save());
    // Two calls at once share the new device.
    const [second, third] = await Promise.all([model.open(scene()), model.restore(saved)]);
    masks.push(await counts(second), await counts(third));
    const generations = [engine.generation];
    const stillOld = await code(() => first.segment({ box: BOX }));
    first.dispose();

    // Lost in the middle of an encoding.
    codes.middle = await code(() => model.open(scene(), { onProgress: () => engine.runtime.device.destroy() }));
    const fourth = await model.open(scene());
    masks.push(await counts(fourth));
    generations.push(engine.generation);
    fourth.dispose();
    engine.dispose();
    const disposed = await code(() => model.open(scene()));
    return { masks, codes, stillOld, generations, disposed };
  },
};

export default tasks;
