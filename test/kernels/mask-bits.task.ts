import {
  jobsLength,
  jobWords,
  type MaskJob,
  maskBits,
  maskBitsCapacity,
  packJobs,
} from '../../src/kernels/mask-bits.ts';
import { maskBits as reference } from '../reference/mask-bits.ts';
import type { Tasks } from '../tasks.ts';
import { runGraph } from './harness.ts';
import { fullLogits, maskSource, type UpsampleCase } from './mask-source.ts';
import { bitsOf } from './pixels.ts';

const THRESHOLD = 0.5;

/** Rectangles of every mask: the whole photo, its last pixel, and one that begins and ends anywhere. */
function rectangles({ masks, photo: [height, width] }: UpsampleCase): MaskJob[] {
  return Array.from({ length: masks }, (_, mask) => {
    const [x, y] = [Math.floor(width / 3), Math.floor(height / 5)];
    return [
      { mask, x: 0, y: 0, width, height },
      { mask, x: width - 1, y: height - 1, width: 1, height: 1 },
      { mask, x, y, width: Math.max(1, width - x - 1), height: Math.max(1, height - y - 2) },
    ];
  }).flat();
}

export default {
  /** Bits that differ where float32 can tell, and where it cannot. */
  async run(context, c: UpsampleCase) {
    const jobs = rectangles(c);
    const words = jobs.reduce((sum, job) => sum + jobWords(job), 0);
    const { data, groups } = packJobs(jobs);
    // Groups behind the last must do nothing.
    const capacity = maskBitsCapacity(words) + 3;
    const { output } = await runGraph(context, { capacity, batch: Math.min(capacity, groups + 2) }, (g, bindings) => {
      maskBits(g, maskSource(g, bindings, c), {
        thresholds: bindings.input('thresholds', [4], 'f32', new Float32Array([THRESHOLD, 0, 0, 0])),
        jobs: bindings.input('jobs', [jobsLength(jobs.length)], 'u32', data),
        out: bindings.output('out', [words], 'u32'),
      });
    });
    const bits = bitsOf(output('out'));
    let at = 0;
    let wrong = 0;
    for (const job of jobs) {
      const full = fullLogits(c, job.mask);
      // What float32 decides either way is taken from the reference at thresholds just below and above.
      const most = reference(full, c.photo[1], job, THRESHOLD - 1e-4);
      const least = reference(full, c.photo[1], job, THRESHOLD + 1e-4);
      for (const [i, allowed] of most.entries()) {
        const got = bits[at + i] ?? 0;
        if ((got & ~allowed) !== 0 || ((least[i] ?? 0) & ~got) !== 0) wrong++;
      }
      at += most.length;
    }
    return { wrong, compared: at, set: bits.filter((word) => word !== 0).length };
  },
} satisfies Tasks;
