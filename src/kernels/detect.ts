// A detection head's level to boxes and scores; host half of detect.wgsl.
// Upstream: ultralytics nn/modules/head.py (Detect.forward), nn/modules/block.py (DFL), yolo/utils/tal.py (make_anchors, dist2bbox).
import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { ceilDiv, dims, rows, sameShape, type Tensor } from '../runtime/tensor.ts';
import shader from './detect.wgsl';

const LANES = 64;
const MOST_BINS = 64; // registers a thread hold 4 times as many values

/** Where the boxes of all levels go. */
export interface DetectionTensors {
  /** f32 [A, 4]: centre x, y, width, height, pixels of the network's input. */
  readonly boxes: Tensor;
  /** f32 [A]: probability of the best class. */
  readonly scores: Tensor;
  /** u32 [A]: the best class, the lower of equals. */
  readonly classes: Tensor;
}

export interface DetectOptions {
  /** Classes; the logits may be padded beyond. */
  readonly classes: number;
  /** Pixels a cell of this level: 8, 16 or 32. */
  readonly stride: number;
  /** Index of the level's first anchor in `out`. */
  readonly first: number;
  readonly out: DetectionTensors;
}

/** distances elem [1, h, w, 4 R] (R bins a side: left, top, right, bottom) and class logits elem [1, h, w, >= classes]. @throws code `shape`. */
export function detect(g: Graph, distances: Tensor, logits: Tensor, o: DetectOptions): void {
  const [batch, height, width, depth] = dims(distances, 4);
  const [, , , classDepth] = dims(logits, 4);
  const where = `detect on ${distances.name} [${distances.shape.join(', ')}] and ${logits.name} [${logits.shape.join(', ')}]`;
  const bins = depth / 4;
  check(batch === 1 && sameShape(logits.shape.slice(0, 3), [1, height, width]), 'shape', `${where}: the maps differ`);
  check(Number.isInteger(bins) && bins <= MOST_BINS, 'shape', `${where}: 4 to ${4 * MOST_BINS} channels, in fours`);
  check(
    classDepth % 4 === 0 && o.classes >= 1 && o.classes <= classDepth,
    'shape',
    `${where}: ${o.classes} classes in ${classDepth} channels, a multiple of 4`,
  );
  const anchors = height * width;
  const { boxes, scores, classes } = o.out;
  for (const [tensor, columns] of [[boxes, 4] as const, [scores, 1] as const, [classes, 1] as const]) {
    const held = columns === 4 ? rows(tensor) : tensor.shape.reduce((a, b) => a * b, 1);
    check(
      held >= o.first + anchors,
      'shape',
      `${where}: ${tensor.name} holds ${held} anchors, not ${o.first + anchors}`,
    );
  }
  g.launch(shader, {
    tensors: { distances, logits, boxes, scores, classes },
    params: { anchors, first: o.first, width, classes: o.classes, class4: classDepth / 4, stride: o.stride },
    constants: { LANES, REG_MAX: bins },
    groups: ceilDiv(anchors, LANES),
    cost: { flops: 8 * anchors * (depth + classDepth), bytes: 4 * anchors * (depth + classDepth + 6) },
  });
}
