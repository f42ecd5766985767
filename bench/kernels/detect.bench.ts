// The stride-8 level of a 1024-pixel photo: the object-aware model's head, and stock YOLOv8's with 80 classes.
import { detect } from '../../src/kernels/detect.ts';
import type { Graph } from '../../src/runtime/graph.ts';

const level = (bins: number, classes: number, depth: number) => (g: Graph) => {
  const anchors = 128 * 128;
  detect(g, g.input('distances', [1, 128, 128, 4 * bins]), g.input('logits', [1, 128, 128, depth]), {
    classes,
    stride: 8,
    first: 0,
    out: {
      boxes: g.output('boxes', [anchors, 4], 'f32'),
      scores: g.output('scores', [anchors], 'f32'),
      classes: g.output('classes', [anchors], 'u32'),
    },
  });
};

const rows: Record<string, (g: Graph) => void> = {
  'object-aware, 26 bins, 1 class': level(26, 1, 4),
  'YOLOv8, 16 bins, 80 classes': level(16, 80, 80),
};

export default rows;
