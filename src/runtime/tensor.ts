// Symbolic tensors: what a graph is built from. No GPU here.
import { check } from './errors.ts';

/**
 * Storage type: `elem`, `weight` and `panels` are float32 or float16 as the plan's precision says (docs/architecture.md). `panels` is a weight whose
 * last axis lies in panels (panels.ts): whoever writes it gives it by rows.
 */
export type DType = 'elem' | 'weight' | 'panels' | 'f32' | 'u32' | 'i32';

/** Who owns a tensor's memory: the arena, the caller (bound for a run), the weights, or the plan (constants). */
export type TensorKind = 'temporary' | 'bound' | 'weight' | 'constant';

export interface Tensor {
  readonly id: number;
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly kind: TensorKind;
}

/** Number of elements. */
export function size(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** The shape as a tuple of known rank; throws `shape` otherwise. */
export function dims<N extends 1 | 2 | 3 | 4>(tensor: Tensor, rank: N): Tuple<N> {
  check(
    tensor.shape.length === rank,
    'shape',
    `${tensor.name}: expected rank ${rank}, got [${tensor.shape.join(', ')}]`,
  );
  return tensor.shape as unknown as Tuple<N>;
}

type Tuple<N extends 1 | 2 | 3 | 4> = N extends 1
  ? [number]
  : N extends 2
    ? [number, number]
    : N extends 3
      ? [number, number, number]
      : [number, number, number, number];

/** Last extent, e.g. the channels of an NHWC map. */
export function channels(tensor: Tensor): number {
  return tensor.shape[tensor.shape.length - 1] ?? 1;
}

/** Product of all extents but the last: the rows of a tensor seen as a matrix. */
export function rows(tensor: Tensor): number {
  return size(tensor.shape) / channels(tensor);
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

export function ceilDiv(a: number, b: number): number {
  return Math.ceil(a / b);
}

export function roundUp(a: number, multiple: number): number {
  return Math.ceil(a / multiple) * multiple;
}

/** Bytes of one element for a precision. */
export function elementBytes(dtype: DType, precision: Precision): number {
  if (dtype === 'elem') return precision.activations === 'f16' ? 2 : 4;
  if (dtype === 'weight' || dtype === 'panels') return precision.weights === 'f16' ? 2 : 4;
  return 4;
}

/** Storage of activations and of weights. Arithmetic is float32 in any case. */
export interface Precision {
  readonly activations: 'f32' | 'f16';
  readonly weights: 'f32' | 'f16';
}

/** Bytes that a tensor takes, padded to 16 so that no binding is empty or misaligned. */
export function tensorBytes(tensor: { shape: readonly number[]; dtype: DType }, precision: Precision): number {
  return Math.max(16, roundUp(size(tensor.shape) * elementBytes(tensor.dtype, precision), 16));
}
