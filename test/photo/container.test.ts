// Containers: what the golden files say about themselves, what is refused and why, and hostile bytes.

import { deflateSync, crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodePhotoNode } from '../../cli/host/decode-node.ts';
import { inspectPhoto, type PhotoInfo } from '../../src/photo/container.ts';
import { crc32 } from '../../src/photo/crc32.ts';
import { readOrientation } from '../../src/photo/exif.ts';
import { readPixels } from '../../src/photo/pixels.ts';
import { SegEveryError } from '../../src/runtime/errors.ts';
import { goldenEntries, goldenFile } from './golden.ts';
import { pngOf } from './make-png.ts';

const entries = await goldenEntries();
const files = new Map(await Promise.all(entries.map(async ({ file }) => [file, await goldenFile(file)] as const)));
const whole = entries.filter(({ error }) => error === undefined);

function bytesOf(file: string): Uint8Array {
  const bytes = files.get(file);
  if (bytes === undefined) throw new Error(`no golden file ${file}`);
  return bytes;
}

/** What `inspectPhoto` refuses a file with; undefined if it accepts. Any other error fails the test. */
function refusal(bytes: Uint8Array, maxPixels?: number): SegEveryError | undefined {
  try {
    inspectPhoto(bytes, { maxPixels });
    return undefined;
  } catch (error) {
    if (error instanceof SegEveryError && /^image(-limit)?$/.test(error.code)) return error;
    throw error;
  }
}

describe('golden files', () => {
  test.each(whole)('$file: $note', ({ file, width, height, alpha }) => {
    const info = inspectPhoto(bytesOf(file));
    expect([info.width, info.height]).toEqual([width, height]);
    expect(info.hasAlpha).toBe(alpha !== undefined);
    const turned = /orientation-(\d)/.exec(file);
    expect(info.orientation).toBe(turned === null ? 1 : Number(turned[1]));
    expect(info.animated).toBe(file === 'animated.gif');
    expect(info.bitDepth).toBe(Number(/(\d+)-?bit/.exec(file)?.[1] ?? /(16)/.exec(file)?.[1] ?? 8));
  });

  const formats: [string, PhotoInfo['format']][] = [
    ['png-named.jpg', 'png'],
    ['cmyk.jpg', 'jpeg'],
    ['lossy.webp', 'webp'],
    ['420.avif', 'avif'],
    ['interlaced.gif', 'gif'],
    ['palette.bmp', 'bmp'],
  ];
  test.each(formats)('%s is %s', (file, format) => {
    expect(inspectPhoto(bytesOf(file)).format).toBe(format);
  });

  const refused: [string, string, RegExp][] = [
    ['truncated.jpg', 'image', /JPEG.*truncated/],
    ['truncated.png', 'image', /PNG.*truncated/],
    ['text.jpg', 'image', /text, not a photo/],
    ['empty.png', 'image', /no byte/],
    ['bomb.png', 'image-limit', /60000 x 60000.*limit of 134217728/],
    ['drawing.svg', 'image', /SVG/],
    ['bad-crc.png', 'image', /CRC.*IDAT/],
    ['bad-header-crc.png', 'image', /CRC.*IHDR/],
    ['zero-width.png', 'image', /no pixel: 0 x 20/],
    ['page.html.png', 'image', /web page/],
  ];
  test.each(refused)('%s is refused with %s', (file, code, message) => {
    const error = refusal(bytesOf(file));
    expect(error?.code).toBe(code);
    expect(error?.message).toMatch(message);
  });

  test('every bad golden file is in the list above', () => {
    const bad = entries.filter(({ error }) => error !== undefined).map(({ file }) => file);
    expect(refused.map(([file]) => file).sort()).toEqual(bad.sort());
  });
});

describe('files of other encoders', () => {
  const grey = sharp({ create: { width: 20, height: 10, channels: 3, background: '#567' } });
  const translucent = grey.clone().ensureAlpha(0.5);
  const made: [string, () => Promise<Uint8Array>, Partial<PhotoInfo>][] = [
    ['AVIF, 10 bits', () => grey.clone().avif({ bitdepth: 10 }).toBuffer(), { bitDepth: 10, hasAlpha: false }],
    ['AVIF with alpha', () => translucent.clone().avif().toBuffer(), { bitDepth: 8, hasAlpha: true, animated: false }],
    ['WebP, lossy, alpha', () => translucent.clone().webp().toBuffer(), { hasAlpha: true, animated: false }],
    [
      'WebP with EXIF',
      () => grey.clone().withMetadata({ orientation: 7 }).webp().toBuffer(),
      { orientation: 7, width: 10, height: 20 },
    ],
    [
      'PNG with EXIF',
      () => grey.clone().withMetadata({ orientation: 4 }).png().toBuffer(),
      { orientation: 4, width: 20, height: 10 },
    ],
    [
      'animated WebP',
      () => sharp(bytesOf('animated.gif'), { animated: true }).webp().toBuffer(),
      { animated: true, width: 64, height: 48 },
    ],
  ];
  test.each(made)('%s', async (_, make, info) => {
    expect(inspectPhoto(await make())).toMatchObject(info);
  });
});

