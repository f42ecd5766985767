// The checksums of src/checkpoint against Node's.
import { createHash } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32 } from '../../src/checkpoint/crc32.ts';
import { Sha256 } from '../../src/runtime/sha256.ts';

/** Bytes, cut into pieces at any places, each at any alignment. */
const pieces = fc.array(fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.nat(7)), { maxLength: 8 }).map((list) =>
  list.map(([bytes, shift]) => {
    const shifted = new Uint8Array(bytes.length + shift).subarray(shift);
    shifted.set(bytes);
    return shifted;
  }),
);

it('sha256 in pieces is that of node:crypto', () => {
  fc.assert(
    fc.property(pieces, (list) => {
      const hash = new Sha256();
      for (const piece of list) hash.update(piece);
      expect(hash.hex()).toBe(createHash('sha256').update(Buffer.concat(list)).digest('hex'));
    }),
  );
});

it('sha256 at every length around a block', () => {
  for (let length = 0; length <= 200; length++) {
    const bytes = new Uint8Array(length).fill(length);
    const hash = new Sha256();
    hash.update(bytes);
    expect(hash.hex()).toBe(createHash('sha256').update(bytes).digest('hex'));
  }
});

it('sha256 counts bits beyond 32', () => {
  const piece = new Uint8Array(2 ** 20).fill(7);
  const [own, node] = [new Sha256(), createHash('sha256')];
  for (let i = 0; i < 513; i++) {
    own.update(piece);
    node.update(piece);
  }
  expect(own.hex()).toBe(node.digest('hex'));
});

it('CRC-32 in pieces is that of node:zlib', () => {
  fc.assert(
    fc.property(pieces, (list) => {
      const crc = list.reduce((sum, piece) => crc32(piece, sum), 0);
      expect(crc).toBe(zlibCrc32(Buffer.concat(list)));
    }),
  );
});
