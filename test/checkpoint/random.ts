// A seeded source of chance, and what it does to bytes: the same seed gives the same mutations on every machine.

/** mulberry32, a generator of 32 bits of state. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 up to, not including, `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

/** Numbers that lengths and offsets are replaced by. */
const EXTREMES: readonly bigint[] = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_fffen,
  0xffff_ffffn,
  0x20_0000_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0xffff_ffff_ffff_ffffn,
];

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Two places, in order. */
function range(bytes: Uint8Array, random: Random): [number, number] {
  const [a, b] = [random.below(bytes.length + 1), random.below(bytes.length + 1)];
  return [Math.min(a, b), Math.max(a, b)];
}

const flip: Mutation = (bytes, random) => {
  const out = bytes.slice();
  const times = 1 + random.below(4);
  for (let i = 0; i < times; i++) {
    const at = random.below(out.length);
    out[at] = (out[at] ?? 0) ^ (1 << random.below(8));
  }
  return out;
};

const replace: Mutation = (bytes, random) => {
  const out = bytes.slice();
  out[random.below(out.length)] = random.below(256);
  return out;
};

const cutEnd: Mutation = (bytes, random) => bytes.slice(0, random.below(bytes.length));

const cutMiddle: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  return join(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(64)));
};

const repeat: Mutation = (bytes, random) => {
  const [begin, end] = range(bytes, random);
  return join(bytes.subarray(0, end), bytes.subarray(begin));
};

const swap: Mutation = (bytes, random) => {
  const [a, b] = range(bytes, random);
  const length = Math.min(1 + random.below(64), b - a, bytes.length - b);
  const out = bytes.slice();
  out.set(bytes.subarray(b, b + length), a);
  out.set(bytes.subarray(a, a + length), b);
  return out;
};

/** A length, somewhere: 1, 2, 4 or 8 bytes of an extreme number. */
const length: Mutation = (bytes, random) => {
  const width = random.pick([1, 2, 4, 8]);
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, random.pick(EXTREMES), true);
  const at = random.below(Math.max(1, bytes.length - width));
  return join(bytes.subarray(0, at), number.subarray(0, width), bytes.subarray(at + width));
};

const insert: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  const noise = Uint8Array.from({ length: 1 + random.below(16) }, () => random.below(256));
  return join(bytes.subarray(0, at), noise, bytes.subarray(at));
};

const MUTATIONS: readonly Mutation[] = [flip, flip, replace, cutEnd, cutMiddle, repeat, swap, length, length, insert];

/** One to three mutations, never the bytes as they were. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  for (;;) {
    let out = bytes;
    const times = 1 + random.below(3);
    for (let i = 0; i < times && out.length > 0; i++) out = random.pick(MUTATIONS)(out, random);
    if (out.length !== bytes.length || out.some((byte, i) => byte !== bytes[i])) return out;
  }
}
