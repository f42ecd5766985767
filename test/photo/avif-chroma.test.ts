// AVIF with 4:2:0 colour: Node's pixels are the browser's, on photos.

import { readdirSync } from 'node:fs';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodePhotoNode } from '../../cli/host/decode-node.ts';
import { compareRgb } from '../../cli/verify/photo.ts';
import { readPixels } from '../../src/photo/pixels.ts';
import { fromBase64, onHost, toBase64 } from '../browser.ts';

const FOLDER = 'examples/photos/';

test.each(readdirSync(FOLDER).filter((name) => name.endsWith('.jpg')))('%s', async (name) => {
  const bytes = await sharp(FOLDER + name)
    .resize(75, 55)
    .avif({ quality: 70, chromaSubsampling: '4:2:0' })
    .toBuffer();
  const page = await onHost<{ rgba: string }>('chrome', 'photo/decode-page:bytes', { bytes: toBase64(bytes) });
  const got = await readPixels(await decodePhotoNode(bytes));
  const { max, mean } = compareRgb(
    got,
    fromBase64(page.rgba).filter((_, i) => i % 4 !== 3),
  );
  // The golden tolerance for lossy files is mean 1.5, max 24; repeated chroma gives means up to 2.3 here.
  expect(mean).toBeLessThan(0.75);
  expect(max).toBeLessThanOrEqual(24);
});
