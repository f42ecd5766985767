// From a recognised part to the tensors of its file: BatchNorms folded into the convolutions before them, all else as it is.

import { foldNorm } from '../model/fold.ts';
import { SegEveryError } from '../runtime/errors.ts';
import type { CheckpointTensors } from './checkpoint.ts';
import { convertNumbers, type OutputDtype, writeNumbers } from './numbers.ts';
import type { RecognisedPart } from './recognise.ts';
import type { PlannedTensor } from './safetensors-stream.ts';
import { Refusal } from './values.ts';

/** A convolution is read as a whole where its norm is folded in; the largest there is has 38 MB. */
const CONVOLUTION_BYTES = 256 * 2 ** 20;

/** @throws code `checkpoint` for a norm without a convolution, and for tensors that hold no floating point numbers */
export function planPart(
  part: RecognisedPart,
  tensors: CheckpointTensors,
  dtype: OutputDtype,
  file: string,
): PlannedTensor[] {
  const own = (name: string): string => part.keys.get(name) ?? name;
  const fail = (name: string, reason: string): SegEveryError =>
    new SegEveryError('checkpoint', `${file}: tensor ${own(name)}: ${reason}`);
  const guard = <T>(name: string, body: () => T): T => {
    try {
      return body();
    } catch (cause) {
      throw cause instanceof Refusal ? fail(name, cause.message) : cause;
    }
  };
  const norms = new Map<string, string>();
  for (const name of part.keys.keys()) {
    if (!name.endsWith('.running_var')) continue;
    const scope = name.slice(0, -'.running_var'.length);
    const parent = scope.slice(0, scope.lastIndexOf('.') + 1);
    const convolution = [`${parent}c.weight`, `${parent}conv.weight`].find((key) => part.keys.has(key));
    if (convolution === undefined) throw fail(name, 'a BatchNorm without a convolution beside it');
    norms.set(convolution, scope);
  }
  const folded = new Set([...norms.values()].flatMap((scope) => NORM_KEYS.map((key) => `${scope}.${key}`)));
  const planned: PlannedTensor[] = [];
  for (const name of part.keys.keys()) {
    const info = tensors.info(own(name));
    if (!/^b?float/.test(info.dtype)) throw fail(name, `it is ${info.dtype}, and floating point numbers are needed`);
    if (folded.has(name)) continue;
    const scope = norms.get(name);
    if (scope === undefined) {
      planned.push({
        name,
        shape: info.shape,
        async *pieces(signal) {
          for await (const piece of tensors.pieces(own(name), signal))
            yield guard(name, () => convertNumbers(piece, info.dtype, dtype));
        },
      });
      continue;
    }
    if (info.bytes > CONVOLUTION_BYTES)
      throw fail(name, `a convolution of ${info.bytes} bytes is more than ${CONVOLUTION_BYTES}`);
    const convolution = new FoldedConvolution(part, tensors, name, scope, own);
    const whole = (values: Float32Array): Uint8Array => {
      if (!values.every(Number.isFinite)) throw fail(name, 'its BatchNorm gives numbers that are not finite');
      return guard(name, () => writeNumbers(values, dtype));
    };
    planned.push({
      name,
      shape: info.shape,
      async *pieces(signal) {
        yield whole(await convolution.weight(signal));
      },
    });
    planned.push({
      name: name.replace(/weight$/, 'bias'),
      shape: [info.shape[0] ?? 0],
      async *pieces(signal) {
        yield whole(Float32Array.from((await convolution.affine(signal)).shift));
      },
    });
  }
  return planned;
}

const NORM_KEYS = ['weight', 'bias', 'running_mean', 'running_var'] as const;

class FoldedConvolution {
  /** Weight and bias both need it. */
  #affine: Promise<{ scale: Float64Array; shift: Float64Array }> | undefined;

  constructor(
    readonly part: RecognisedPart,
    readonly tensors: CheckpointTensors,
    readonly name: string,
    readonly scope: string,
    readonly own: (name: string) => string,
  ) {}

  affine(signal?: AbortSignal): Promise<{ scale: Float64Array; shift: Float64Array }> {
    this.#affine ??= this.#readAffine(signal);
    return this.#affine;
  }

  async #readAffine(signal?: AbortSignal): Promise<{ scale: Float64Array; shift: Float64Array }> {
    const { tensors, scope, own } = this;
    const read = (key: string) => tensors.readF32(own(`${scope}.${key}`), signal);
    const [weight, bias, mean, variance] = [
      await read('weight'),
      await read('bias'),
      await read('running_mean'),
      await read('running_var'),
    ];
    return foldNorm([weight, bias, mean, variance], this.eps());
  }

  async weight(signal?: AbortSignal): Promise<Float32Array> {
    const { scale } = await this.affine(signal);
    const source = await this.tensors.readF32(this.own(this.name), signal);
    const row = source.length / scale.length;
    const out = new Float32Array(source.length);
    for (let o = 0; o < scale.length; o++) {
      const s = scale[o] as number;
      for (let i = o * row; i < (o + 1) * row; i++) out[i] = (source[i] as number) * s;
    }
    return out;
  }

  /** A pickled norm says its own; a state dict does not, and the architecture knows. */
  eps(): number {
    const path = this.own(`${this.scope}.running_var`).slice(0, -'.running_var'.length);
    const said = this.tensors.modules.get(path)?.attributes.get('eps');
    return typeof said === 'number' && said > 0 ? said : (this.part.family.normEps ?? 1e-5);
  }
}
