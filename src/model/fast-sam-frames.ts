// FastSAM's boxes and masks between the network's frame, the prototype map and the photo.
// Upstream: FastSAM fastsam/predict.py, fastsam/utils.py (bbox_iou, adjust_bboxes_to_image_border), ultralytics yolo/utils/ops.py (process_mask_native).
import { type MaskBits, type PixelBox, rowWords, tighten } from '../formats/bits.ts';
import { type BoxCorners, type Letterbox, letterboxToPhoto, type Size } from './coordinates.ts';
import { snapToBorder } from './detections.ts';

/** A box that covers more of the frame than this, by IoU, stands for all of it. */
const WHOLE_FRAME = 0.9;

/** The part of the prototype map that the photo takes, in pixels of the map: the letterbox without its borders, cut as upstream truncates. */
export function prototypeRegion(photo: Size, map: Size): { left: number; top: number; width: number; height: number } {
  const gain = Math.min(map.height / photo.height, map.width / photo.width);
  const padX = (map.width - photo.width * gain) / 2;
  const padY = (map.height - photo.height * gain) / 2;
  const [left, top] = [Math.trunc(padX), Math.trunc(padY)];
  // No side becomes 0, where upstream fails.
  const width = Math.max(1, Math.trunc(map.width - padX) - left);
  return { left, top, width, height: Math.max(1, Math.trunc(map.height - padY) - top) };
}

/**
 * A box of the network's frame in the photo: sides near the frame's border are moved onto it, and a box of nearly all of the frame becomes the
 * frame. Upstream takes one such box at most and fails where there are two; here each is replaced.
 */
export function placeBox(box: BoxCorners, frame: Letterbox, snap: number): BoxCorners {
  const { width, height } = frame.padded;
  const snapped = snapToBorder(box, frame.padded, snap);
  const [x0, y0, x1, y1] = snapped;
  const inside =
    Math.max(0, Math.min(x1, width) - Math.max(x0, 0)) * Math.max(0, Math.min(y1, height) - Math.max(y0, 0));
  const union = width * height + (x1 - x0) * (y1 - y0) - inside;
  return letterboxToPhoto(frame, inside / union > WHOLE_FRAME ? [0, 0, width, height] : snapped);
}

/** Pixels (column c, row r) with x0 <= c < x1 and y0 <= r < y1, as upstream's `crop_mask` compares whole pixels with the box. */
export function pixelsOf([x0, y0, x1, y1]: BoxCorners): PixelBox {
  const [x, y] = [Math.ceil(x0), Math.ceil(y0)];
  return { x, y, width: Math.max(0, Math.ceil(x1) - x), height: Math.max(0, Math.ceil(y1) - y) };
}

/** A mask without what lies outside of a region. */
export function cropMask(mask: MaskBits, region: PixelBox): MaskBits {
  const { box, words, width, height } = mask;
  const x = Math.max(box.x, region.x);
  const y = Math.max(box.y, region.y);
  const right = Math.min(box.x + box.width, region.x + region.width);
  const bottom = Math.min(box.y + box.height, region.y + region.height);
  if (x >= right || y >= bottom) return tighten(new Uint32Array(0), { x: 0, y: 0, width: 0, height: 0 }, width, height);
  const stride = rowWords(box.width);
  const cut = words.slice((y - box.y) * stride, (bottom - box.y) * stride);
  // Whole words stay where they are; only bits of columns outside go.
  const [from, to] = [x - box.x, right - box.x];
  const kept = Uint32Array.from({ length: stride }, (_, i) => bitsBetween(from - 32 * i, to - 32 * i));
  for (let i = 0; i < cut.length; i++) cut[i] = (cut[i] ?? 0) & (kept[i % stride] ?? 0);
  return tighten(cut, { x: box.x, y, width: box.width, height: bottom - y }, width, height);
}

/** A word with bits `from` to `to - 1`, as far as they lie in it. */
function bitsBetween(from: number, to: number): number {
  const below = (n: number): number => (n <= 0 ? 0 : n >= 32 ? -1 : 2 ** n - 1);
  return below(to) & ~below(from);
}
