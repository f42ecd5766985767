// A tensor with memory of its own: embeddings, results, inputs.
import type { Buffers } from './buffers.ts';
import { f16ToF32, f32ToF16 } from './half.ts';
import { panels } from './panels.ts';
import { type DType, elementBytes, type Precision, size, tensorBytes } from './tensor.ts';

export class DeviceTensor {
  readonly buffer: GPUBuffer;
  readonly bytes: number;
  readonly #buffers: Buffers;

  constructor(
    buffers: Buffers,
    readonly name: string,
    readonly shape: readonly number[],
    readonly dtype: DType,
    readonly precision: Precision,
  ) {
    this.#buffers = buffers;
    this.bytes = tensorBytes({ shape, dtype }, precision);
    this.buffer = buffers.create(
      name,
      this.bytes,
      GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    );
  }

  get elements(): number {
    return size(this.shape);
  }

  dispose(): void {
    this.#buffers.destroy(this.buffer);
  }
}

/** Writes all values of a tensor, float16 bit patterns where it is stored so; `panels` are given by rows. */
export function writeWhole(
  queue: GPUQueue,
  tensor: DeviceTensor,
  values: Float32Array | Uint32Array | Int32Array | Uint16Array,
): void {
  const { buffer, dtype, precision, shape } = tensor;
  const put = (start: number, data: Float32Array | Uint32Array | Int32Array | Uint16Array): void => {
    const stored = data instanceof Uint16Array ? data : toStorage(data, dtype, precision);
    queue.writeBuffer(buffer, start * elementBytes(dtype, precision), stored as ArrayBufferView<ArrayBuffer>);
  };
  if (dtype !== 'panels' || values instanceof Uint32Array || values instanceof Int32Array) put(0, values);
  else
    for (const { start, piece } of panels<Float32Array | Uint16Array>(values, shape.at(-1) as number))
      put(start, piece);
}

/** Bytes of `data` as the GPU stores them for this dtype and precision. */
export function toStorage(
  data: Float32Array | Uint32Array | Int32Array,
  dtype: DType,
  precision: Precision,
): ArrayBufferView<ArrayBuffer> {
  if (data instanceof Float32Array && elementBytes(dtype, precision) === 2) {
    const halves = f32ToF16(data);
    if (halves.length % 2 === 0) return halves;
    const even = new Uint16Array(halves.length + 1);
    even.set(halves);
    return even;
  }
  return data as ArrayBufferView<ArrayBuffer>;
}

/** The values of stored bytes. */
export function fromStorage(
  bytes: ArrayBuffer,
  elements: number,
  dtype: DType,
  precision: Precision,
): Float32Array<ArrayBuffer> {
  if (elementBytes(dtype, precision) === 2) return f16ToF32(new Uint16Array(bytes, 0, elements));
  return new Float32Array(bytes, 0, elements);
}
