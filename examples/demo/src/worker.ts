// The engine's worker: answers the page's questions in the order in which the GPU gets to them. Nothing here knows of the page's elements.
import {
  createEngine,
  type EverythingRecord,
  type LoadedModel,
  type MaskRecord,
  type Photo,
  type SegEvery,
  SegEveryError,
} from '../../../src/index.ts';
import { kernelTimes } from './kernel-times.ts';
import type { CallName, Calls, FromWorker, MaskMessage, Question, ToWorker } from './protocol.ts';

let engine: SegEvery | undefined;
let model: LoadedModel | undefined;
let photo: Photo | undefined;
const running = new Map<number, AbortController>();

interface Context {
  readonly signal: AbortSignal;
  progress(stage: string, done: number): void;
  masks(masks: readonly MaskMessage[]): void;
}

type Answers = { [Name in CallName]: (ask: Calls[Name]['ask'], context: Context) => Promise<Calls[Name]['give']> };

const answers: Answers = {
  async start({ model: folder }, { signal, progress }) {
    const begun = performance.now();
    engine = await createEngine({ powerPreference: 'high-performance' });
    void engine.lost.then((error) => send({ kind: 'lost', message: error.message }));
    const ready = performance.now();
    model = await engine.load(folder, {
      signal,
      onProgress: ({ stage, loaded, total }) => progress(stage, total > 0 ? loaded / total : 0),
    });
    const { adapter, features } = engine;
    const times = [['adapter', ready - begun] as const, ['model', performance.now() - ready] as const];
    return { model: model.name, adapter, timestamps: features.timestamps, times };
  },

  async open({ photo: file }, { signal, progress }) {
    photo?.dispose();
    photo = undefined;
    const timings = new Map<string, number>();
    const opened = await required(model).open(file, {
      signal,
      timings,
      onProgress: (done) => progress('encode', done),
    });
    // A photo that came in meanwhile has asked for this one to be dropped.
    if (signal.aborted) {
      opened.dispose();
      throw new SegEveryError('aborted', 'another photo came in');
    }
    photo = opened;
    return { width: opened.width, height: opened.height, times: [...timings] };
  },

  async segment({ prompt }, { signal }) {
    const begun = performance.now();
    const records = await required(photo).segment(prompt, { signal, lowRes: false });
    return { masks: records.map(message), milliseconds: performance.now() - begun };
  },

  async everything({ mode }, { signal, progress, masks }) {
    const begun = performance.now();
    const onProgress = (done: number): void => progress('masks', done);
    const batches = required(photo).everything(
      mode === 'objects'
        ? { signal, onProgress }
        : { mode: 'grid', pointsPerSide: mode.pointsPerSide, signal, onProgress },
    );
    for await (const records of batches) masks(records.map(message));
    return { milliseconds: performance.now() - begun };
  },

  async profile() {
    return { kernels: kernelTimes(await required(model).core.profile({ repeats: 3 })) };
  },
};

function required<T>(thing: T | undefined): T {
  if (thing === undefined) throw new SegEveryError('usage', 'asked before the model and a photo were open');
  return thing;
}

function message(record: MaskRecord | EverythingRecord): MaskMessage {
  const { segmentation, mask, predictedIou, stabilityScore, pointCoords, box } = record;
  const detectorScore = 'detectorScore' in record ? record.detectorScore : null;
  const { words, box: region } = segmentation;
  return { words, region, mask, predictedIou, stabilityScore, pointCoords, box, detectorScore };
}

function send(said: FromWorker): void {
  const masks =
    said.kind === 'masks' ? said.masks : said.kind === 'answer' && 'masks' in said.give ? said.give.masks : [];
  postMessage(said, { transfer: masks.map(({ words }) => words.buffer) });
}

async function answer<Name extends CallName>(question: Question & { readonly name: Name }): Promise<void> {
  const { id } = question;
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const give = await answers[question.name](question.ask as never, {
      signal: controller.signal,
      progress: (stage, done) => send({ kind: 'progress', id, stage, done }),
      masks: (masks) => send({ kind: 'masks', id, masks }),
    });
    send({ kind: 'answer', id, give });
  } catch (error) {
    const code = error instanceof SegEveryError ? error.code : null;
    send({ kind: 'failed', id, code, message: error instanceof Error ? error.message : String(error) });
  } finally {
    running.delete(id);
  }
}

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.name === 'cancel') running.get(data.id)?.abort();
  else void answer(data);
});
