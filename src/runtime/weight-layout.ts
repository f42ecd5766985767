// How the numbers of published tensors become those that kernels read: as data, so that a tensor can be laid out while it comes in.

import type { WeightRef } from './graph.ts';
import { bf16ToF32, f16ToF32, f32ToF16 } from './half.ts';
import type { SafetensorsDtype } from './safetensors-header.ts';

/** A file whose tensors are uploaded in the order in which they lie in it. */
export interface WeightFile {
  /**
   * Gives `put` the values of every ref, in any order; none of them counts before this resolves, since the file's sha256 is known at its end.
   * @throws codes `weights`, `io`, `aborted`
   */
  send(
    refs: readonly WeightRef[],
    put: PutWeight,
    half: (ref: WeightRef) => boolean,
    signal?: AbortSignal,
  ): Promise<void>;
}

/** Takes a weight's laid-out values, as float16 bit patterns where `half` asked for them; their memory is used again afterwards. */
export type PutWeight = (ref: WeightRef, values: Float32Array | Uint16Array) => Promise<void>;

/** The published tensors that a weight is made of. */
export interface WeightOrigin {
  readonly file: WeightFile;
  /** Those that must be there whole, for `read` or for the layout's scale. */
  readonly keys: readonly string[];
  /** The one that may come in pieces, where `read` does nothing but lay it out. */
  readonly layout?: Layout;
}

/** Element (a, b, c) of a tensor [A, B, C] goes to a * strides[0] + b * strides[1] + c * strides[2]; what nothing goes to is zero. */
export interface Layout {
  readonly key: string;
  readonly sizes: Triple;
  readonly strides: Triple;
  /** A factor for each a, in double precision. */
  readonly scale?: (() => Promise<Float64Array>) | undefined;
}

type Triple = readonly [number, number, number];

/** Puts `piece`, the elements from `start` on, where the layout says. */
export function scatter<T extends Float32Array | Uint16Array>(piece: T, start: number, layout: Layout, out: T): void {
  const [, sizeB, sizeC] = layout.sizes;
  const [strideA, strideB, strideC] = layout.strides;
  const row = sizeB * sizeC;
  if (strideA === 1 && start % row === 0 && piece.length % row === 0) {
    // A transposition: neighbours in `out` together, since a jump there costs more than one in the small piece.
    const first = start / row;
    const rows = piece.length / row;
    for (let q = 0; q < row; q++) {
      const base = first + Math.floor(q / sizeC) * strideB + (q % sizeC) * strideC;
      for (let i = 0, from = q; i < rows; i++, from += row) out[base + i] = piece[from] as number;
    }
    return;
  }
  let c = start % sizeC;
  let b = Math.floor(start / sizeC) % sizeB;
  let to = Math.floor(start / row) * strideA + b * strideB + c * strideC;
  for (let i = 0; i < piece.length; i++) {
    out[to] = piece[i] as number;
    to += strideC;
    if (++c === sizeC) {
      c = 0;
      to += strideB - sizeC * strideC;
      if (++b === sizeB) {
        b = 0;
        to += strideA - sizeB * strideB;
      }
    }
  }
}

/** Multiplies `piece`, the elements from `start` on, by the factors of their first axis. */
export function scaled(piece: Float32Array, start: number, { sizes: [, b, c] }: Layout, scale: Float64Array): void {
  for (let i = 0; i < piece.length; i++) {
    piece[i] = (piece[i] as number) * (scale[Math.floor((start + i) / (b * c))] as number);
  }
}

/** Elements that are laid out at once: a megabyte of float32. */
const PIECE = 2 ** 18;

/** Lays tensors out a piece at a time, in memory that the next tensor uses again. */
export class Placer {
  readonly #bytes = new Uint8Array(8 * PIECE);
  readonly #values = new Float32Array(PIECE);
  readonly #halves = new Uint16Array(PIECE);
  #out: ArrayBuffer;

  /** @param most bytes of the largest weight */
  constructor(most: number) {
    this.#out = new ArrayBuffer(4 * Math.ceil(most / 4));
  }

  /**
   * @param length elements of the laid-out weight
   * @param fill gives the next bytes of the tensor
   * @returns the weight, until the next call; undefined where the tensor holds no floating-point numbers
   */
  async place(
    layout: Layout,
    { dtype, count, length, half }: { dtype: SafetensorsDtype; count: number; length: number; half: boolean },
    fill: (target: Uint8Array) => Promise<void>,
  ): Promise<Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | undefined> {
    const width = dtype === 'F64' ? 8 : dtype === 'F32' ? 4 : dtype === 'F16' || dtype === 'BF16' ? 2 : 0;
    if (width === 0) return undefined;
    const scale = await layout.scale?.();
    const out = this.#zeros(length, half, count < length);
    const row = layout.sizes[1] * layout.sizes[2];
    const step = PIECE - (row > PIECE ? 0 : PIECE % row);
    for (let start = 0; start < count; start += step) {
      const n = Math.min(step, count - start);
      await fill(this.#bytes.subarray(0, width * n));
      const { buffer } = this.#bytes;
      if (dtype === 'F16' && scale === undefined && out instanceof Uint16Array) {
        scatter(new Uint16Array(buffer, 0, n), start, layout, out);
        continue;
      }
      const values = this.#values.subarray(0, n);
      if (dtype === 'F16') f16ToF32(new Uint16Array(buffer, 0, n), values);
      else if (dtype === 'BF16') bf16ToF32(new Uint16Array(buffer, 0, n), values);
      else values.set(dtype === 'F64' ? new Float64Array(buffer, 0, n) : new Float32Array(buffer, 0, n));
      if (scale) scaled(values, start, layout, scale);
      if (out instanceof Uint16Array) scatter(f32ToF16(values, this.#halves.subarray(0, n)), start, layout, out);
      else scatter(values, start, layout, out);
    }
    return out;
  }

  #zeros(length: number, half: boolean, clear: boolean): Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
    // Writes to a buffer take multiples of four bytes.
    const bytes = 4 * Math.ceil((half ? 2 : 4) * (length / 4));
    if (clear) new Uint8Array(this.#out, 0, bytes).fill(0);
    return half ? new Uint16Array(this.#out, 0, bytes / 2) : new Float32Array(this.#out, 0, bytes / 4);
  }
}
