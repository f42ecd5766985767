// Zip archives of stored members, written with lies where a test wants them. Every archive that torch wrote can be taken apart and put
// together again, so that what is changed inside has the right checksum.
import { crc32, deflateRawSync } from 'node:zlib';
import { unzipSync } from 'fflate';
import type { Random } from './random.ts';
import { put, record } from './zip-records.ts';

export interface Entry {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What an archive says of a member, or of itself, in place of the truth. */
export interface Lie {
  readonly where: 'directory' | 'local' | 'both' | 'end';
  /** Of the field in the record, and how many bytes it has. */
  readonly offset: number;
  readonly width: 2 | 4;
  readonly value: number;
  readonly member: number;
}

export function unpack(archive: Uint8Array): Entry[] {
  return Object.entries(unzipSync(archive)).map(([name, bytes]) => ({ name, bytes }));
}

/** @param packed a member whose bytes are deflated, and said to be */
export function pack(entries: readonly Entry[], lies: readonly Lie[] = [], packed = -1): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [i, { name, bytes }] of entries.entries()) {
    const encoded = new TextEncoder().encode(name);
    const stored = i === packed ? deflateRawSync(bytes) : bytes;
    const method = i === packed ? 8 : 0;
    const numbers = { crc: crc32(bytes), stored: stored.length, bytes: bytes.length };
    const local = record(30, 0x04034b50, [
      [8, 2, method],
      [14, 4, numbers.crc],
      [18, 4, numbers.stored],
      [22, 4, numbers.bytes],
      [26, 2, encoded.length],
    ]);
    const entry = record(46, 0x02014b50, [
      [10, 2, method],
      [16, 4, numbers.crc],
      [20, 4, numbers.stored],
      [24, 4, numbers.bytes],
      [28, 2, encoded.length],
      [42, 4, at],
    ]);
    const own = lies.filter(({ member, where }) => member === i && where !== 'end');
    for (const lie of own) {
      if (lie.where !== 'local') put(entry, lie.offset, lie.width, lie.value);
      // The local header has the same fields 2 bytes earlier, and no offset.
      if (lie.where !== 'directory' && lie.offset < 30) put(local, lie.offset - 2, lie.width, lie.value);
    }
    parts.push(local, encoded, stored);
    directory.push(entry, encoded);
    at += local.length + encoded.length + stored.length;
  }
  const end = record(22, 0x06054b50, [
    [8, 2, entries.length],
    [10, 2, entries.length],
    [12, 4, directory.reduce((sum, { length }) => sum + length, 0)],
    [16, 4, at],
  ]);
  for (const lie of lies) if (lie.where === 'end') put(end, lie.offset, lie.width, lie.value);
  return new Uint8Array(Buffer.concat([...parts, ...directory, end]));
}

/** A lie about flags, method, checksum, sizes, lengths of names, offsets or counts; now and then a member twice or deflated. */
export function lyingZip(entries: readonly Entry[], random: Random): Uint8Array {
  const member = random.below(entries.length);
  const kind = random.below(8);
  if (kind === 0) return pack([...entries, random.pick(entries)]);
  if (kind === 1) return pack(entries, [], member);
  const number = (): number =>
    random.pick([0, 1, random.below(256), random.below(65_536), 0x7fff_ffff, 0xffff_fffe, 0xffff_ffff]);
  const lies = Array.from({ length: 1 + random.below(3) }, (): Lie => {
    if (random.below(5) === 0)
      return {
        where: 'end',
        member: 0,
        value: number(),
        ...random.pick([field(8, 2), field(10, 2), field(12, 4), field(16, 4)]),
      };
    const where = random.pick(['directory', 'local', 'both'] as const);
    const fields = [
      field(8, 2),
      field(10, 2),
      field(16, 4),
      field(20, 4),
      field(24, 4),
      field(28, 2),
      field(30, 2),
      field(42, 4),
    ];
    return { where, member, value: number(), ...random.pick(fields) };
  });
  return pack(entries, lies);
}

const field = (offset: number, width: 2 | 4): { offset: number; width: 2 | 4 } => ({ offset, width });
