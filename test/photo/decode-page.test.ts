// Photos in the page of a real browser, against pixels that Pillow and the formats' own libraries made.

import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodePhotoNode } from '../../cli/host/decode-node.ts';
import { compareRgb, verifyPhoto } from '../../cli/verify/photo.ts';
import { inspectPhoto } from '../../src/photo/container.ts';
import { bufferPixels, readPixels, uprightPixels } from '../../src/photo/pixels.ts';
import { fromBase64, onHost, toBase64 } from '../browser.ts';
import { goldenEntries, goldenFile, goldenReader } from './golden.ts';

interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly rgba: string;
  readonly strips?: [number, number][];
}

function inPage(bytes: Uint8Array, rows?: number): Promise<Decoded> {
  return onHost<Decoded>('chrome', 'photo/decode-page:bytes', { bytes: toBase64(bytes), rows });
}

const reader = await goldenReader();

test('every golden photo comes out as expected, or is refused', async () => {
  const verdicts = await verifyPhoto(reader, async (bytes) => {
    const { width, height, rgba } = await inPage(bytes);
    return uprightPixels(bufferPixels(fromBase64(rgba), width, height), 1);
  });
  expect(verdicts).toHaveLength((await goldenEntries()).length);
  expect(verdicts.filter(({ passed }) => !passed)).toEqual([]);
});

test.each(['palette-transparent.png', 'rgba.png', 'alpha-lossless.webp', 'grey-alpha.png', 'rgba16.png'])(
  '%s keeps its colour under alpha 0',
  async (file) => {
    const { rgba } = await inPage(await goldenFile(file));
    const want = await reader.tensor(`rgb.${file}`);
    expect(compareRgb(fromBase64(rgba), want.data).max).toBe(0);
  },
);

test.each(['orientation-3.jpg', 'orientation-6.jpg', 'rgb.png', 'interlaced.png', 'rgb.bmp', 'alpha-lossless.webp'])(
  'strips of %s make up the whole',
  async (file) => {
    const bytes = await goldenFile(file);
    const whole = await inPage(bytes);
    const parts = await inPage(bytes, 7);
    expect(parts.rgba).toBe(whole.rgba);
    expect(parts.strips).toEqual(
      Array.from({ length: Math.ceil(whole.height / 7) }, (_, i) => [i * 7, Math.min(7, whole.height - i * 7)]),
    );
  },
);

test.each([
  ['blob', 'orientation-6.jpg'],
  ['buffer', 'rgba.png'],
  ['shared', 'baseline-420.jpg'],
  ['element', 'orientation-6.jpg'],
  ['element', 'rgba.png'],
  ['bitmap', 'rgba.png'],
  ['canvas', 'rgb.png'],
  ['imageData', 'rgb.png'],
])('a photo given as %s (%s)', async (kind, file) => {
  const got = await onHost<Decoded>('chrome', 'photo/decode-page:source', { kind, file });
  const want = await reader.tensor(`rgb.${file}`);
  expect([got.height, got.width, 3]).toEqual(want.shape);
  expect(compareRgb(fromBase64(got.rgba), want.data).max).toBe(0);
});

test.each([
  ['limit', 'image-limit'],
  ['bitmap-limit', 'image-limit'],
  ['aborted', 'aborted'],
  ['closed', 'image'],
  ['not-loaded', 'image'],
  ['damaged', 'image'],
])('refuses: %s', async (kind, code) => {
  await expect(onHost('chrome', 'photo/decode-page:refuse', { kind })).rejects.toMatchObject({ code });
});

/** An AVIF whose colour property became a turn by 90 degrees: the same file layout, so that no offset changes. */
async function turnedAvif(): Promise<Uint8Array> {
  const bytes = Buffer.from(await goldenFile('444.avif'));
  const at = bytes.indexOf('colrnclx');
  expect(at).toBeGreaterThan(0);
  bytes.write('\0\0\0\x09irot\x01\0\0\0\x0afree', at - 4, 'latin1');
  const associations = bytes.indexOf('ipma') + 15; // four bytes: the properties of the only item
  bytes[associations + 3] = 0x84; // the fourth property, essential as the format asks of turns
  expect(inspectPhoto(bytes)).toMatchObject({ width: 48, height: 64, orientation: 1 });
  return bytes;
}

