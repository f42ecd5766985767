// A product of two activations for each prompt of a batch.
import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import type { Activation } from './activation.ts';
import shader from './batched-matmul.wgsl';
import { checkBias, epilogueConstants, outputOf, repeatedRows } from './matmul.ts';

const LANES = 32; // threads a workgroup
const ROWS = 16; // rows a thread
const COLUMNS = 4; // vec4 columns a thread

export interface BatchedMatmulOptions {
  /** elem [M, K], added to every item of `a`. */
  readonly addend?: Tensor;
  /** float32 [N]. */
  readonly bias?: Tensor;
  /** float32 [B, N]: a bias of each item's own. */
  readonly rowBias?: Tensor;
  /** elem [B or 1, M, N], added before the activation. */
  readonly residual?: Tensor;
  readonly activation?: Activation;
  readonly name?: string;
  readonly out?: Tensor;
}

/**
 * a elem [B or 1, M, K] x b elem [B, K, N] -> elem [B, M, N]. K and N are multiples of 4; B is the graph's capacity.
 * @throws SegEveryError `shape`
 */
export function batchedMatmul(g: Graph, a: Tensor, b: Tensor, o: BatchedMatmulOptions = {}): Tensor {
  const name = o.name ?? 'batched-matmul';
  const [aBatch, count, depth] = dims(a, 3);
  const [batch, bDepth, columns] = dims(b, 3);
  check(bDepth === depth, 'shape', `${name}: ${a.name} [${a.shape}] times ${b.name} [${b.shape}]`);
  check(aBatch === 1 || aBatch === batch, 'shape', `${name}: ${a.name} [${a.shape}] for a batch of ${batch}`);
  check(depth % 4 === 0 && columns % 4 === 0, 'shape', `${name}: [${depth}, ${columns}] is not in multiples of 4`);
  checkBias(name, o.bias, columns);
  if (o.addend) repeatedRows(name, o.addend, count, depth);
  if (o.rowBias) repeatedRows(name, o.rowBias, batch, columns);
  const residualRows = repeatedRows(name, o.residual, batch * count, columns);
  const out = outputOf(g, name, [batch, count, columns], o.out);
  const tiles = ceilDiv(count, ROWS) * ceilDiv(columns / 4, COLUMNS);
  g.launch(shader, {
    tensors: {
      a,
      b,
      bias: o.bias ?? g.none,
      addend: o.addend ?? g.none,
      rowBias: o.rowBias ?? g.none,
      residual: o.residual ?? g.none,
      out,
    },
    params: {
      rows: count,
      depth4: depth / 4,
      columns4: columns / 4,
      itemRows: aBatch === 1 ? 0 : count,
      residualRows,
      tiles,
      batch,
    },
    constants: {
      LANES,
      ROWS,
      COLUMNS,
      HAS_ADDEND: o.addend !== undefined,
      HAS_ROW_BIAS: o.rowBias !== undefined,
      ...epilogueConstants(o),
    },
    groups: (n) => ceilDiv(n * tiles, LANES),
    cost: { flops: 2 * batch * count * depth * columns },
  });
  return out;
}
