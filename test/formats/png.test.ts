import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodePng } from '../../src/formats/png.ts';

describe('PNG files, as libvips reads them', () => {
  it('hold any RGBA pixels', async () => {
    const size = fc.record({ width: fc.integer({ min: 1, max: 20 }), height: fc.integer({ min: 1, max: 20 }) });
    const image = size.chain(({ width, height }) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        data: fc.uint8Array({ minLength: 4 * width * height, maxLength: 4 * width * height }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(image, async ({ width, height, data }) => {
        const file = await encodePng({ width, height, data });
        const read = await sharp(file).raw().toBuffer({ resolveWithObject: true });
        expect(read.info).toMatchObject({ width, height, channels: 4 });
        expect(read.data.equals(data)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('hold a large smooth image in several pieces, well below its raw size', async () => {
    const [width, height] = [500, 700];
    const data = new Uint8ClampedArray(4 * width * height);
    for (let i = 0; i < width * height; i++) data.set([i % width, i / width, (i % width) + i / width, 255], 4 * i);
    const file = await encodePng({ width, height, data });
    expect((await sharp(file).raw().toBuffer()).equals(new Uint8Array(data.buffer))).toBe(true);
    expect(file.length).toBeLessThan(data.length / 10);
  });

  it('hold 8-bit greyscale', async () => {
    const data = Uint8Array.of(0, 1, 2, 253, 254, 255);
    const file = await encodePng({ kind: 'grey8', width: 2, height: 3, data });
    expect(await sharp(file).metadata()).toMatchObject({ width: 2, height: 3, channels: 1, depth: 'uchar' });
    expect([...(await sharp(file).toColourspace('b-w').raw().toBuffer())]).toEqual([...data]);
  });

  it('hold 16-bit greyscale', async () => {
    const data = Uint16Array.of(0, 1, 256, 0x1234, 65534, 65535);
    const file = await encodePng({ kind: 'grey16', width: 3, height: 2, data });
    expect(await sharp(file).metadata()).toMatchObject({ width: 3, height: 2, channels: 1, depth: 'ushort' });
    const read = await sharp(file).toColourspace('grey16').raw({ depth: 'ushort' }).toBuffer();
    expect([...new Uint16Array(read.buffer, read.byteOffset, 6)]).toEqual([...data]);
  });

  it('are refused for sizes that do not fit', async () => {
    const bad = { code: 'image' };
    await expect(encodePng({ width: 0, height: 1, data: new Uint8Array(0) })).rejects.toMatchObject(bad);
    await expect(encodePng({ width: 1, height: 1, data: new Uint8Array(3) })).rejects.toMatchObject(bad);
  });
});
