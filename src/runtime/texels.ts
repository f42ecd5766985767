// Tensors that a kernel reads as a texture, a vec4 a texel: on CPU adapters four lanes fetch texels in a third of the time that they take for vec4s
// of a buffer (docs/decisions.md, "Texels"). Kernels write buffers, so activations are copied into a texture first.
import type { Graph, WeightRef } from './graph.ts';
import { elementBytes, type Precision, size, type Tensor, tensorBytes } from './tensor.ts';

/** Texels of a row; shared/texel.wgsl counts the same. */
const COLUMNS = 4096;

export interface TexelShape {
  readonly columns: number;
  readonly rows: number;
  readonly format: GPUTextureFormat;
  readonly bytes: number;
}

/** The texture that holds a tensor. */
export function texelShape(tensor: Pick<Tensor, 'shape' | 'dtype'>, precision: Precision): TexelShape {
  const texels = size(tensor.shape) / 4;
  const columns = Math.min(COLUMNS, texels);
  const rows = Math.ceil(texels / COLUMNS);
  const elementSize = elementBytes(tensor.dtype, precision);
  const format = elementSize === 2 ? 'rgba16float' : 'rgba32float';
  return { columns, rows, format, bytes: 4 * elementSize * columns * rows };
}

/** Copies the first `elements` of a tensor in `buffer` into a texture that has room for them. */
export function copyTexels(encoder: GPUCommandEncoder, buffer: GPUBuffer, texture: GPUTexture, elements: number): void {
  const texels = elements / 4;
  const rows = Math.floor(texels / COLUMNS);
  const rest = texels % COLUMNS;
  const bytesPerRow = COLUMNS * (texture.format === 'rgba16float' ? 8 : 16);
  const copy = (row: number, size: [number, number]): void => {
    encoder.copyBufferToTexture(
      { buffer, offset: row * bytesPerRow, bytesPerRow },
      { texture, origin: [0, row] },
      size,
    );
  };
  if (rows > 0) copy(0, [COLUMNS, rows]);
  if (rest > 0) copy(rows, [rest, 1]);
}

/** A tensor that is copied into a texture of the arena before launch `at`. */
export interface TexelCopy {
  readonly at: number;
  readonly place: string;
  readonly from: Tensor;
  /** Whether a smaller batch reads less of it. */
  readonly batched: boolean;
}

/** Copies of a graph, and the textures that they need by their place; what a texture still holds is not copied again. */
export function texelCopies(
  graph: Graph,
  precision: Precision,
): { readonly copies: readonly TexelCopy[]; readonly texels: ReadonlyMap<string, TexelShape> } {
  const copies: TexelCopy[] = [];
  const texels = new Map<string, TexelShape>();
  const held = new Map<string, TexelCopy>();
  for (const [at, { shader, tensors, groups }] of graph.launches.entries()) {
    const batched = groups(1, graph.tiles) < groups(graph.capacity, graph.tiles);
    for (const { name, element } of shader.bindings) {
      const from = tensors[name] as Tensor;
      if (element !== 'texel4' || from.kind === 'weight') continue;
      const shape = texelShape(from, precision);
      const place = texelPlace(name, shape.format);
      const known = held.get(place);
      // A weight that is given as an input is shared by the batch.
      const partly = batched && name !== 'weight';
      if (known?.from.id === from.id && (partly || !known.batched)) continue;
      const copy = { at, place, from, batched: partly };
      copies.push(copy);
      held.set(place, copy);
      if ((texels.get(place)?.bytes ?? 0) < shape.bytes) texels.set(place, shape);
    }
    for (const { name, access } of shader.bindings) {
      if (access === 'read') continue;
      for (const [place, { from }] of held) if (from.id === tensors[name]?.id) held.delete(place);
    }
  }
  return { copies, texels };
}

/** Weights never share a texture with activations, nor do formats. */
export function texelPlace(binding: string, format: GPUTextureFormat): string {
  return `${binding === 'weight' ? 'weight' : 'x'} ${format}`;
}

/** Bytes of a weight on the GPU. */
export function weightBytes(ref: WeightRef, precision: Precision): number {
  return ref.texels ? texelShape(ref, precision).bytes : tensorBytes(ref, precision);
}
