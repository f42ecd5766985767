// The whole frames of 32 masks of 640 x 480: nothing near the threshold, and everything.
import { maskBits, packJobs } from '../../src/kernels/mask-bits.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { HEIGHT, MASKS, maskPhoto, WIDTH } from './mask-photo.ts';

const WORDS = MASKS * (WIDTH / 32) * HEIGHT;
const { data, groups } = packJobs(
  Array.from({ length: MASKS }, (_, mask) => ({ mask, x: 0, y: 0, width: WIDTH, height: HEIGHT })),
);

/** Groups of the launch: the kernel's batch counts them. */
export const capacity = groups;

const bits = (ranges: 'settled' | 'open') => (g: Graph) => {
  maskBits(g, maskPhoto(g, ranges), {
    thresholds: g.constant('thresholds', new Float32Array(4), [4]),
    jobs: g.constant('jobs', data, [data.length]),
    out: g.output('bits', [WORDS], 'u32'),
  });
};

const rows: Record<string, (g: Graph) => void> = {
  '32 x 640 x 480, no edge': bits('settled'),
  '32 x 640 x 480, all edge': bits('open'),
};

export default rows;
