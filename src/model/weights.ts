// Weights by path, as published: a scope over named tensors that accounts for every key. BatchNorm is folded in double precision, and
// layouts are what the kernels want. Missing, extra and misshapen keys are gathered and reported together.
import { SegEveryError } from '../runtime/errors.ts';
import type { WeightRef } from '../runtime/graph.ts';
import { sameShape, size } from '../runtime/tensor.ts';
import { type Layout, scaled, scatter, type WeightFile, type WeightOrigin } from '../runtime/weight-layout.ts';
import { foldNorm, type NormNumbers } from './fold.ts';

/** Named tensors: a safetensors file, several of them, or numbers made on the spot. */
export interface TensorSource {
  readonly names: readonly string[];
  has(name: string): boolean;
  shape(name: string): readonly number[];
  /** All values, widened to float32. */
  read(name: string): Promise<Float32Array>;
  /** Of its file, hexadecimal: as model.json says it, or known when the file was read. */
  readonly sha256?: string;
  /** Uploads in the order of the file, where the tensors are not in memory. */
  readonly send?: WeightFile['send'];
  /** Keeps tensors in memory, where the others are not. */
  keep?(names: Iterable<string>, signal?: AbortSignal): Promise<void>;
}

/** A tensor that was asked for. */
export interface NamedTensor {
  readonly key: string;
  /** Its file, where it is uploaded in the order of one. */
  readonly file: WeightFile | undefined;
  read(): Promise<Float32Array>;
}

class Ledger {
  readonly used = new Set<string>();
  readonly missing = new Set<string>();
  readonly misshapen = new Map<string, string>();
}

export class Weights {
  private constructor(
    readonly source: TensorSource,
    readonly path: string,
    readonly ledger: Ledger,
  ) {}

  /** The scope of all keys that begin with `prefix`. */
  static of(source: TensorSource, prefix = ''): Weights {
    return new Weights(source, prefix, new Ledger());
  }

  /** The scope below a path: `w.at('layers', 0, 'attn')` is `layers.0.attn.`. */
  at(...path: (string | number)[]): Weights {
    return new Weights(this.source, `${this.path}${path.join('.')}.`, this.ledger);
  }

  has(name: string): boolean {
    return this.source.has(this.path + name);
  }

  /** Shape of a key; where it is missing it is noted and the fallback returned, so that building goes on and finds the others. */
  shape(name: string, fallback: readonly number[]): readonly number[] {
    const key = this.path + name;
    if (!this.source.has(key)) {
      this.ledger.missing.add(key);
      return fallback;
    }
    const shape = this.source.shape(key);
    if (shape.length !== fallback.length) {
      this.ledger.misshapen.set(key, `[${shape.join(', ')}], expected rank ${fallback.length}`);
      return fallback;
    }
    return shape;
  }

  /** Number of consecutive indices below a path that have any of these keys, e.g. how many `blocks.N.` there are. */
  count(path: string, ...keys: string[]): number {
    let n = 0;
    while (keys.some((key) => this.source.has(`${this.path}${path}.${n}.${key}`))) n++;
    return n;
  }

  /** Marks a key as used with this shape and gives its reader. */
  tensor(name: string, shape: readonly number[]): NamedTensor {
    const key = this.path + name;
    if (!this.source.has(key)) this.ledger.missing.add(key);
    else {
      this.ledger.used.add(key);
      const found = this.source.shape(key);
      if (!sameShape(found, shape)) {
        this.ledger.misshapen.set(key, `[${found.join(', ')}], expected [${shape.join(', ')}]`);
      }
    }
    const file = this.source.send && (this.source as WeightFile);
    return { key, file, read: () => this.source.read(key) };
  }

  /** A tensor that goes to the GPU as it is. */
  plain(name: string, shape: readonly number[], dtype: 'weight' | 'f32' = 'f32'): WeightRef {
    const tensor = this.tensor(name, shape);
    return laidOut(tensor, '@plain', shape, dtype, { sizes: [size(shape), 1, 1], strides: [1, 0, 0] });
  }

