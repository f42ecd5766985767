// Weights by path, as published: a scope over named tensors that accounts for every key. BatchNorm is folded in double precision, and
// layouts are what the kernels want. Missing, extra and misshapen keys are gathered and reported together.
import { SegEveryError } from '../runtime/errors.ts';
import type { WeightRef } from '../runtime/graph.ts';
import { sameShape } from '../runtime/tensor.ts';
import { foldNorm, type NormNumbers } from './fold.ts';

/** Named tensors: a safetensors file, several of them, or numbers made on the spot. */
export interface TensorSource {
  readonly names: readonly string[];
  has(name: string): boolean;
  shape(name: string): readonly number[];
  /** All values, widened to float32. */
  read(name: string): Promise<Float32Array>;
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
  tensor(name: string, shape: readonly number[]): { readonly key: string; read(): Promise<Float32Array> } {
    const key = this.path + name;
    if (!this.source.has(key)) this.ledger.missing.add(key);
    else {
      this.ledger.used.add(key);
      const found = this.source.shape(key);
      if (!sameShape(found, shape)) {
        this.ledger.misshapen.set(key, `[${found.join(', ')}], expected [${shape.join(', ')}]`);
      }
    }
    return { key, read: () => this.source.read(key) };
  }

  /** A tensor that goes to the GPU as it is. */
  plain(name: string, shape: readonly number[], dtype: 'weight' | 'f32' = 'f32'): WeightRef {
    const { key, read } = this.tensor(name, shape);
    return { key: `${key}@plain`, shape, dtype, read };
  }

  /** A linear layer's [N, K] as the matmul's [K, N], N padded with zeros to a multiple of 4. */
  linear(name: string, shape: readonly [number, number]): WeightRef {
    const [n, k] = shape;
    const { key, read } = this.tensor(name, shape);
    const padded = Math.ceil(n / 4) * 4;
    return {
      key: `${key}@linear`,
      shape: [k, padded],
      dtype: 'weight',
      read: async () => transpose(await read(), n, k, padded),
    };
  }

  /** A bias or norm vector, padded with zeros to a multiple of 4. */
  vector(name: string, length: number): WeightRef {
    const { key, read } = this.tensor(name, [length]);
    return {
      key: `${key}@vector`,
      shape: [pad4(length)],
      dtype: 'f32',
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
  const hasBias = own !== undefined || stats !== undefined;
  return { weight, affine, hasBias };
}

export interface ConvRefs {
  readonly weight: WeightRef;
  readonly bias: WeightRef | undefined;
}

/** A dense convolution as [kh, kw, I, O] with channels padded to 4; BatchNorm folded. */
export function denseConv(w: Weights, names: ConvNames, shape: readonly [number, number, number, number]): ConvRefs {
  const [outputs, inputs, kh, kw] = shape;
  const { weight, affine, hasBias } = folded(w, names, shape);
  const inPadded = pad4(inputs);
  const outPadded = pad4(outputs);
  const read = async (): Promise<Float32Array> => {
    const [source, { scale }] = await Promise.all([weight.read(), affine()]);
    const out = new Float32Array(kh * kw * inPadded * outPadded);
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) {
        for (let k = 0; k < kh * kw; k++) {
          out[(k * inPadded + i) * outPadded + o] = at(source, (o * inputs + i) * kh * kw + k) * at(scale, o);
        }
      }
    }
    return out;
  };
  return {
    weight: { key: `${weight.key}@conv`, shape: [kh, kw, inPadded, outPadded], dtype: 'weight', read },
    bias: hasBias ? biasRef(weight.key, outPadded, affine) : undefined,
  };
}

/** A depthwise convolution [C, 1, k, k] as float32 [k, k, C]; BatchNorm folded. */
export function depthwiseConv(w: Weights, names: ConvNames, channels: number, k: number): ConvRefs {
  const { weight, affine, hasBias } = folded(w, names, [channels, 1, k, k]);
  const outPadded = pad4(channels);
  const read = async (): Promise<Float32Array> => {
    const [source, { scale }] = await Promise.all([weight.read(), affine()]);
    const out = new Float32Array(k * k * outPadded);
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < k * k; i++) out[i * outPadded + c] = at(source, c * k * k + i) * at(scale, c);
    }
    return out;
  };
  return {
    weight: { key: `${weight.key}@depthwise`, shape: [k, k, outPadded], dtype: 'f32', read },
    bias: hasBias ? biasRef(weight.key, outPadded, affine) : undefined,
  };
}

/** A 2 x 2 transposed convolution [I, O, 2, 2] as [I, (i * 2 + j) * O + o]. */
export function transposedConv(w: Weights, name: string, inputs: number, outputs: number): ConvRefs {
  const { key, read } = w.tensor(`${name}.weight`, [inputs, outputs, 2, 2]);
  return {
    weight: {
      key: `${key}@transposed`,
      shape: [inputs, 4 * outputs],
      dtype: 'weight',
      read: async () => {
        const source = await read();
        const out = new Float32Array(source.length);
        for (let i = 0; i < inputs; i++) {
          for (let o = 0; o < outputs; o++) {
            for (let k = 0; k < 4; k++) out[(i * 4 + k) * outputs + o] = at(source, (i * outputs + o) * 4 + k);
          }
        }
        return out;
      },
    },
    bias: w.vector(`${name}.bias`, outputs),
  };
}

function biasRef(key: string, outPadded: number, affine: () => Promise<{ shift: Float64Array }>): WeightRef {
  return {
    key: `${key}@bias`,
    shape: [outPadded],
    dtype: 'f32',
    read: async () => padded(Float32Array.from((await affine()).shift), outPadded),
  };
}

/** [N, K] -> [K, padded N]. */
export function transpose(source: Float32Array, n: number, k: number, paddedN = n): Float32Array {
  const out = new Float32Array(k * paddedN);
  for (let i = 0; i < n; i++) for (let j = 0; j < k; j++) out[j * paddedN + i] = at(source, i * k + j);
  return out;
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