describe('EXIF', () => {
  const tiff = (littleEndian: boolean, tag: number, type: number, value: number) => {
    const view = new DataView(new ArrayBuffer(26));
    view.setUint16(0, littleEndian ? 0x4949 : 0x4d4d);
    view.setUint16(2, 42, littleEndian);
    view.setUint32(4, 8, littleEndian);
    view.setUint16(8, 1, littleEndian);
    view.setUint16(10, tag, littleEndian);
    view.setUint16(12, type, littleEndian);
    view.setUint32(14, 1, littleEndian);
    view.setUint16(18, value, littleEndian);
    return new Uint8Array(view.buffer);
  };

  test.each([
    [true, 0x0112, 3, 6, 6],
    [false, 0x0112, 3, 6, 6],
    [true, 0x0112, 3, 9, 1],
    [true, 0x0112, 3, 0, 1],
    [false, 0x0112, 4, 6, 1],
    [true, 0x0110, 3, 6, 1],
  ])('little-endian %s, tag %i, type %i, value %i is orientation %i', (littleEndian, tag, type, value, orientation) => {
    const block = tiff(littleEndian, tag, type, value);
    expect(readOrientation(block, 0, block.length).orientation).toBe(orientation);
  });

  test('any bytes give an orientation', () => {
    const block = tiff(true, 0x0112, 3, 6);
    fc.assert(
      fc.property(fc.nat(25), fc.nat(255), fc.nat(26), (at, value, end) => {
        const bytes = Uint8Array.from(block);
        bytes[at] = value;
        const { orientation } = readOrientation(bytes, 0, end);
        return orientation >= 1 && orientation <= 8;
      }),
    );
  });
});

describe('other files', () => {
  const latin = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
  const foreign: [string, RegExp][] = [
    ['%PDF-1.7\n', /PDF/],
    ['II*\0\x08\0\0\0', /TIFF/],
    ['\0\0\0\x18ftypheic\0\0\0\0mif1heic', /HEIC/],
    ['\0\0\0\x18ftypisom\0\0\x02\0isomiso2', /film/],
    ['\xff\x0a\0\0', /JPEG XL/],
    ['\xef\xbb\xbf <?xml version="1.0"?><svg xmlns=""/>', /SVG/],
    ['<?xml version="1.0"?><x/>', /XML/],
    ['\n<HTML><body>', /web page/],
    ['GIF88a', /text/],
    ['\x00\x01\x02\x03', /not a photo of a kind/],
    ['\x89PNG\n\x1a\n', /damaged/],
  ];
  test.each(foreign)('%j', (text, message) => {
    expect(refusal(latin(text))?.message).toMatch(message);
  });

  test('the limit counts pixels, and is inclusive', () => {
    expect(refusal(bytesOf('rgb.png'), 64 * 48)).toBeUndefined();
    expect(refusal(bytesOf('rgb.png'), 64 * 48 - 1)?.code).toBe('image-limit');
  });

  test('bytes in the middle of a buffer, and in shared memory', () => {
    const bytes = bytesOf('orientation-6.jpg');
    const padded = new Uint8Array(bytes.length + 13);
    padded.set(bytes, 5);
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    for (const view of [padded.subarray(5, 5 + bytes.length), shared]) {
      expect(inspectPhoto(view)).toMatchObject({ width: 28, height: 40, orientation: 6 });
    }
  });

  const misplaced: [string, (string | [string, Uint8Array])[], RegExp][] = [
    ['no IHDR', ['IDAT', 'IEND'], /IHDR comes first/],
    ['two IHDR', ['IHDR', 'IHDR', 'IDAT', 'IEND'], /IHDR comes first/],
    ['no IDAT', ['IHDR', 'IEND'], /no image data/],
    ['split IDAT', ['IHDR', 'IDAT', ['tEXt', new Uint8Array(3)], 'IDAT', 'IEND'], /not in one row/],
    ['no IEND', ['IHDR', 'IDAT'], /truncated/],
    ['late palette', ['IHDR', 'IDAT', ['PLTE', new Uint8Array(3)], 'IEND'], /PLTE/],
    ['unknown critical chunk', ['IHDR', ['ABCD', new Uint8Array()], 'IDAT', 'IEND'], /critical chunk ABCD/],
    ['Apple variant', [['CgBI', new Uint8Array(4)], 'IHDR', 'IDAT', 'IEND'], /Apple/],
  ];
  test.each(misplaced)('PNG with %s', (_, chunks, message) => {
    expect(refusal(pngOf({ chunks }))?.message).toMatch(message);
  });

  test.each([
    [3, 16],
    [0, 3],
    [1, 8],
    [2, 4],
    [7, 8],
  ])('PNG with colour type %i and %i bits does not exist', (colourType, bitDepth) => {
    expect(refusal(pngOf({ colourType, bitDepth, palette: new Uint8Array(768) }))?.message).toMatch(/does not exist/);
  });

  test.each([
    ['too few rows', deflateSync(new Uint8Array(10)), /end before its last row|end early/],
    ['damaged deflate data', Uint8Array.of(0x78, 0x9c, 0xff, 0xff, 0xff), /damaged/],
    ['a filter that does not exist', deflateSync(new Uint8Array(8 * 25).fill(9)), /filter 9/],
  ])('PNG with %s', async (_, data, message) => {
    const png = pngOf({ width: 8, height: 8, colourType: 2, bitDepth: 8, data });
    await expect(decodePhotoNode(png).then(readPixels)).rejects.toMatchObject({
      code: 'image',
      message: expect.stringMatching(message),
    });
  });
});

