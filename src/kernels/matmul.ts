// Matrix product with a weight, and what networks put behind it: bias, residual and activation in the same launch.
import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { channels, dims, rows, sameShape, type Tensor } from '../runtime/tensor.ts';
import { type Activation, activationOrBounds } from './activation.ts';
import shader from './matmul.wgsl';
import workgroupShader from './matmul-workgroup.wgsl';
import { productTiles } from './tile.ts';

export interface MatmulOptions {
  /** float32 [N]. */
  readonly bias?: Tensor;
  readonly activation?: Activation;
  /** elem, the output's shape or fewer rows: row r of the output takes row r modulo the residual's rows. */
  readonly residual?: Tensor;
  /** Add the residual behind the activation instead of before it. */
  readonly residualAfter?: boolean;
  /** elem [R, K], added to `a` when it is read: row r of `a` takes row r modulo R. */
  readonly addend?: Tensor;
  /** The first dimension of `a` is the graph's batch: a smaller batch launches fewer groups. */
  readonly batched?: boolean;
  readonly name?: string;
  readonly out?: Tensor;
}

/**
 * a elem [..., K] x weight [K, N] -> elem [..., N]: activation(a x weight + bias + residual). K and N are multiples of 4.
 * @throws SegEveryError `shape`
 */
export function matmul(g: Graph, a: Tensor, weight: Tensor, o: MatmulOptions = {}): Tensor {
  const name = o.name ?? 'matmul';
  const depth = channels(a);
  const count = rows(a);
  const [weightDepth, columns] = dims(weight, 2);
  check(weightDepth === depth, 'shape', `${name}: ${a.name} has ${depth} channels, ${weight.name} ${weightDepth} rows`);
  check(depth % 4 === 0 && columns % 4 === 0, 'shape', `${name}: [${depth}, ${columns}] is not in multiples of 4`);
  checkBias(name, o.bias, columns);
  const out = outputOf(g, name, [...a.shape.slice(0, -1), columns], o.out);
  const residualRows = repeatedRows(name, o.residual, count, columns);
  const addendRows = repeatedRows(name, o.addend, count, depth);
  const perItem = o.batched === true ? count / g.capacity : count;
  check(Number.isInteger(perItem), 'shape', `${name}: ${count} rows are not shared evenly by ${g.capacity} prompts`);
  const { register, groups, constants } = productTiles(g, depth, columns);
  const end = epilogue(o);
  // The other shader lacks the constants of the registers' tile, which are given with the first alone.
  g.launch(register ? shader : (workgroupShader as typeof shader), {
    tensors: {
      a,
      weight,
      bias: o.bias ?? g.none,
      addend: o.addend ?? g.none,
      residual: o.residual ?? g.none,
      out,
    },
    params: { rows: count, depth4: depth / 4, columns4: columns / 4, addendRows, residualRows, ...end.params },
    constants: (tiles) => ({ ...constants(tiles), HAS_ADDEND: o.addend !== undefined, ...end.constants }),
    groups: (batch, tiles) => groups(o.batched === true ? batch * perItem : count, tiles),
    cost: { flops: 2 * count * depth * columns },
  });
  return out;
}

/** Constants and parameters of `#import epilogue`, but for `residualRows`. */
export function epilogue(o: { bias?: Tensor; activation?: Activation; residual?: Tensor; residualAfter?: boolean }): {
  constants: { HAS_RESIDUAL: boolean; ACTIVATION: number };
  params: { residualAfter: number; biased: number; bounds: number };
} {
  const { activation, bounds } = activationOrBounds(o.activation);
  return {
    constants: { HAS_RESIDUAL: o.residual !== undefined, ACTIVATION: activation },
    params: { residualAfter: o.residualAfter === true ? 1 : 0, biased: o.bias === undefined ? 0 : 1, bounds },
  };
}

export function checkBias(name: string, bias: Tensor | undefined, columns: number): void {
  if (bias === undefined) return;
  const shape = bias.shape.join(', ');
  check(sameShape(bias.shape, [columns]), 'shape', `${name}: bias ${bias.name} is [${shape}], not [${columns}]`);
}

/** The given output, which must have this many elements, or a new tensor. */
export function outputOf(g: Graph, name: string, shape: readonly number[], out?: Tensor): Tensor {
  if (out === undefined) return g.tensor(name, shape);
  const fits = channels(out) === shape[shape.length - 1] && rows(out) * channels(out) === shape.reduce((x, y) => x * y);
  check(fits, 'shape', `${name}: ${out.name} is [${out.shape.join(', ')}], the result [${shape.join(', ')}]`);
  return out;
}

/** Rows of a tensor that repeats over `count` rows; 1 where there is none. */
export function repeatedRows(name: string, tensor: Tensor | undefined, count: number, columns: number): number {
  if (tensor === undefined) return 1;
  const own = rows(tensor);
  const fits = channels(tensor) === columns && count % own === 0;
  const shape = tensor.shape.join(', ');
  check(fits, 'shape', `${name}: ${tensor.name} [${shape}] does not repeat over [${count}, ${columns}]`);
  return own;
}
