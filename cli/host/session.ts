// One engine with one model for as many photos as a command has. The next photo is decoded while the GPU works on the one before it.

import type { SegEvery } from '../../src/index.ts';
import { SegEveryError } from '../../src/index.ts';
import type { Pixels } from '../../src/photo/pixels.ts';
import {
  adapterName,
  type ChannelOrder,
  type Dtype,
  loadModel,
  type Surroundings,
  startEngine,
  timed,
} from './common.ts';

/** What a photo is worked on with. */
export interface SessionJob {
  /** Path of the photo, or the name under which its bytes were provided. */
  readonly photo: string;
  /** Path of the folder with model.json, ending in a separator. */
  readonly model: string;
  readonly dtype: Dtype;
  /** The detector's, instead of the one that model.json says. */
  readonly channelOrder?: ChannelOrder;
}

/** A model on an engine, and the fingerprint of its model.json. */
export interface Ready {
  readonly engine: SegEvery;
  readonly model: Awaited<ReturnType<typeof loadModel>>;
}

/** A photo of either kind of model; both have the same methods. */
export type OpenPhoto = Awaited<ReturnType<Ready['model']['open']>>;

/** A decoded photo, or why there is none: kept until it is asked for, so that no rejection goes unheard. */
type Decoded = Promise<{ readonly pixels: Pixels } | { readonly error: unknown }>;

/** Errors after which nothing on the GPU can be relied on. */
const LOST = new Set(['device-lost', 'disposed', 'out-of-memory']);

export class Session {
  readonly #around: Surroundings;
  #ready: { readonly key: string; readonly made: Promise<Ready> } | undefined;
  readonly #decoded = new Map<string, Decoded>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Begins to read and decode a photo. What is wrong with it is said by `withPhoto`. */
  prepare(photo: string): void {
    if (!this.#decoded.has(photo)) this.#decoded.set(photo, this.#decode(photo));
  }

  /**
   * Calls `body` with the decoded photo and the model, which is loaded the first time. The photo is closed afterwards.
   * Milliseconds of what had to be waited for go to `timings`.
   * @throws codes of decoding, of loading and of `body`
   */
  async withPhoto<T>(
    job: SessionJob,
    timings: Map<string, number>,
    body: (pixels: Pixels, ready: Ready) => Promise<T>,
  ): Promise<T> {
    this.prepare(job.photo);
    // The photo first: it is quick to refuse.
    const decoded = await timed(timings, 'decode', async () => this.#decoded.get(job.photo));
    this.#decoded.delete(job.photo);
    if (decoded === undefined || 'error' in decoded) throw decoded?.error;
    try {
      return await body(decoded.pixels, await this.#open(job, timings));
    } catch (error) {
      if (error instanceof SegEveryError && LOST.has(error.code)) await this.#close();
      throw error;
    } finally {
      decoded.pixels.close();
    }
  }

  /** Frees the engine, and photos that were prepared in vain. */
  async dispose(): Promise<void> {
    for (const decoded of this.#decoded.values()) {
      const found = await decoded;
      if ('pixels' in found) found.pixels.close();
    }
    this.#decoded.clear();
    await this.#close();
  }

  async #decode(photo: string): Decoded {
    try {
      return { pixels: await this.#around.decode(await this.#around.read(photo)) };
    } catch (error) {
      return { error };
    }
  }

  #open(job: SessionJob, timings: Map<string, number>): Promise<Ready> {
    const key = JSON.stringify([job.model, job.dtype, job.channelOrder]);
    if (this.#ready?.key === key) return this.#ready.made;
    const before = this.#close();
    const made = before.then(() => this.#make(job, timings));
    this.#ready = { key, made };
    return made;
  }

  async #make(job: SessionJob, timings: Map<string, number>): Promise<Ready> {
    const engine = await timed(timings, 'adapter', () => startEngine(this.#around, job.dtype));
    try {
      const model = await timed(timings, 'model', () => loadModel(engine, this.#around, job.model, job.channelOrder));
      this.#around.report(`${model.name} on ${adapterName(engine.adapter)}`);
      return { engine, model };
    } catch (error) {
      engine.dispose();
      throw error;
    }
  }

  async #close(): Promise<void> {
    const ready = this.#ready;
    this.#ready = undefined;
    const made = await ready?.made.catch(() => undefined);
    made?.engine.dispose();
  }
}