describe('hostile bytes', () => {
  test.each(whole)('every beginning of $file is refused', ({ file }) => {
    const bytes = bytesOf(file);
    const last = bytes.length - 1;
    const step = Math.max(1, Math.floor(last / 1500));
    for (let length = 0; length < last; length += step) {
      expect(refusal(bytes.subarray(0, length)), `${length} of ${bytes.length} bytes`).toBeDefined();
    }
    expect(refusal(bytes.subarray(0, last)), `${last} of ${bytes.length} bytes`).toBeDefined();
  });

  /** A golden file with a few bytes overwritten, mostly near its beginning, where the headers are. */
  const mutated = fc
    .record({
      file: fc.constantFrom(...whole.map(({ file }) => file)),
      changes: fc.array(fc.record({ at: fc.nat(), value: fc.nat(255), near: fc.boolean() }), {
        minLength: 1,
        maxLength: 6,
      }),
      cut: fc.option(fc.nat(), { nil: undefined }),
      checksums: fc.boolean(),
    })
    .map(({ file, changes, cut, checksums }) => {
      const bytes = Uint8Array.from(bytesOf(file));
      for (const { at, value, near } of changes)
        bytes[at % (near ? Math.min(200, bytes.length) : bytes.length)] = value;
      if (checksums && file.endsWith('.png')) repairChecksums(bytes);
      return cut === undefined || cut % 3 > 0 ? bytes : bytes.subarray(0, cut % bytes.length);
    });

  /** Right checksums for mutated PNG chunks, so that the mutation reaches what is behind that check. */
  function repairChecksums(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer);
    for (let at = 8; at + 12 <= bytes.length; ) {
      const end = at + 8 + view.getUint32(at);
      if (end + 4 > bytes.length) return;
      view.setUint32(end, zlibCrc32(bytes.subarray(at + 4, end)));
      at = end + 4;
    }
  }

  test('damaged headers: accepted within the limit, or refused with a clear error', () => {
    fc.assert(
      fc.property(
        fc.oneof({ weight: 9, arbitrary: mutated }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) }),
        (bytes) => {
          if (refusal(bytes, 2 ** 20) !== undefined) return;
          const { width, height, orientation } = inspectPhoto(bytes);
          expect(width * height).toBeGreaterThan(0);
          expect(width * height).toBeLessThanOrEqual(2 ** 20);
          expect(orientation >= 1 && orientation <= 8).toBe(true);
        },
      ),
      { numRuns: 6000 },
    );
  });

  test('damaged photos: decoded to the size announced, or refused with a clear error', async () => {
    await fc.assert(
      fc.asyncProperty(mutated, async (bytes) => {
        try {
          const pixels = await decodePhotoNode(bytes, { maxPixels: 2 ** 18 });
          const data = await readPixels(pixels);
          expect(data.length).toBe(pixels.width * pixels.height * 4);
        } catch (error) {
          if (!(error instanceof SegEveryError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });

  test('checksums equal zlib’s', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => crc32(bytes) === zlibCrc32(bytes)));
  });
});