/** A golden JPEG without its first segment of one kind. */
async function withoutSegment(file: string, marker: number): Promise<Uint8Array> {
  const bytes = Buffer.from(await goldenFile(file));
  const at = bytes.indexOf(Buffer.from([0xff, marker]));
  expect(at).toBeGreaterThan(0);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 2 + bytes.readUInt16BE(at + 2))]);
}

describe('both hosts agree', () => {
  const gradient = Buffer.from(
    Uint8Array.from({ length: 90 * 70 * 3 }, (_, i) => (i % 3 === 0 ? i / 74 : i % 3 === 1 ? (i % 270) * 0.9 : 128)),
  );
  const photo = () => sharp(gradient, { raw: { width: 90, height: 70, channels: 3 } });
  const made: [string, () => Promise<Uint8Array>, number][] = [
    ['a Display P3 profile is ignored', () => photo().withIccProfile('p3').jpeg().toBuffer(), 1],
    [
      'WebP with EXIF orientation 6',
      () => photo().withMetadata({ orientation: 6 }).webp({ lossless: true }).toBuffer(),
      0,
    ],
    [
      'WebP with EXIF orientation 5',
      () => photo().withMetadata({ orientation: 5 }).webp({ lossless: true }).toBuffer(),
      0,
    ],
    ['PNG with EXIF orientation 8', () => photo().withMetadata({ orientation: 8 }).png().toBuffer(), 0],
    [
      'AVIF with EXIF orientation 6',
      () => photo().withMetadata({ orientation: 6 }).avif({ chromaSubsampling: '4:4:4' }).toBuffer(),
      2,
    ],
    ['CMYK without an ICC profile', () => photo().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer(), 2],
    ['CMYK without the Adobe marker', () => withoutSegment('cmyk.jpg', 0xee), 1],
    // The golden tolerance for lossy files: hosts interpolate colour differently; avif-chroma.test.ts is stricter on photos.
    ['AVIF 4:2:0', () => photo().avif({ chromaSubsampling: '4:2:0', quality: 80 }).toBuffer(), 24],
    ['AVIF 4:2:0 with 10 bits', () => photo().avif({ bitdepth: 10, chromaSubsampling: '4:2:0' }).toBuffer(), 24],
    ['AVIF with 10 bits', () => photo().avif({ bitdepth: 10, chromaSubsampling: '4:4:4' }).toBuffer(), 2],
    ['AVIF with alpha', () => photo().ensureAlpha(0.7).avif({ chromaSubsampling: '4:4:4' }).toBuffer(), 2],
    ['grey AVIF', () => photo().greyscale().avif().toBuffer(), 2],
    [
      'animated WebP',
      async () =>
        sharp(await goldenFile('animated.gif'), { animated: true })
          .webp({ lossless: true })
          .toBuffer(),
      0,
    ],
    ['progressive JPEG 4:4:0', () => photo().jpeg({ progressive: true, quality: 60 }).toBuffer(), 1],
    ['AVIF turned by irot', turnedAvif, 2],
    ['a GIF with transparency', () => photo().ensureAlpha(0.5).gif().toBuffer(), 0],
    ['a grey JPEG of one pixel', () => photo().resize(1, 1).greyscale().jpeg().toBuffer(), 1],
  ];
  test.each(made)('%s', async (_, make, levels) => {
    const bytes = await make();
    const pixels = await decodePhotoNode(bytes);
    const node = await readPixels(pixels);
    const page = await inPage(bytes);
    expect([page.width, page.height]).toEqual([pixels.width, pixels.height]);
    const rgb = node.filter((_, i) => i % 4 !== 3);
    expect(compareRgb(fromBase64(page.rgba), rgb).max).toBeLessThanOrEqual(levels);
  });
});
