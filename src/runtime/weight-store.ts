// Weights on the GPU, by key: shared by all plans of a model, uploaded one at a time so that little lies on the CPU (docs/decisions.md, "Streamed weights").
import { DeviceTensor, writeWhole } from './device-tensor.ts';
import type { Engine } from './engine.ts';
import { SegEveryError, throwIfAborted } from './errors.ts';
import type { WeightRef } from './graph.ts';
import { elementBytes, type Precision, size } from './tensor.ts';
import { copyTexels, texelShape, weightBytes } from './texels.ts';
import type { PutWeight, WeightFile } from './weight-layout.ts';

const IN_FLIGHT_BYTES = 2 ** 24;

export class WeightStore {
  readonly #tensors = new Map<string, StoredWeight>();
  readonly #uploading = new Map<string, Promise<void>>();
  #disposed = false;

  /** Bytes on the GPU. */
  get bytes(): number {
    let total = 0;
    for (const tensor of this.#tensors.values()) total += tensor.bytes;
    return total;
  }

  /** Bytes of those that are not there yet. */
  missing(refs: Iterable<WeightRef>, precision: Precision): number {
    let total = 0;
    for (const ref of refs) if (!this.#tensors.has(storeKey(ref, precision))) total += weightBytes(ref, precision);
    return total;
  }

  /** Uploads those that are not there yet: those of a file in its order, the others in theirs. */
  async upload(engine: Engine, refs: Iterable<WeightRef>, precision: Precision, signal?: AbortSignal): Promise<void> {
    const all = [...refs];
    const others: WeightRef[] = [];
    const byFile = new Map<WeightFile, WeightRef[]>();
    const jobs = new Set<Promise<void>>();
    for (const ref of all) {
      const job = this.#uploading.get(storeKey(ref, precision));
      if (job) jobs.add(job);
      else if (ref.from) byFile.set(ref.from.file, [...(byFile.get(ref.from.file) ?? []), ref]);
      else others.push(ref);
    }
    for (const [file, wanted] of byFile) jobs.add(this.#begin(engine, wanted, precision, signal, file));
    for (const ref of others) {
      throwIfAborted(signal);
      await this.#begin(engine, [ref], precision, signal);
    }
    try {
      await Promise.all(jobs);
    } catch (error) {
      // Somebody else's upload that was stopped is not ours.
      if (!(error instanceof SegEveryError && error.code === 'aborted') || signal?.aborted) throw error;
      return this.upload(engine, all, precision, signal);
    }
    throwIfAborted(signal);
  }

  /** Its texture where it is asked for as `texels`, else its buffer. */
  memory(ref: Pick<WeightRef, 'key' | 'texels'>, precision: Precision): GPUBuffer | GPUTexture {
    const stored = this.#tensors.get(storeKey(ref, precision));
    if (stored === undefined)
      throw new SegEveryError('disposed', `weight ${ref.key} is not on the GPU: was the model disposed?`);
    return stored.memory;
  }

  dispose(): void {
    this.#disposed = true;
    for (const stored of this.#tensors.values()) stored.dispose();
    this.#tensors.clear();
    this.#uploading.clear();
  }

  /** Notes an upload, so that others wait for it. What fails leaves nothing behind. */
  #begin(
    engine: Engine,
    refs: readonly WeightRef[],
    precision: Precision,
    signal: AbortSignal | undefined,
    file?: WeightFile,
  ): Promise<void> {
    const half = ({ dtype }: WeightRef): boolean => elementBytes(dtype, precision) === 2;
    const write = this.#writer(engine, precision);
    const job = file
      ? file.send(refs, write, half, signal)
      : Promise.all(refs.map(async (ref) => write(ref, await ref.read()))).then(() => {});
    const keys = refs.map((ref) => storeKey(ref, precision));
    for (const key of keys) this.#uploading.set(key, job);
    job.catch(() => {
      for (const key of keys) {
        this.#uploading.delete(key);
        this.#tensors.get(key)?.dispose();
        this.#tensors.delete(key);
      }
    });
    return job;
  }

  #writer(engine: Engine, precision: Precision): PutWeight {
    const { queue } = engine.device;
    let written = 0;
    return async (ref, values) => {
      const elements = size(ref.shape);
      const whole = values.length === elements || (elements % 2 === 1 && values.length === elements + 1);
      if (!whole)
        throw new SegEveryError('weights', `${ref.key}: ${values.length} values for [${ref.shape.join(', ')}]`);
      if (this.#disposed) throw new SegEveryError('disposed', `${ref.key}: its model was disposed while it loaded`);
      await engine.allocating(ref.key, () => {
        const stored = store(engine, ref, precision, values);
        this.#tensors.set(storeKey(ref, precision), stored);
        written += stored.bytes;
      });
      // What the queue copied stays in memory until it is on its way.
      if (written < IN_FLIGHT_BYTES) return;
      written = 0;
      await Promise.race([queue.onSubmittedWorkDone().catch(() => {}), engine.lost]);
    };
  }
}

interface StoredWeight {
  readonly memory: GPUBuffer | GPUTexture;
  readonly bytes: number;
  dispose(): void;
}

/** Writes a weight into a buffer, and for kernels that read it as a texture from there into one. */
function store(
  { buffers, device }: Engine,
  ref: WeightRef,
  precision: Precision,
  values: Float32Array | Uint16Array,
): StoredWeight {
  const { key, shape, dtype } = ref;
  const tensor = new DeviceTensor(buffers, key, shape, dtype, precision);
  writeWhole(device.queue, tensor, values);
  if (!ref.texels) return { memory: tensor.buffer, bytes: tensor.bytes, dispose: () => tensor.dispose() };
  try {
    const size = texelShape(ref, precision);
    const texture = buffers.createTexels(key, size);
    const encoder = device.createCommandEncoder();
    copyTexels(encoder, tensor.buffer, texture, tensor.elements);
    device.queue.submit([encoder.finish()]);
    return { memory: texture, bytes: size.bytes, dispose: () => buffers.destroy(texture) };
  } finally {
    tensor.dispose();
  }
}

function storeKey({ key, texels }: Pick<WeightRef, 'key' | 'texels'>, precision: Precision): string {
  return `${key}|${texels ?? false}|${precision.weights}|${precision.activations}`;
}
