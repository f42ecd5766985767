// The public API on a host: the default model on a photo, and what callers do wrong.
import type { Prompt } from '../../src/index.ts';
import { createEngine, SegEveryError } from '../../src/index.ts';
import type { LoadedModel, SegEvery } from '../../src/segevery.ts';
import type { TaskContext, Tasks } from '../tasks.ts';

const FILES = ['model.json', 'nano-encoder.safetensors', 'nano-decoder.safetensors', 'nano-detector.safetensors'];

async function folder({ fetchFile }: TaskContext): Promise<Record<string, Uint8Array>> {
  return Object.fromEntries(
    await Promise.all(FILES.map(async (name) => [name, await fetchFile(`weights/${name}`)] as const)),
  );
}

let shared: Promise<{ engine: SegEvery; model: LoadedModel }> | undefined;

function opened(context: TaskContext): Promise<{ engine: SegEvery; model: LoadedModel }> {
  shared ??= createEngine({ gpu: context.gpu }).then(async (engine) => ({
    engine,
    model: await engine.load(await folder(context)),
  }));
  return shared;
}

/** A made photo: a bright disc on a dark ground, 96 x 64. */
function disc() {
  const [width, height] = [96, 64];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = (x - 40) ** 2 + (y - 30) ** 2 < 18 ** 2;
      data.set(inside ? [230, 200, 40] : [20, 40, 70], (y * width + x) * 3);
    }
  }
  return { data, width, height };
}

async function code(body: () => Promise<unknown>): Promise<string> {
  try {
    await body();
    return 'no error';
  } catch (error) {
    return error instanceof SegEveryError ? error.code : `not a SegEveryError: ${String(error)}`;
  }
}

