// Every kind of BMP that is read, against the browser's decoder.

import { describe, expect, test } from 'vitest';
import { decodePhotoNode } from '../../cli/host/decode-node.ts';
import { compareRgb } from '../../cli/verify/photo.ts';
import { readPixels } from '../../src/photo/pixels.ts';
import { fromBase64, onHost, toBase64 } from '../browser.ts';

const WIDTH = 13; // a row of it is not a multiple of four bytes in any kind
const HEIGHT = 7;

interface Order {
  readonly bits: number;
  readonly topDown?: boolean;
  readonly masks?: readonly [number, number, number];
  readonly core?: boolean;
  readonly entries?: number;
  readonly compression?: number;
}

/** A BMP of noise. */
function bmpOf({ bits, topDown = false, masks, core = false, entries, compression }: Order): Uint8Array {
  const palette = bits > 8 ? 0 : (entries ?? 2 ** bits);
  const rowBytes = Math.ceil((WIDTH * bits) / 32) * 4;
  const headerBytes = core ? 12 : 40;
  const dataAt = 14 + headerBytes + (masks === undefined ? 0 : 12) + palette * (core ? 3 : 4);
  const bytes = Buffer.alloc(dataAt + rowBytes * HEIGHT);
  let noise = bits * 977;
  for (let i = 14 + headerBytes; i < bytes.length; i++) {
    noise = (noise * 1103515245 + 12345) & 0x7fffffff;
    bytes[i] = noise >> 16;
  }
  bytes.write('BM');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(dataAt, 10);
  bytes.writeUInt32LE(headerBytes, 14);
  if (core) {
    bytes.writeUInt16LE(WIDTH, 18);
    bytes.writeUInt16LE(HEIGHT, 20);
    bytes.writeUInt16LE(1, 22);
    bytes.writeUInt16LE(bits, 24);
    return bytes;
  }
  bytes.writeInt32LE(WIDTH, 18);
  bytes.writeInt32LE(topDown ? -HEIGHT : HEIGHT, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(bits, 28);
  bytes.writeUInt32LE(compression ?? (masks === undefined ? 0 : 3), 30);
  bytes.writeUInt32LE(entries ?? 0, 46);
  masks?.forEach((mask, i) => {
    bytes.writeUInt32LE(mask, 54 + i * 4);
  });
  return bytes;
}

describe('BMP', () => {
  test.each<[string, Order, number]>([
    ['1 bit', { bits: 1 }, 0],
    ['4 bits', { bits: 4 }, 0],
    ['4 bits, few entries', { bits: 4, entries: 5 }, 0],
    ['8 bits', { bits: 8 }, 0],
    ['8 bits, few entries', { bits: 8, entries: 200, topDown: true }, 0],
    ['8 bits, OS/2', { bits: 8, core: true }, 0],
    ['16 bits, 5-5-5', { bits: 16 }, 1],
    ['16 bits, 5-6-5', { bits: 16, masks: [0xf800, 0x7e0, 0x1f] }, 1],
    ['24 bits', { bits: 24 }, 0],
    ['24 bits, top down', { bits: 24, topDown: true }, 0],
    ['24 bits, OS/2', { bits: 24, core: true }, 0],
    ['32 bits', { bits: 32 }, 0],
    ['32 bits, BGR order', { bits: 32, masks: [0xff, 0xff00, 0xff0000] }, 0],
    ['32 bits, 10 a colour', { bits: 32, masks: [0x3ff00000, 0xffc00, 0x3ff] }, 1],
  ])('%s', async (_, order, levels) => {
    const bytes = bmpOf(order);
    const { width, height, rgba } = await onHost<{ width: number; height: number; rgba: string }>(
      'chrome',
      'photo/decode-page:native',
      { bytes: toBase64(bytes) },
    );
    expect([width, height]).toEqual([WIDTH, HEIGHT]);
    const pixels = await decodePhotoNode(bytes);
    const rgb = fromBase64(rgba).filter((_, i) => i % 4 !== 3);
    expect(compareRgb(await readPixels(pixels), rgb).max).toBeLessThanOrEqual(levels);
  });

  test.each<[string, Order, RegExp]>([
    ['run lengths', { bits: 8, compression: 1 }, /compression 1/],
    ['2 bits', { bits: 2 }, /2 bits/],
    ['masks with holes', { bits: 16, masks: [0xf0f0, 0x7e0, 0x1f] }, /runs of bits/],
    ['an empty mask', { bits: 32, masks: [0, 0xff00, 0xff] }, /runs of bits/],
  ])('%s are refused', async (_, order, message) => {
    await expect(decodePhotoNode(bmpOf(order))).rejects.toMatchObject({
      code: 'image',
      message: expect.stringMatching(message),
    });
  });
});
