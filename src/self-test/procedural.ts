// Procedural tensors, as the golden cases define them: every value follows from its key's name and a seed.
import type { TensorSource } from '../model/weights.ts';
import type { TensorFile } from '../runtime/safetensors.ts';

/** FNV-1a over UTF-8, 32 bits. */
export function fnv1a32(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** `float32(float32(scale * unit) + offset)` or, with `inner`, `float32(offset + scale * unit)`. */
export function procedural(
  name: string,
  seed: number,
  count: number,
  offset: number,
  scale: number,
): Float32Array<ArrayBuffer> {
  const base = (fnv1a32(name) ^ Math.imul(seed, 0x9e3779b1)) >>> 0;
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let x = (base + Math.imul(i, 0x9e3779b9)) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x = (x ^ (x >>> 16)) >>> 0;
    out[i] = offset + scale * ((x >>> 8) / 2 ** 23 - 1);
  }
  return out;
}

/** Offset and scale of a weight by the first rule that fits its key and shape. */
export function weightRule(key: string, shape: readonly number[]): readonly [number, number] {
  const dot = key.lastIndexOf('.');
  const last = key.slice(dot + 1);
  const path = key.slice(0, Math.max(0, dot));
  const parent = path.slice(path.lastIndexOf('.') + 1);
  const [, d1 = 1, d2 = 1, d3 = 1] = shape;
  if (last === 'running_var') return [1, 0.25];
  if (last === 'running_mean') return [0, 0.1];
  if (last === 'positional_encoding_gaussian_matrix') return [0, 1];
  if (last === 'attention_biases') return [0, 0.5];
  if (last === 'rel_pos_h' || last === 'rel_pos_w' || last === 'pos_embed') return [0, 0.2];
  if (shape.length === 2) {
    const table =
      path.includes('embed') || parent === 'iou_token' || parent === 'mask_tokens' || key.includes('point_embeddings');
    return table ? [0, 1] : [0, Math.sqrt(3 / d1)];
  }
  if (shape.length === 4) return [0, Math.sqrt(6 / (d1 * d2 * d3))];
  if (last === 'weight' && shape.length === 1) return [1, 0.1];
  return [0, 0.1];
}

/** Procedural weights of an architecture whose keys and shapes are given; tensors `w.KEY` of `overrides` replace them. */
export function proceduralSource(
  shapes: ReadonlyMap<string, readonly number[]>,
  seed: number,
  overrides?: TensorFile,
): TensorSource {
  const shapeOf = (name: string): readonly number[] => {
    const shape = shapes.get(name);
    if (shape === undefined) throw new Error(`no procedural tensor is called ${name}`);
    return shape;
  };
  return {
    names: [...shapes.keys()],
    has: (name) => shapes.has(name),
    shape: shapeOf,
    async read(name) {
      if (overrides?.has(`w.${name}`)) return overrides.readF32(`w.${name}`);
      const shape = shapeOf(name);
      const [offset, scale] = weightRule(name, shape);
      return procedural(
        name,
        seed,
        shape.reduce((a, b) => a * b, 1),
        offset,
        scale,
      );
    },
  };
}
