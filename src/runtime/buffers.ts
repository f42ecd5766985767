// Every GPU buffer of an engine is made and destroyed here, so that what is left can be counted.
import { SegEveryError } from './errors.ts';

export class Buffers {
  readonly #device: GPUDevice;
  readonly #alive = new Map<GPUBuffer, number>();
  #bytes = 0;
  #peak = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Bytes of all buffers that are alive. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Largest value of `bytes` so far. */
  get peak(): number {
    return this.#peak;
  }

  get count(): number {
    return this.#alive.size;
  }

  /** @throws code `limit` beyond the device's buffer size. */
  create(label: string, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const limit = this.#device.limits.maxBufferSize;
    if (bytes > limit) {
      throw new SegEveryError(
        'limit',
        `${label}: ${mebibytes(bytes)} is more than this device allows a buffer (${mebibytes(limit)})`,
      );
    }
    const buffer = this.#device.createBuffer({ label, size: Math.ceil(bytes / 4) * 4, usage });
    this.#alive.set(buffer, bytes);
    this.#bytes += bytes;
    this.#peak = Math.max(this.#peak, this.#bytes);
    return buffer;
  }

  destroy(buffer: GPUBuffer): void {
    const bytes = this.#alive.get(buffer);
    if (bytes === undefined) return;
    this.#alive.delete(buffer);
    this.#bytes -= bytes;
    buffer.destroy();
  }

  destroyAll(): void {
    for (const buffer of [...this.#alive.keys()]) this.destroy(buffer);
  }
}

/** `12.3 MiB`. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
