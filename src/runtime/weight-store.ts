// Weights on the GPU, by key: shared by all plans of a model, uploaded one at a time so that little lies on the CPU.
import { DeviceTensor, toStorage } from './device-tensor.ts';
import type { Engine } from './engine.ts';
import { SegEveryError, throwIfAborted } from './errors.ts';
import type { WeightRef } from './graph.ts';
import { type Precision, size, tensorBytes } from './tensor.ts';

export class WeightStore {
  readonly #tensors = new Map<string, DeviceTensor>();
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
    for (const ref of refs) if (!this.#tensors.has(storeKey(ref.key, precision))) total += tensorBytes(ref, precision);
    return total;
  }

  /** Uploads those that are not there yet, in order. */
  async upload(engine: Engine, refs: Iterable<WeightRef>, precision: Precision, signal?: AbortSignal): Promise<void> {
    for (const ref of refs) {
      const key = storeKey(ref.key, precision);
      throwIfAborted(signal);
      let job = this.#uploading.get(key);
      if (job === undefined) {
        job = this.#uploadOne(engine, ref, precision, key);
        this.#uploading.set(key, job);
        job.catch(() => this.#uploading.delete(key));
      }
      await job;
    }
  }

  buffer(key: string, precision: Precision): GPUBuffer {
    const tensor = this.#tensors.get(storeKey(key, precision));
    if (tensor === undefined)
      throw new SegEveryError('disposed', `weight ${key} is not on the GPU: was the model disposed?`);
    return tensor.buffer;
  }

  dispose(): void {
    this.#disposed = true;
    for (const tensor of this.#tensors.values()) tensor.dispose();
    this.#tensors.clear();
    this.#uploading.clear();
  }

  async #uploadOne(engine: Engine, ref: WeightRef, precision: Precision, key: string): Promise<void> {
    const values = await ref.read();
    if (values.length !== size(ref.shape)) {
      throw new SegEveryError('weights', `${ref.key}: ${values.length} values for [${ref.shape.join(', ')}]`);
    }
    if (this.#disposed) throw new SegEveryError('disposed', `${ref.key}: its model was disposed while it loaded`);
    await engine.allocating(ref.key, () => {
      const tensor = new DeviceTensor(engine.buffers, ref.key, ref.shape, ref.dtype, precision);
      engine.device.queue.writeBuffer(tensor.buffer, 0, toStorage(values, ref.dtype, precision));
      this.#tensors.set(key, tensor);
    });
  }
}

function storeKey(key: string, precision: Precision): string {
  return `${key}|${precision.weights}|${precision.activations}`;
}
