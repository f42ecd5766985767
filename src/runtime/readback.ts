// A ring of staging buffers: GPU to CPU without stalling the queue. A failed mapping is an error, never zeros.
import type { Buffers } from './buffers.ts';
import { SegEveryError } from './errors.ts';

const KEEP = 4; // staging buffers kept for reuse

export class ReadbackRing {
  readonly #device: GPUDevice;
  readonly #buffers: Buffers;
  readonly #idle: GPUBuffer[] = [];

  constructor(device: GPUDevice, buffers: Buffers) {
    this.#device = device;
    this.#buffers = buffers;
  }

  /** Bytes [offset, offset + bytes) of a buffer, as they are once everything submitted before has run. */
  async read(source: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    const padded = Math.ceil(bytes / 4) * 4;
    const staging = this.#take(padded);
    const encoder = this.#device.createCommandEncoder({ label: 'readback' });
    encoder.copyBufferToBuffer(source, offset, staging, 0, padded);
    this.#device.queue.submit([encoder.finish()]);
    try {
      await staging.mapAsync(GPUMapMode.READ, 0, padded);
    } catch (cause) {
      this.#buffers.destroy(staging);
      throw new SegEveryError(
        'device-lost',
        `reading ${source.label} back failed: the device was lost or the buffer destroyed`,
        {
          cause,
        },
      );
    }
    const data = staging.getMappedRange(0, padded).slice(0, bytes);
    staging.unmap();
    if (this.#idle.length < KEEP) this.#idle.push(staging);
    else this.#buffers.destroy(staging);
    return data;
  }

  #take(bytes: number): GPUBuffer {
    const at = this.#idle.findIndex((b) => b.size >= bytes && b.size <= 4 * bytes + 65536);
    const found = at >= 0 ? this.#idle.splice(at, 1)[0] : undefined;
    return found ?? this.#buffers.create('staging', bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  }

  dispose(): void {
    for (const buffer of this.#idle) this.#buffers.destroy(buffer);
    this.#idle.length = 0;
  }
}
