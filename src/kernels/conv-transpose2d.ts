// Transposed convolution with a 2 x 2 kernel and stride 2: each pixel becomes four.
import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { dims, sameShape, type Tensor } from '../runtime/tensor.ts';
import { type Activation, activationCode } from './activation.ts';
import shader from './conv-transpose2d.wgsl';
import { checkBias, outputOf } from './matmul.ts';
import { tileConstants, tileGroups } from './tile.ts';

export interface ConvTranspose2dOptions {
  /** float32 [N]. */
  readonly bias?: Tensor;
  /** elem [1, 2H, 2W, N], added before the activation; shared by the batch. */
  readonly addend?: Tensor;
  readonly activation?: Activation;
  /** B is the graph's batch: a smaller batch launches fewer groups. */
  readonly batched?: boolean;
  readonly name?: string;
  readonly out?: Tensor;
}

/**
 * x elem [B, H, W, C] -> elem [B, 2H, 2W, N]: activation(conv_transpose2d(x, weight) + bias + addend), kernel 2, stride 2, no padding.
 * weight [C, 4 N], whose column (i * 2 + j) * N + n makes channel n of the pixel at row i, column j of each 2 x 2. C and N are
 * multiples of 4.
 * @throws SegEveryError `shape`
 */
export function convTranspose2d(g: Graph, x: Tensor, weight: Tensor, o: ConvTranspose2dOptions = {}): Tensor {
  const name = o.name ?? 'conv-transpose2d';
  const [batch, height, width, channels] = dims(x, 4);
  const [weightChannels, columns] = dims(weight, 2);
  check(weightChannels === channels, 'shape', `${name}: ${x.name} has ${channels} channels, not ${weightChannels}`);
  check(channels % 4 === 0 && columns % 16 === 0, 'shape', `${name}: ${channels} -> ${columns / 4} is not in vec4s`);
  check(o.batched !== true || batch === g.capacity, 'shape', `${name}: ${batch} images for ${g.capacity} prompts`);
  checkBias(name, o.bias, columns / 4);
  const { addend } = o;
  if (addend !== undefined) {
    const expected = [1, 2 * height, 2 * width, columns / 4];
    const fits = sameShape(addend.shape, expected);
    check(fits, 'shape', `${name}: ${addend.name} is [${addend.shape.join(', ')}], not [${expected.join(', ')}]`);
  }
  const out = outputOf(g, name, [batch, 2 * height, 2 * width, columns / 4], o.out);
  g.launch(shader, {
    tensors: { a: x, weight, bias: o.bias ?? g.none, addend: addend ?? g.none, out },
    params: { rows: batch * height * width, depth4: channels / 4, columns4: columns / 4, height, width },
    constants: (tiles) => ({
      ...tileConstants(tiles, channels),
      HAS_BIAS: o.bias !== undefined,
      HAS_ADDEND: addend !== undefined,
      ACTIVATION: activationCode(o.activation),
    }),
    groups: (images, tiles) => tileGroups(tiles, (o.batched === true ? images : batch) * height * width, columns),
    cost: { flops: 2 * batch * height * width * channels * columns },
  });
  return out;
}