const tasks: Tasks = {
  selfTest: async (context) => {
    const { engine } = await opened(context);
    const { ok, firstOff, stages } = await engine.selfTest();
    return { ok, firstOff: firstOff ?? null, stages: stages.map((s) => ({ ...s })) };
  },

  /** A box and a click on the disc; the same again from a saved embedding; batches of one. */
  segment: async (context) => {
    const { model } = await opened(context);
    const photo = await model.open(disc());
    const prompts: Prompt[] = [{ box: [21, 11, 59, 49] }, { points: [[40, 30]] }, { box: [0, 0, 96, 64] }];
    const together = await photo.segment(prompts);
    const alone = (await Promise.all(prompts.map((p) => photo.segment(p)))).flat();
    const bytes = await photo.save({ float32: true });
    const half = await photo.save();
    const restored = await model.restore(bytes);
    const again = await restored.segment(prompts);
    const flipped = new Uint8Array(bytes);
    const at = new TextDecoder().decode(bytes.subarray(0, 4096)).indexOf('"encoder":"') + 11;
    flipped[at] = flipped[at] === 48 ? 49 : 48;
    const mismatch = await code(() => model.restore(flipped));
    photo.dispose();
    restored.dispose();
    const rle = (records: typeof together) => records.map((r) => r.segmentation.toCocoRle().counts);
    return {
      prompts: together.map((r) => r.prompt),
      masks: together.map((r) => r.mask),
      areas: together.map((r) => r.area),
      disc: Math.round(Math.PI * 18 ** 2),
      sameAlone: rle(together).join() === rle(alone).join(),
      sameRestored: rle(together).join() === rle(again).join(),
      bytes: [bytes.length, half.length],
      mismatch,
      refined: (
        await (
          await model.open(disc())
        ).segment({
          points: [[40, 30]],
          ...(together[0]?.lowRes ? { maskInput: together[0].lowRes } : {}),
          multimask: false,
        })
      )[0]?.area,
    };
  },

  errors: async (context) => {
    const { model } = await opened(context);
    const photo = await model.open(disc());
    const soon = new AbortController();
    const results: Record<string, string> = {
      empty: await code(() => photo.segment({})),
      none: await code(() => photo.segment([])),
      outside: await code(() => photo.segment({ points: [[96, 10]] })),
      nan: await code(() => photo.segment({ points: [[Number.NaN, 1]] })),
      labels: await code(() => photo.segment({ points: [[1, 1]], labels: [1, 0] })),
      reversed: await code(() => photo.segment({ box: [50, 5, 10, 40] })),
      flat: await code(() => photo.segment({ box: [50, 5, 50, 40] })),
      maskInput: await code(() => photo.segment({ points: [[1, 1]], maskInput: new Float32Array(64 * 64) })),
      maskNan: await code(() =>
        photo.segment({ points: [[1, 1]], maskInput: new Float32Array(128 * 128).fill(Number.NaN) }),
      ),
      text: await code(() => model.open(new TextEncoder().encode('not a photo'))),
      zero: await code(() => model.open({ data: new Uint8Array(), width: 0, height: 0 })),
      limit: await code(() => model.open(disc(), { maxPixels: 100 })),
      aborted: await code(() => model.open(disc(), { signal: AbortSignal.abort() })),
      abortedMidway: await code(() => model.open(disc(), { signal: soon.signal, onProgress: () => soon.abort() })),
    };
    const [still] = await photo.segment({ box: [21, 11, 59, 49] });
    photo.dispose();
    results.disposed = await code(() => photo.segment({ box: [21, 11, 59, 49] }));
    return { results, still: still?.area ?? 0 };
  },

  /** Broken folders: each refused before anything is uploaded. */
  weights: async (context) => {
    const { engine } = await opened(context);
    const files = await folder(context);
    const before = engine.memory.bytes;
    const json = JSON.parse(new TextDecoder().decode(files['model.json']));
    const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    const changed = (change: (copy: typeof json) => void) => {
      const copy = structuredClone(json);
      change(copy);
      return { ...files, 'model.json': encode(copy) };
    };
    const encoder = files['nano-encoder.safetensors'] as Uint8Array;
    const cut = { ...files, 'nano-encoder.safetensors': encoder.slice(0, encoder.length - 1000) };
    const results = {
      truncated: await code(() => engine.load(cut)),
      missing: await code(() => engine.load({ 'model.json': files['model.json'] as Uint8Array })),
      notJson: await code(() => engine.load({ ...files, 'model.json': new TextEncoder().encode('{') })),
      path: await code(() => engine.load(changed((m) => (m.parts.encoder.file = '../secret.safetensors')))),
      unknown: await code(() => engine.load(changed((m) => (m.parts.encoder.architecture = 'vit_giant')))),
      swapped: await code(() =>
        engine.load(
          changed((m) => {
            m.parts.encoder = { ...m.parts.encoder, architecture: 'tiny_vit' };
          }),
        ),
      ),
    };
    const verdict = await engine.canRun(files, { prompts: 16 });
    const tight = await engine.canRun(files, { prompts: 16, memoryBudget: 2 ** 20 });
    return {
      results,
      left: engine.memory.bytes - before,
      verdict: verdict.ok,
      bytes: verdict.bytes,
      tight: tight.ok,
      fits: tight.fits,
      reasons: tight.reasons,
    };
  },

  /** All that an engine held is given back. */
  dispose: async (context) => {
    const engine = await createEngine({ gpu: context.gpu, defaultLimits: true });
    const model = await engine.load(await folder(context));
    const loaded = engine.memory.bytes;
    const sizes: number[] = [];
    const { pipelines } = model.core.engine;
    const late: number[] = []; // pipelines that a first box still asked for
    for (let i = 0; i < 3; i++) {
      const photo = await model.open(disc());
      const known = pipelines.size;
      await photo.segment({ box: [21, 11, 59, 49] });
      late.push(pipelines.size - known);
      photo.dispose();
      sizes.push(engine.memory.bytes);
    }
    const photo = await model.open(disc());
    model.dispose();
    const afterModel = await code(() => photo.segment({ box: [21, 11, 59, 49] }));
    const reload = await code(() => model.open(disc()));
    engine.dispose();
    const dead = await code(() => engine.load({}));
    const { bytes: left, buffers } = engine.memory;
    return { loaded, sizes, late, left, buffers, afterModel, reload, dead };
  },
};

export default tasks;