  /** A linear layer's [N, K] as the matmul's [K, N], N padded with zeros to a multiple of 4; other kernels take it as `weight`. */
  linear(name: string, shape: readonly [number, number], dtype: 'weight' | 'panels' = 'panels'): WeightRef {
    const [n, k] = shape;
    const padded = pad4(n);
    return laidOut(this.tensor(name, shape), dtype === 'panels' ? '@linear' : '@rows', [k, padded], dtype, {
      sizes: [n, k, 1],
      strides: [1, padded, 0],
    });
  }

  /** A bias or norm vector, padded with zeros to a multiple of 4. */
  vector(name: string, length: number): WeightRef {
    const tensor = this.tensor(name, [length]);
    const { key, read } = tensor;
    return {
      key: `${key}@vector`,
      shape: [pad4(length)],
      dtype: 'f32',
      ...origin([tensor]),
      read: async () => padded(await read(), pad4(length)),
    };
  }

  /** Keys below this scope's prefix that nothing asked for, but for those that match `ignore`. */
  extra(prefix: string, ignore: readonly RegExp[]): string[] {
    return this.source.names.filter(
      (name) => name.startsWith(prefix) && !this.ledger.used.has(name) && !ignore.some((pattern) => pattern.test(name)),
    );
  }

  /** @throws code `weights`, naming all missing, misshapen and extra keys at once. */
  assertComplete(what: string, prefix: string, ignore: readonly RegExp[] = []): void {
    const { missing, misshapen } = this.ledger;
    const extra = this.extra(prefix, ignore);
    if (missing.size === 0 && misshapen.size === 0 && extra.length === 0) return;
    const lines = [
      ...[...misshapen].map(([key, how]) => `misshapen ${key}: ${how}`),
      ...[...missing].filter((key) => !misshapen.has(key)).map((key) => `missing ${key}`),
      ...extra.map((key) => `extra ${key}`),
    ];
    const shown = lines.slice(0, 40).join('\n  ');
    const rest = lines.length > 40 ? `\n  and ${lines.length - 40} more` : '';
    throw new SegEveryError(
      'weights',
      `${what}: ${missing.size} keys missing, ${misshapen.size} misshapen, ${extra.length} extra; these are not weights of this architecture\n  ${shown}${rest}`,
    );
  }
}

/** Keys that official files may carry and inference never reads. */
export const UNUSED_KEYS: readonly RegExp[] = [/\.num_batches_tracked$/, /\.attention_bias_idxs$/, /\.ab$/];

/** Where a convolution's numbers are in a scope: its weight, its own bias, and the BatchNorm that follows it. */
export interface ConvNames {
  /** Key of the weight without `.weight`, e.g. `c`. */
  readonly conv: string;
  /** Scope of the BatchNorm, e.g. `bn`. */
  readonly norm?: string;
  /** BatchNorm's eps: not in a checkpoint, so the architecture says it. */
  readonly eps?: number;
  /** Whether the convolution has a bias of its own. */
  readonly bias?: boolean;
}

/** Reads weight [O, I, kh, kw] and bias [O] of a convolution with BatchNorm folded in: W s, beta + (b - mean) s, s = gamma / sqrt(var + eps). */
function folded(w: Weights, names: ConvNames, shape: readonly [number, number, number, number]) {
  const [outputs] = shape;
  const weight = w.tensor(`${names.conv}.weight`, shape);
  const norm = names.norm;
  // A converted file has the norm folded in already: no norm keys, but a bias.
  const fold = norm !== undefined && !(w.has(`${names.conv}.bias`) && !w.has(`${norm}.weight`));
  const own =
    names.bias === true || (norm !== undefined && !fold) ? w.tensor(`${names.conv}.bias`, [outputs]) : undefined;
  const stats = fold
    ? (['weight', 'bias', 'running_mean', 'running_var'] as const).map((key) => w.tensor(`${norm}.${key}`, [outputs]))
    : undefined;
  const affine = async (): Promise<{ scale: Float64Array; shift: Float64Array }> => {
    const bias = await own?.read();
    if (stats === undefined)
      return { scale: new Float64Array(outputs).fill(1), shift: Float64Array.from(bias ?? new Float64Array(outputs)) };
    const numbers = (await Promise.all(stats.map((s) => s.read()))) as unknown as NormNumbers;
    return foldNorm(numbers, names.eps ?? 1e-5, bias);
  };
  const vectors = [...(own ? [own] : []), ...(stats ?? [])];
  const scale = stats && (async () => (await affine()).scale);
  return { weight, affine, scale, vectors };
}

