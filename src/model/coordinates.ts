// Frames of coordinates: the photo's pixels, the model's square input (SAM's longest-side rule), the detector's letterbox.
// Upstream: segment_anything/utils/transforms.py; ultralytics yolo/data/augment.py (LetterBox), yolo/utils/ops.py (scale_boxes).

import { check } from '../runtime/errors.ts';

/** Whole pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** x0, y0, x1, y1: two corners in pixels; integers lie on pixel edges, so a whole photo is [0, 0, width, height]. */
export type BoxCorners = readonly [number, number, number, number];

/** How a photo lies in the model's input: resized, at the top left of a square, the rest being padding. */
export interface PhotoFrame {
  /** The photo, `original_size` upstream. */
  readonly photo: Size;
  /** The resized photo, `input_size` upstream. */
  readonly input: Size;
  /** Side of the square, e.g. 1024. */
  readonly side: number;
}

/**
 * SAM's longest-side rule: the longer side becomes `side`, the other `int(length * side / longer + 0.5)`, enlarging
 * included. Upstream fails where the shorter side would become 0; here it stays at 1.
 */
export function photoFrame(width: number, height: number, side: number): PhotoFrame {
  const scale = side / Math.max(width, height);
  const length = (size: number) => Math.max(1, Math.trunc(size * scale + 0.5));
  return { photo: { width, height }, input: { width: length(width), height: length(height) }, side };
}

/**
 * A point of the photo in the model's input. Each axis has its own ratio, from the rounded sizes. Float64; the half pixel
 * that centres a pixel is added by the prompt encoder.
 */
export function toInputFrame({ photo, input }: PhotoFrame, x: number, y: number): [number, number] {
  return [x * (input.width / photo.width), y * (input.height / photo.height)];
}

/** Both corners of a box of the photo in the model's input. */
export function boxToInputFrame(frame: PhotoFrame, [x0, y0, x1, y1]: BoxCorners): [number, number, number, number] {
  return [...toInputFrame(frame, x0, y0), ...toInputFrame(frame, x1, y1)];
}

/** A prompt in pixels of the upright photo. */
export interface PromptInput {
  /** x, y: a pixel's left edge is at its index, its centre half a pixel later. */
  readonly points?: readonly (readonly [number, number])[];
  /** 1 foreground, 0 background, one for each point; all 1 where left out. */
  readonly labels?: readonly number[];
  readonly box?: BoxCorners;
}

/** A prompt that was checked: at least one point or a box; the box is clipped to the photo. */
export interface CheckedPrompt {
  readonly points: readonly { readonly x: number; readonly y: number; readonly label: 0 | 1 }[];
  readonly box?: BoxCorners;
}

/**
 * Checks a prompt against the photo. A point lies in the photo when 0 <= x < width and 0 <= y < height: a click at exactly
 * x = width is outside. A box needs x0 < x1 and y0 < y1; it is clipped to the photo, and one that does not meet it is an
 * error.
 *
 * @param where what messages call the prompt, e.g. `prompt 3`
 * @throws `prompt` for no prompt at all, NaN or infinite numbers, a point outside, labels of another length or other than
 *   0 and 1, a box that is reversed, of no area, or outside
 */
export function checkPrompt(prompt: PromptInput, width: number, height: number, where = 'prompt'): CheckedPrompt {
  const { points = [], labels, box } = prompt;
  check(points.length > 0 || box !== undefined, 'prompt', `${where}: is empty; give at least one point or a box`);
  check(
    labels === undefined || labels.length === points.length,
    'prompt',
    `${where}: ${labels?.length} labels for ${points.length} points; give one for each`,
  );
  const checked = points.map((point, i): CheckedPrompt['points'][number] => {
    const [x, y] = point;
    check(point.length === 2 && Number.isFinite(x) && Number.isFinite(y), 'prompt', `${where}: point ${i} is not x, y`);
    const inside = x >= 0 && x < width && y >= 0 && y < height;
    check(inside, 'prompt', `${where}: point ${i} at ${x},${y} lies outside the photo of ${width} x ${height} pixels`);
    const label = labels?.[i] ?? 1;
    check(label === 0 || label === 1, 'prompt', `${where}: label ${i} is ${label}; 1 is foreground, 0 background`);
    return { x, y, label };
  });
  return box === undefined ? { points: checked } : { points: checked, box: checkBox(box, width, height, where) };
}

