import { describe, expect, it } from 'vitest';
import { readAhead } from '../../src/checkpoint/read-ahead.ts';
import { type ByteSource, bytesSource } from '../../src/runtime/byte-source.ts';
import { Random } from './random.ts';

function counted(bytes: Uint8Array): { source: ByteSource; reads: () => number } {
  const inner = bytesSource(bytes, 'file');
  let reads = 0;
  return {
    source: {
      ...inner,
      read: (...range) => {
        reads++;
        return inner.read(...range);
      },
    },
    reads: () => reads,
  };
}

describe('read-ahead', () => {
  const bytes = Uint8Array.from({ length: 3_000_001 }, (_, i) => (i * 7919) >>> 5);

  it('gives the bytes of the source at any range', async () => {
    const ahead = readAhead(bytesSource(bytes));
    const random = new Random(5);
    for (let i = 0; i < 300; i++) {
      const start = random.below(bytes.length + 1);
      const length = random.below(i % 3 === 0 ? bytes.length : 70_000);
      const end = Math.min(bytes.length, start + length);
      expect(Buffer.compare(await ahead.read(start, end), bytes.subarray(start, end))).toBe(0);
    }
  });

  it('asks the source once for neighbours', async () => {
    const { source, reads } = counted(bytes);
    const ahead = readAhead(source);
    for (let at = 0; at < 2 ** 20; at += 2 ** 10) await ahead.read(at, at + 2 ** 10);
    expect(reads()).toBe(1);
  });

  it('leaves what the file has not to the source, and stops on abort', async () => {
    const ahead = readAhead(bytesSource(bytes, 'file'));
    for (const [start, end] of [
      [-1, 4],
      [8, 4],
      [bytes.length - 4, bytes.length + 1],
    ] as const)
      await expect(ahead.read(start, end)).rejects.toMatchObject({ code: 'weights' });
    await ahead.read(0, 4);
    await expect(ahead.read(0, 4, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  });
});
