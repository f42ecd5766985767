// How boxes of masks are cut into steps whose bits fit a buffer.
import type { MaskJob } from '../kernels/mask-bits.ts';
import { ceilDiv } from '../runtime/tensor.ts';

/** Rectangles a step. */
export const JOBS = 128;

/** Boxes in steps of at most `most` words and `JOBS` rectangles; a box that is larger is cut into strips of rows (at least one). */
export function* stepsOf(boxes: readonly MaskJob[], most: number): Generator<MaskJob[]> {
  let step: MaskJob[] = [];
  let words = 0;
  for (const box of boxes) {
    const rowWords = ceilDiv(box.width, 32);
    for (let done = 0; done < box.height; ) {
      const fitting = Math.floor((most - words) / rowWords);
      const rows = Math.min(box.height - done, fitting);
      // What fits a step of its own is not cut.
      const cut = rows < box.height - done && (box.height - done) * rowWords <= most;
      if (step.length === JOBS || (step.length > 0 && (rows < 1 || cut))) {
        yield step;
        step = [];
        words = 0;
        continue;
      }
      const height = Math.max(1, rows);
      step.push({ ...box, y: box.y + done, height });
      words += height * rowWords;
      done += height;
    }
  }
  if (step.length > 0) yield step;
}
