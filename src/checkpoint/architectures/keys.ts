// Lists of keys with their shapes: what a checkpoint has, and what an architecture would have. The latter are made by rules that follow
// upstream's constructors, which is shorter than the lists; the tests compare them with the lists.

/** Shape by key. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** Hyper-parameters as upstream's constructors name them. */
export type Config = Readonly<Record<string, unknown>>;

/** Which part of a model an architecture is. */
export type Part = 'encoder' | 'decoder' | 'detector';

/** A kind of network, in all its sizes. */
export interface Family {
  /** As model.json names it. */
  readonly architecture: string;
  readonly part: Part;
  /** A key that every network of this family has, and no other. */
  readonly signature: string;
  /** eps of its BatchNorms, which no state dict holds; undefined where it has none. */
  readonly normEps: number | undefined;
  /** Keys that files may have besides, and that inference never reads. */
  readonly unused: readonly RegExp[];
  /** The network that these shapes belong to, as far as they tell: hyper-parameters, and the keys that follow from them. */
  derive(shapes: FoundShapes): { readonly config: Config; readonly keys: Shapes };
  /** Published networks. */
  readonly official: readonly OfficialNetwork[];
}

export interface OfficialNetwork {
  readonly name: string;
  readonly config: Config;
  keys(): Shapes;
}

/** Buffers that training needs, or that are computed again when a network is built. */
export const UNUSED: readonly RegExp[] = [/(^|\.)num_batches_tracked$/, /\.attention_bias_idxs$/, /\.ab$/];

/** Shapes that a file has, below a prefix. Sizes of keys that are missing are guessed, so that one missing key is not reported as many. */
export class FoundShapes {
  constructor(
    readonly shapes: Shapes,
    readonly prefix = '',
  ) {}

  has(key: string): boolean {
    return this.shapes.has(this.prefix + key);
  }

  /** Length of an axis. */
  size(key: string, axis: number, fallback: number): number {
    return this.shapes.get(this.prefix + key)?.[axis] ?? fallback;
  }

  /** How many consecutive indices below a path have any of these keys: `blocks.0.`, `blocks.1.`, … */
  count(path: string, ...keys: string[]): number {
    let n = 0;
    while (keys.some((key) => this.has(`${path}.${n}.${key}`))) n++;
    return n;
  }
}

/** Writes a list of keys. */
export class KeyList {
  readonly shapes = new Map<string, readonly number[]>();

  set(key: string, ...shape: number[]): void {
    this.shapes.set(key, shape);
  }

  /** `.weight` and `.bias` of a norm. */
  norm(key: string, width: number): void {
    this.set(`${key}.weight`, width);
    this.set(`${key}.bias`, width);
  }

  linear(key: string, outputs: number, inputs: number): void {
    this.set(`${key}.weight`, outputs, inputs);
    this.set(`${key}.bias`, outputs);
  }

  /** A convolution [outputs, inputs, k, k], with a bias where `bias` says so. */
  conv(key: string, outputs: number, inputs: number, k: number, bias = false): void {
    this.set(`${key}.weight`, outputs, inputs, k, k);
    if (bias) this.set(`${key}.bias`, outputs);
  }

  /** A convolution and the BatchNorm behind it. */
  convNorm(conv: string, norm: string, outputs: number, inputs: number, k: number): void {
    this.conv(conv, outputs, inputs, k);
    for (const name of ['weight', 'bias', 'running_mean', 'running_var']) this.set(`${norm}.${name}`, outputs);
  }
}
