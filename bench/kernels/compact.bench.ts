// All anchors of a 1024-pixel photo, and of the default model's 512.
import { compact, SURVIVOR_FLOATS } from '../../src/kernels/compact.ts';
import type { Graph } from '../../src/runtime/graph.ts';

const anchors = (count: number) => (g: Graph) => {
  const found = {
    boxes: g.input('boxes', [count, 4], 'f32'),
    scores: g.input('scores', [count], 'f32'),
    classes: g.input('classes', [count], 'u32'),
  };
  compact(g, found, g.input('threshold', [4], 'f32'), {
    out: g.output('survivors', [1 + count, SURVIVOR_FLOATS], 'f32'),
  });
};

const rows: Record<string, (g: Graph) => void> = {
  '1024 x 1024, 21504 anchors': anchors(21_504),
  '512 x 512, 5376 anchors': anchors(5376),
};

export default rows;
