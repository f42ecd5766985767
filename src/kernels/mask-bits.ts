// Bits of rectangles of masks at the photo's size; host half of mask-bits.wgsl.

import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, type Tensor } from '../runtime/tensor.ts';
import shader from './mask-bits.wgsl';
import type { MaskSource } from './mask-stats.ts';

const LANES = 64;
const ROWS = 8; // rows a thread, as in mask-bits.wgsl
const HEADER = 4;
const FIELDS = 8;

/** A rectangle of one mask, in pixels of the photo. */
export interface MaskJob {
  readonly mask: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Words that a rectangle's bits take: rows of whole words. */
export function jobWords(job: { readonly width: number; readonly height: number }): number {
  return ceilDiv(job.width, 32) * job.height;
}

/** Words of the `jobs` tensor for so many jobs. */
export function jobsLength(capacity: number): number {
  return HEADER + FIELDS * capacity;
}

/** Jobs as the kernel reads them, their bits one behind the other; with the groups to launch. */
export function packJobs(jobs: readonly MaskJob[]): { data: Uint32Array<ArrayBuffer>; groups: number } {
  const data = new Uint32Array(jobsLength(jobs.length));
  let word = 0;
  let thread = 0;
  for (const [i, job] of jobs.entries()) {
    data.set([job.mask, job.x, job.y, job.width, job.height, word, thread], HEADER + FIELDS * i);
    word += jobWords(job);
    thread += ceilDiv(job.width, 32) * ceilDiv(job.height, ROWS);
  }
  data[0] = jobs.length;
  data[1] = thread;
  return { data, groups: ceilDiv(thread, LANES) };
}

export interface MaskBitsOptions {
  /** f32 [4]: the first is the threshold. */
  readonly thresholds: Tensor;
  /** u32 [`jobsLength`]: the rectangles, from `packJobs`. */
  readonly jobs: Tensor;
  /** u32 [words]. */
  readonly out: Tensor;
}

/**
 * Bits `logit > threshold` of the rectangles, packed as `MaskBits` of formats/bits.ts has them. The graph's batch is the number of groups
 * that `packJobs` says; a capacity of `maskBitsCapacity` of the output's words is enough for any jobs that fit it.
 */
export function maskBits(g: Graph, source: MaskSource, o: MaskBitsOptions): Tensor {
  const { logits, ranges, columns, rows } = source;
  const [, low] = dims(logits, 3);
  const [, tiles] = dims(ranges, 4);
  g.launch(shader, {
    tensors: { logits, ranges, columns, rows, thresholds: o.thresholds, jobs: o.jobs, bits: o.out },
    params: { low, tiles },
    groups: (batch) => batch,
    // As mask-stats: two operations a pixel on average, of at most 32 x ROWS a thread.
    cost: { flops: 2 * 32 * ROWS * LANES * g.capacity, bytes: 4 * ROWS * LANES * g.capacity },
  });
  return o.out;
}

/** The most groups that jobs of so many words can need: a thread writes at least one word. */
export function maskBitsCapacity(words: number): number {
  return ceilDiv(words, LANES);
}
