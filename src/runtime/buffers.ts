// Every GPU buffer and texture of an engine is made and destroyed here, so that what is left can be counted.
import { SegEveryError } from './errors.ts';
import type { TexelShape } from './texels.ts';

export class Buffers {
  readonly #device: GPUDevice;
  readonly #alive = new Map<GPUBuffer | GPUTexture, number>();
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
    return this.#count(this.#device.createBuffer({ label, size: Math.ceil(bytes / 4) * 4, usage }), bytes);
  }

  /** @throws code `limit` beyond the rows that the device allows a texture. */
  createTexels(label: string, { columns, rows, format, bytes }: TexelShape): GPUTexture {
    const limit = this.#device.limits.maxTextureDimension2D;
    if (rows > limit) {
      throw new SegEveryError('limit', `${label}: ${rows} rows are more than this device allows a texture (${limit})`);
    }
    const usage = GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST;
    return this.#count(this.#device.createTexture({ label, size: [columns, rows], format, usage }), bytes);
  }

  #count<T extends GPUBuffer | GPUTexture>(made: T, bytes: number): T {
    this.#alive.set(made, bytes);
    this.#bytes += bytes;
    this.#peak = Math.max(this.#peak, this.#bytes);
    return made;
  }

  destroy(buffer: GPUBuffer | GPUTexture): void {
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
