// The boxes that a score threshold leaves, close together; host half of compact.wgsl.
import { check } from '../runtime/errors.ts';
import type { Graph } from '../runtime/graph.ts';
import { rows, sameShape, size, type Tensor } from '../runtime/tensor.ts';
import shader from './compact.wgsl';
import type { DetectionTensors } from './detect.ts';

const LANES = 256;
const MOST_ANCHORS = 2 ** 24; // counts and indices are float32

/** Floats of a row of survivors: x1, y1, x2, y2, score, class, anchor, 0. */
export const SURVIVOR_FLOATS = 8;

/**
 * Survivors of `scores > threshold` in the order of the anchors, f32 [1 + A, 8]: the first row begins with their number, the rows behind
 * them keep what they held. Boxes become corners as upstream's `xywh2xyxy` does.
 *
 * @param threshold f32 [1..4]; the first is used
 * @throws code `shape`
 */
export function compact(
  g: Graph,
  { boxes, scores, classes }: DetectionTensors,
  threshold: Tensor,
  o: { readonly name?: string; readonly out?: Tensor } = {},
): Tensor {
  const anchors = size(scores.shape);
  check(
    rows(boxes) === anchors && boxes.shape.at(-1) === 4 && size(classes.shape) === anchors && anchors < MOST_ANCHORS,
    'shape',
    `compact: boxes [${boxes.shape.join(', ')}], scores [${scores.shape.join(', ')}], classes [${classes.shape.join(', ')}]`,
  );
  const out = o.out ?? g.tensor(o.name ?? 'survivors', [1 + anchors, SURVIVOR_FLOATS], 'f32');
  check(
    sameShape(out.shape, [1 + anchors, SURVIVOR_FLOATS]),
    'shape',
    `compact: ${out.name} is [${out.shape.join(', ')}], not [${1 + anchors}, ${SURVIVOR_FLOATS}]`,
  );
  g.launch(shader, {
    tensors: { boxes, scores, classes, threshold, survivors: out },
    params: { anchors },
    constants: { LANES },
    groups: 1,
    cost: { flops: 0, bytes: 4 * anchors * 8 },
  });
  return out;
}
