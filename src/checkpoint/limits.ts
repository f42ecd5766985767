// Bounds on what a checkpoint may claim, all of them far above any published file (of SAM's, the largest pickle has 90 kB and 40,000
// opcodes). They are checked before anything is allocated.

import { TENSOR_LIMIT } from '../runtime/safetensors-header.ts';

export interface CheckpointLimits {
  /** Bytes of the pickled object. */
  readonly pickleBytes: number;
  /** Instructions of the pickle machine; what copies n items counts n. */
  readonly opcodes: number;
  /** Entries of the memo. */
  readonly memo: number;
  /** Nesting, of marks in the pickle and of objects in what it makes. */
  readonly depth: number;
  readonly tensors: number;
  /** Members of the zip archive, and bytes of its directory. */
  readonly members: number;
  readonly directoryBytes: number;
  /** Bytes between the first and the last element of a strided view, which are held in memory while it is put in order. */
  readonly viewBytes: number;
  /** All tensors together may have so many times the bytes of the file: views that share storages are copied out. */
  readonly expansion: number;
}

export const LIMITS: CheckpointLimits = {
  pickleBytes: 64 * 2 ** 20,
  opcodes: 1_000_000,
  memo: 500_000,
  depth: 128,
  tensors: TENSOR_LIMIT,
  members: 200_000,
  directoryBytes: 64 * 2 ** 20,
  viewBytes: 256 * 2 ** 20,
  expansion: 4,
};

/** Characters of a tensor's name, of which each tensor below a long one would have a copy. */
export const NAME_LIMIT = 1000;

/** No tensor of a model has more axes. */
export const RANK_LIMIT = 16;
