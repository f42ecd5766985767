// Pixels of an `ImageBitmap`, rectangle by rectangle. A 2D canvas is exact for opaque ones but multiplies by alpha, which
// loses colour where alpha is small; WebGL takes a bitmap as it is, so it reads those that are not opaque.

import { SegEveryError } from '../runtime/errors.ts';
import type { Bytes } from './bytes.ts';
import type { StoredPixels } from './pixels.ts';

/** Longest side of a piece that is read at once: within every browser's limits on canvases and textures. */
const MAX_TILE = 4096;

type ReadTile = (x: number, y: number, w: number, h: number) => Promise<Bytes> | Bytes;

/**
 * Readable pixels of a bitmap, which it owns from now on. With `alpha`, colours under alpha are kept where the browser has
 * WebGL 2; without it they come from a 2D canvas, whose colours are rough where alpha is small.
 */
export function bitmapPixels(bitmap: ImageBitmap, alpha: boolean): StoredPixels {
  const gl = alpha ? new OffscreenCanvas(1, 1).getContext('webgl2') : null;
  const readTile = gl ? webglReader(bitmap, gl) : canvasReader(bitmap);
  return {
    width: bitmap.width,
    height: bitmap.height,
    async read(x, y, w, h) {
      try {
        return w <= MAX_TILE && h <= MAX_TILE ? await readTile(x, y, w, h) : await readTiles(readTile, x, y, w, h);
      } catch (cause) {
        if (cause instanceof SegEveryError) throw cause;
        const foreign = cause instanceof DOMException && cause.name === 'SecurityError';
        const hint = foreign
          ? 'it comes from another origin; load it with crossOrigin="anonymous"'
          : 'is it closed already?';
        throw new SegEveryError('image', `the photo’s pixels cannot be read: ${hint}`, { cause });
      }
    },
    close() {
      bitmap.close();
      gl?.getExtension('WEBGL_lose_context')?.loseContext(); // pages may hold few contexts at a time
    },
  };
}

async function readTiles(readTile: ReadTile, x: number, y: number, w: number, h: number): Promise<Bytes> {
  const out = new Uint8Array(w * h * 4);
  for (let top = 0; top < h; top += MAX_TILE) {
    for (let left = 0; left < w; left += MAX_TILE) {
      const width = Math.min(MAX_TILE, w - left);
      const height = Math.min(MAX_TILE, h - top);
      const tile = await readTile(x + left, y + top, width, height);
      for (let row = 0; row < height; row++) {
        out.set(tile.subarray(row * width * 4, (row + 1) * width * 4), ((top + row) * w + left) * 4);
      }
    }
  }
  return out;
}

function canvasReader(bitmap: ImageBitmap): ReadTile {
  let canvas: OffscreenCanvas | undefined;
  return (x, y, w, h) => {
    canvas ??= new OffscreenCanvas(w, h);
    if (canvas.width < w) canvas.width = w;
    if (canvas.height < h) canvas.height = h;
    const context = canvas.getContext('2d', { willReadFrequently: true }); // in memory, not on the GPU
    if (context === null) throw new SegEveryError('image', 'the browser gave no 2D canvas to read the photo with');
    context.globalCompositeOperation = 'copy'; // what an earlier rectangle left does not shine through
    context.drawImage(bitmap, x, y, w, h, 0, 0, w, h);
    return new Uint8Array(context.getImageData(0, 0, w, h).data.buffer);
  };
}

function webglReader(bitmap: ImageBitmap, gl: WebGL2RenderingContext): ReadTile {
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
  return async (x, y, w, h) => {
    const part = await createImageBitmap(bitmap, x, y, w, h, {
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'none',
    });
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, part);
    gl.framebufferTexture2D(
      gl.FRAMEBUFFER,
      gl.COLOR_ATTACHMENT0,
      gl.TEXTURE_2D,
      gl.getParameter(gl.TEXTURE_BINDING_2D),
      0,
    );
    part.close();
    const out = new Uint8Array(w * h * 4);
    gl.readPixels(0, 0, w, h, gl.RGBA, gl.UNSIGNED_BYTE, out);
    // A lost or full context draws nothing and says so here; black pixels must not pass for a photo.
    if (gl.getError() !== gl.NO_ERROR)
      throw new SegEveryError('image', 'the browser ran out of graphics memory on this photo');
    return out;
  };
}