/** Where a weight comes from, for one that is uploaded in the order of its file; `keys` are needed whole. */
export function origin(tensors: readonly NamedTensor[], layout?: Layout): { readonly from?: WeightOrigin } {
  const [file, ...others] = new Set([...tensors.map((t) => t.file)]);
  if (file === undefined || others.length > 0) return {};
  const keys = tensors.map(({ key }) => key).filter((key) => key !== layout?.key);
  return { from: { file, keys, ...(layout ? { layout } : {}) } };
}

/** A weight that is a tensor in another order. */
export function laidOut(
  tensor: NamedTensor,
  suffix: string,
  shape: readonly number[],
  dtype: WeightRef['dtype'],
  order: Omit<Layout, 'key'>,
  vectors: readonly NamedTensor[] = [],
): WeightRef {
  const layout = { key: tensor.key, ...order };
  return {
    key: tensor.key + suffix,
    shape,
    dtype,
    ...origin([tensor, ...vectors], layout),
    read: async () => {
      const [values, scale] = await Promise.all([tensor.read(), order.scale?.()]);
      const source = scale ? values.slice() : values;
      if (scale) scaled(source, 0, layout, scale);
      const out = new Float32Array(size(shape));
      scatter(source, 0, layout, out);
      return out;
    },
  };
}

export interface ConvRefs {
  readonly weight: WeightRef;
  readonly bias: WeightRef | undefined;
}

/** A dense convolution as [kh, kw, I, O] with channels padded to 4; BatchNorm folded. */
export function denseConv(w: Weights, names: ConvNames, shape: readonly [number, number, number, number]): ConvRefs {
  const [outputs, inputs, kh, kw] = shape;
  const { weight, affine, scale, vectors } = folded(w, names, shape);
  const inPadded = pad4(inputs);
  const outPadded = pad4(outputs);
  return {
    weight: laidOut(
      weight,
      '@conv',
      [kh, kw, inPadded, outPadded],
      'panels',
      { sizes: [outputs, inputs, kh * kw], strides: [1, outPadded, inPadded * outPadded], scale },
      vectors,
    ),
    bias: biasRef(weight.key, outPadded, vectors, affine),
  };
}

/** A depthwise convolution [C, 1, k, k] as float32 [k, k, C]; BatchNorm folded. */
export function depthwiseConv(w: Weights, names: ConvNames, channels: number, k: number): ConvRefs {
  const { weight, affine, scale, vectors } = folded(w, names, [channels, 1, k, k]);
  const outPadded = pad4(channels);
  const order = { sizes: [channels, 1, k * k], strides: [1, 0, outPadded], scale } as const;
  return {
    weight: laidOut(weight, '@depthwise', [k, k, outPadded], 'f32', order, vectors),
    bias: biasRef(weight.key, outPadded, vectors, affine),
  };
}

/** A 2 x 2 transposed convolution [I, O, 2, 2] as [I, (i * 2 + j) * O + o]. */
export function transposedConv(
  w: Weights,
  name: string,
  inputs: number,
  outputs: number,
  dtype: 'weight' | 'panels' = 'panels',
): ConvRefs {
  return {
    weight: laidOut(w.tensor(`${name}.weight`, [inputs, outputs, 2, 2]), '@transposed', [inputs, 4 * outputs], dtype, {
      sizes: [inputs, outputs, 4],
      strides: [4 * outputs, 1, outputs],
    }),
    bias: w.vector(`${name}.bias`, outputs),
  };
}

function biasRef(
  key: string,
  outPadded: number,
  vectors: readonly NamedTensor[],
  affine: () => Promise<{ shift: Float64Array }>,
): WeightRef | undefined {
  if (vectors.length === 0) return undefined;
  return {
    key: `${key}@bias`,
    shape: [outPadded],
    dtype: 'f32',
    ...origin(vectors),
    read: async () => padded(Float32Array.from((await affine()).shift), outPadded),
  };
}

export function pad4(n: number): number {
  return Math.ceil(n / 4) * 4;
}

function padded(source: Float32Array, length: number): Float32Array {
  if (source.length === length) return source;
  const out = new Float32Array(length);
  out.set(source);
  return out;
}

/** Element that is known to exist. */
export function at(array: ArrayLike<number>, index: number): number {
  return array[index] as number;
}
