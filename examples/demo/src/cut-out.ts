// Cut-outs: the photo's own pixels inside a mask, transparent around it, as PNG.
import { zipSync } from 'fflate';
import type { Mask } from '../../../src/index.ts';

/** The mask's box of the photo. Pixels of the mask are the photo's, all others are transparent. Null for an empty mask. */
export async function cutOut(photo: ImageBitmap, mask: Mask): Promise<Blob | null> {
  const { x, y, width, height } = mask.box;
  if (mask.area === 0) return null;
  const shape = new OffscreenCanvas(width, height);
  const { data } = mask.toImageData({ crop: true });
  context(shape).putImageData(new ImageData(data, width), 0, 0);
  const cut = new OffscreenCanvas(width, height);
  const draw = context(cut);
  draw.drawImage(photo, -x, -y);
  draw.globalCompositeOperation = 'destination-in';
  draw.drawImage(shape, 0, 0);
  return cut.convertToBlob({ type: 'image/png' });
}

/** Cut-outs of several masks as one ZIP file: browsers ask before they save many files at once. */
export async function cutOutsZip(photo: ImageBitmap, masks: readonly Mask[], stem: string): Promise<Blob> {
  const files: Record<string, Uint8Array> = {};
  for (const [i, mask] of masks.entries()) {
    const png = await cutOut(photo, mask);
    if (png !== null) files[`${stem}-${String(i + 1).padStart(3, '0')}.png`] = new Uint8Array(await png.arrayBuffer());
  }
  // PNG is compressed already.
  return new Blob([zipSync(files, { level: 0 })], { type: 'application/zip' });
}

function context(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  // Read back at once, so it is better not on the GPU, which belongs to the engine.
  const found = canvas.getContext('2d', { willReadFrequently: true });
  if (found === null) throw new Error(`the browser has no canvas of ${canvas.width} x ${canvas.height} pixels`);
  return found;
}
