// Transposed convolution 2 x 2 with stride 2, as SAM's mask decoder upscales.
import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import { type Activation, activationCode } from './activation.ts';
import shader from './conv-transpose2d.wgsl';
import { checkBias, outputOf } from './matmul.ts';

const LANES = 32; // threads a workgroup
const ROWS = 16; // inputs a thread
const COLUMNS = 4; // vec4 columns a thread

export interface ConvTranspose2dOptions {
  /** float32 [N]. */
  readonly bias?: Tensor;
  /** elem [1, 2H, 2W, N], shared by the batch and added before the activation. */
  readonly addend?: Tensor;
  readonly activation?: Activation;
  /** The first dimension of `x` is the graph's batch. */
  readonly batched?: boolean;
  readonly name?: string;
  readonly out?: Tensor;
}

/**
 * x elem [B, H, W, C], weight [C, 4 N] with column (2 i + j) N + n -> elem [B, 2H, 2W, N].
 * Upstream: torch.nn.ConvTranspose2d(kernel_size=2, stride=2).
 * @throws SegEveryError `shape`
 */
export function convTranspose2d(g: Graph, x: Tensor, weight: Tensor, o: ConvTranspose2dOptions = {}): Tensor {
  const name = o.name ?? 'conv-transpose2d';
  const [batch, height, width, depth] = dims(x, 4);
  const [weightDepth, all] = dims(weight, 2);
  const columns = all / 4;
  check(weightDepth === depth && columns % 4 === 0, 'shape', `${name}: weight [${weight.shape}] for [${x.shape}]`);
  checkBias(name, o.bias, columns);
  if (o.addend) {
    const fits = o.addend.shape.join() === `1,${2 * height},${2 * width},${columns}`;
    check(fits, 'shape', `${name}: addend [${o.addend.shape}] for [${batch}, ${2 * height}, ${2 * width}, ${columns}]`);
  }
  const out = outputOf(g, name, [batch, 2 * height, 2 * width, columns], o.out);
  const perItem = o.batched === true ? (batch / g.capacity) * height * width : batch * height * width;
  const blocks = 4 * ceilDiv(columns / 4, COLUMNS);
  const groups = (rows: number): number => ceilDiv(ceilDiv(rows, ROWS) * blocks, LANES);
  g.launch(shader, {
    tensors: { x, weight, bias: o.bias ?? g.none, addend: o.addend ?? g.none, out },
    params: { rows: batch * height * width, depth4: depth / 4, columns4: columns / 4, width, height },
    constants: {
      LANES,
      ROWS,
      COLUMNS,
      HAS_BIAS: o.bias !== undefined,
      HAS_ADDEND: o.addend !== undefined,
      ACTIVATION: activationCode(o.activation),
    },
    groups: o.batched === true ? (n) => groups(n * perItem) : groups(perItem),
    cost: { flops: 8 * batch * height * width * depth * columns },
  });
  return out;
}
