// The directory of a zip archive, and where its members lie. Torch stores members as they are: what is compressed or encrypted is
// refused, so nothing is ever inflated. Zip64 is understood.
// Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3.

import type { ByteSource } from '../runtime/byte-source.ts';
import type { CheckpointLimits } from './limits.ts';
import { Refusal } from './values.ts';

export interface ZipMember {
  readonly name: string;
  readonly bytes: number;
  readonly crc: number;
  /** Why its bytes cannot be used as they are, if so. */
  readonly problem?: string;
  /** Offset of the local header, and where the next member or the directory begins. */
  readonly header: number;
  readonly next: number;
}

const END_BYTES = 22;
const END64_BYTES = 56;
const LOCATOR_BYTES = 20;
const LOCAL_BYTES = 30;
const ENTRY_BYTES = 46;
const COMMENT_LIMIT = 65_535;
const ENCRYPTED = 0x2041; // encryption, strong encryption, masked header

/** Reads and checks the directory. @throws Refusal */
export async function readZip(
  source: ByteSource,
  limits: CheckpointLimits,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, ZipMember>> {
  const end = await findEnd(source, signal);
  if (end.count > limits.members) throw new Refusal(`the zip has ${end.count} members, more than ${limits.members}`);
  if (end.bytes > limits.directoryBytes)
    throw new Refusal(`the zip's directory has ${end.bytes} bytes, more than ${limits.directoryBytes}`);
  if (end.offset + end.bytes !== end.at)
    throw new Refusal(
      `the zip's directory is said to end at byte ${end.offset + end.bytes}, and its end record lies at ${end.at}`,
    );
  const directory = viewOf(await source.read(end.offset, end.at, signal));
  const members: (Omit<ZipMember, 'next'> & { next: number })[] = [];
  let at = 0;
  for (let i = 0; i < end.count; i++) {
    const { member, bytes } = readEntry(directory, at);
    members.push({ ...member, next: 0 });
    at += bytes;
  }
  if (at !== directory.byteLength)
    throw new Refusal(`the zip's directory has ${directory.byteLength - at} bytes left over`);
  const sorted = [...members].sort((a, b) => a.header - b.header);
  for (const [i, member] of sorted.entries()) {
    member.next = sorted[i + 1]?.header ?? end.offset;
    // The local header repeats the name; its extra field may be longer than the directory's.
    const least = member.header + LOCAL_BYTES + member.bytes;
    if (least > member.next) {
      throw new Refusal(
        `zip member ${member.name} of ${member.bytes} bytes does not fit before byte ${member.next}: it overlaps another, or the file is truncated`,
      );
    }
  }
  const byName = new Map<string, ZipMember>();
  for (const member of members) {
    if (byName.has(member.name)) throw new Refusal(`the zip has duplicate names: ${member.name} twice`);
    byName.set(member.name, member);
  }
  return byName;
}

/** Offset of a member's bytes in the file. @throws Refusal where the local header disagrees with the directory */
export async function memberStart(source: ByteSource, member: ZipMember, signal?: AbortSignal): Promise<number> {
  const wrong = (what: string) => new Refusal(`zip member ${member.name}: its local header ${what}`);
  const nameBytes = new TextEncoder().encode(member.name);
  const view = viewOf(
    await source.read(
      member.header,
      member.header + Math.min(LOCAL_BYTES + nameBytes.length, source.size - member.header),
      signal,
    ),
  );
  if (view.byteLength < LOCAL_BYTES || view.getUint32(0, true) !== 0x04034b50) throw wrong('is missing');
  if (view.getUint16(6, true) & ENCRYPTED || view.getUint16(8, true) !== 0) throw wrong('says compressed or encrypted');
  const nameLength = view.getUint16(26, true);
  const sameName =
    nameLength === nameBytes.length &&
    nameBytes.every((byte, i) => LOCAL_BYTES + i < view.byteLength && view.getUint8(LOCAL_BYTES + i) === byte);
  if (!sameName) throw wrong('has another name');
  const start = member.header + LOCAL_BYTES + nameLength + view.getUint16(28, true);
  if (start + member.bytes > member.next) throw wrong(`puts its ${member.bytes} bytes beyond byte ${member.next}`);
  return start;
}

interface End {
  readonly count: number;
  /** Bytes and offset of the directory. */
  readonly bytes: number;
  readonly offset: number;
  /** Where the first end record begins, which the directory must reach. */
  readonly at: number;
}

async function findEnd(source: ByteSource, signal: AbortSignal | undefined): Promise<End> {
  const from = Math.max(0, source.size - END_BYTES - COMMENT_LIMIT - LOCATOR_BYTES);
  const tail = viewOf(await source.read(from, source.size, signal));
  for (let i = tail.byteLength - END_BYTES; i >= 0; i--) {
    if (tail.getUint32(i, true) !== 0x06054b50 || i + END_BYTES + tail.getUint16(i + 20, true) !== tail.byteLength)
      continue;
    if (tail.getUint16(i + 4, true) !== 0 || tail.getUint16(i + 6, true) !== 0)
      throw new Refusal('the zip is one of several volumes');
    const end: End = {
      count: tail.getUint16(i + 10, true),
      bytes: tail.getUint32(i + 12, true),
      offset: tail.getUint32(i + 16, true),
      at: from + i,
    };
    const locator = i - LOCATOR_BYTES;
    if (locator < 0 || tail.getUint32(locator, true) !== 0x07064b50) return end;
    return readEnd64(source, from + locator, uint64(tail, locator + 8), end, signal);
  }
  throw new Refusal('truncated or not a zip archive: it has no end record');
}

async function readEnd64(
  source: ByteSource,
  locator: number,
  at: number,
  end: End,
  signal: AbortSignal | undefined,
): Promise<End> {
  if (at + END64_BYTES > locator) throw new Refusal(`the zip64 end record is said to lie at byte ${at}`);
  const view = viewOf(await source.read(at, at + END64_BYTES, signal));
  if (view.getUint32(0, true) !== 0x06064b50) throw new Refusal('the zip64 end record is missing');
  const found: End = { count: uint64(view, 32), bytes: uint64(view, 40), offset: uint64(view, 48), at };
  // The shorter record repeats what fits into it.
  const agrees = (short: number, long: number, none: number) => short === none || short === long;
  if (
    !agrees(end.count, found.count, 0xffff) ||
    !agrees(end.bytes, found.bytes, 0xffffffff) ||
    !agrees(end.offset, found.offset, 0xffffffff)
  ) {
    throw new Refusal('the two end records of the zip disagree');
  }
  return found;
}

function readEntry(view: DataView, at: number): { member: Omit<ZipMember, 'next'>; bytes: number } {
  if (at + ENTRY_BYTES > view.byteLength || view.getUint32(at, true) !== 0x02014b50)
    throw new Refusal('the zip’s directory has fewer entries than it says');
  const lengths = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
  const [nameLength = 0, extraLength = 0] = lengths;
  const bytes = ENTRY_BYTES + lengths.reduce((a, b) => a + b, 0);
  if (at + bytes > view.byteLength) throw new Refusal('the zip’s directory is truncated');
  let name: string;
  try {
    const encoded = new Uint8Array(view.buffer, view.byteOffset + at + ENTRY_BYTES, nameLength);
    name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(encoded);
  } catch (cause) {
    throw new Refusal('a name in the zip’s directory is not UTF-8', { cause });
  }
  const method = view.getUint16(at + 10, true);
  const problem =
    view.getUint16(at + 8, true) & ENCRYPTED ? 'encrypted' : method !== 0 ? `compressed (method ${method})` : undefined;
  const sizes = {
    packed: view.getUint32(at + 20, true),
    bytes: view.getUint32(at + 24, true),
    header: view.getUint32(at + 42, true),
  };
  const long = { ...sizes, ...zip64(view, at + ENTRY_BYTES + nameLength, extraLength, sizes, name) };
  if (problem === undefined && long.packed !== long.bytes)
    throw new Refusal(`zip member ${name} is stored, and has two sizes: ${long.packed} and ${long.bytes} bytes`);
  // What lies in the file are the packed bytes.
  const member = { name, bytes: long.packed, crc: view.getUint32(at + 16, true), header: long.header };
  return { member: problem === undefined ? member : { ...member, problem }, bytes };
}

/** Sizes that stand in the zip64 field: those that are all ones in the entry, in this order. */
function zip64(
  view: DataView,
  from: number,
  length: number,
  sizes: { packed: number; bytes: number; header: number },
  name: string,
): { packed?: number; bytes?: number; header?: number } {
  const missing = (['bytes', 'packed', 'header'] as const).filter((field) => sizes[field] === 0xffffffff);
  if (missing.length === 0) return {};
  let at = from;
  const end = from + length;
  while (at + 4 <= end) {
    const [id, size] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    if (id === 1) {
      if (size < 8 * missing.length || at + 4 + size > end) break;
      return Object.fromEntries(missing.map((field, i) => [field, uint64(view, at + 4 + 8 * i)]));
    }
    at += 4 + size;
  }
  throw new Refusal(`zip member ${name} has no zip64 sizes where it needs them`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function uint64(view: DataView, at: number): number {
  const value = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  if (!Number.isSafeInteger(value)) throw new Refusal('a size in the zip is beyond 2^53');
  return value;
}