function checkBox(box: BoxCorners, width: number, height: number, where: string): BoxCorners {
  const [x0, y0, x1, y1] = box;
  check(box.length === 4 && box.every(Number.isFinite), 'prompt', `${where}: the box [${box}] is not x0, y0, x1, y1`);
  check(x0 <= x1 && y0 <= y1, 'prompt', `${where}: the box [${box}] is reversed; give its top left corner first`);
  check(x0 < x1 && y0 < y1, 'prompt', `${where}: the box [${box}] has no area`);
  const meets = x1 > 0 && y1 > 0 && x0 < width && y0 < height;
  check(meets, 'prompt', `${where}: the box [${box}] lies outside the photo of ${width} x ${height} pixels`);
  return [Math.max(0, x0), Math.max(0, y0), Math.min(width, x1), Math.min(height, y1)];
}

/** How a photo lies in the detector's input: resized, then padded on all sides (with 114) to multiples of the stride. */
export interface Letterbox {
  readonly photo: Size;
  /** The resized photo. */
  readonly resized: Size;
  /** The detector's input. */
  readonly padded: Size;
  /** Padding columns and rows before the photo; an odd pixel goes to the right and to the bottom. */
  readonly left: number;
  readonly top: number;
}

/** Python's round: to nearest, ties to even. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const nearest = value - floor !== 0.5 ? Math.round(value) : floor + (floor % 2 === 0 ? 0 : 1);
  // Never -0, which Math.round makes of -0.1.
  return nearest + 0;
}

/**
 * Ultralytics' LetterBox with `auto`: the smallest rectangle of multiples of the stride that holds the resized photo, not
 * a square.
 *
 * @param imageSize longest side, e.g. 1024; rounded up to a multiple of the stride
 */
export function letterbox(width: number, height: number, imageSize: number, stride = 32): Letterbox {
  const side = Math.ceil(imageSize / stride) * stride;
  const ratio = Math.min(side / height, side / width);
  // As in `photoFrame`, no side becomes 0.
  const length = (size: number) => Math.max(1, roundHalfEven(size * ratio));
  const resized = { width: length(width), height: length(height) };
  const dw = (side - resized.width) % stride;
  const dh = (side - resized.height) % stride;
  return {
    photo: { width, height },
    resized,
    padded: { width: resized.width + dw, height: resized.height + dh },
    left: roundHalfEven(dw / 2 - 0.1),
    top: roundHalfEven(dh / 2 - 0.1),
  };
}

/**
 * A box of the detector's input in the photo, clipped to it. The gain comes from the padded size as upstream has it
 * (`scale_boxes`), so it differs slightly from the ratio of the resize; float32 in each step, as tensors there are.
 */
export function letterboxToPhoto({ photo, padded }: Letterbox, box: BoxCorners): [number, number, number, number] {
  const gain = Math.min(padded.height / photo.height, padded.width / photo.width);
  const padX = roundHalfEven((padded.width - photo.width * gain) / 2 - 0.1);
  const padY = roundHalfEven((padded.height - photo.height * gain) / 2 - 0.1);
  const place = (value: number, pad: number, size: number) => {
    const unpadded = Math.fround(Math.fround(value) - pad);
    return Math.min(Math.max(Math.fround(unpadded / Math.fround(gain)), 0), size);
  };
  const [x0, y0, x1, y1] = box;
  return [
    place(x0, padX, photo.width),
    place(y0, padY, photo.height),
    place(x1, padX, photo.width),
    place(y1, padY, photo.height),
  ];
}
