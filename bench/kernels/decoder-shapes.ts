// What the mask decoder's kernels see: SAM's decoder on a 64 x 64 embedding, and the default model's on 32 x 32. 16 prompts a batch.

/** Prompts a batch: the `capacity` of the graphs that the rows are built in. */
export const capacity = 16;

export interface DecoderShape {
  /** Side of the embedding. */
  readonly side: number;
  readonly heads: number;
  /** Channels of a head of the attention between tokens and image. */
  readonly dim: number;
  /** Channels of tokens and image. */
  readonly width: number;
  readonly tokens: number;
}

export const SHAPES: Readonly<Record<string, DecoderShape>> = {
  SAM: { side: 64, heads: 8, dim: 16, width: 256, tokens: 8 },
  'default model': { side: 32, heads: 4, dim: 16, width: 128, tokens: 8 },
};

/** A row for each shape. */
export function rowsOf<T>(row: (shape: DecoderShape) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(SHAPES).map(([name, shape]) => [name, row(shape)]));
}
