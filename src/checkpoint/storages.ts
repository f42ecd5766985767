// Where the bytes of a torch file's storages lie, in both of its formats, and the object that refers to them.

import type { ByteSource } from '../runtime/byte-source.ts';
import { crc32 } from './crc32.ts';
import type { CheckpointLimits } from './limits.ts';
import { PickleCut, readPickle } from './pickle.ts';
import { LEGACY_MAGIC } from './sniff.ts';
import { Dict, DTYPE_BYTES, Global, kindOf, List, Refusal, StorageRef, Tuple, type Value } from './values.ts';
import { memberStart, readZip, type ZipMember } from './zip.ts';

/** The bytes of one storage in the file. */
export interface StoragePlace {
  readonly begin: number;
  readonly bytes: number;
  /** CRC-32 of the bytes, where the format has one. */
  readonly crc?: number;
}

/** A file's object and the storages of its tensors. */
export interface TorchFile {
  readonly root: Value;
  /** Bytes of a storage in the file; undefined where it has none of this key. */
  size(key: string): number | undefined;
  /** @throws Refusal */
  place(key: string, signal?: AbortSignal): Promise<StoragePlace>;
}

/** Storages by key: the same key must always be the same storage. */
class StorageTable {
  readonly refs = new Map<string, StorageRef>();

  /** What BINPERSID's tuple ("storage", class, key, location, number of elements) stands for. */
  readonly persistent = (id: Value): Value => {
    if (!(id instanceof Tuple)) throw new Refusal(`a persistent id is ${kindOf(id)}, not a tuple`);
    const [what, type, key, location, numel, view = null] = id.items;
    // The older format wraps a class to send its source along, of which nothing is used.
    if (what === 'module' && type instanceof Global && type.kind === 'record') return type;
    if (what !== 'storage' || !(type instanceof Global) || type.kind !== 'storage')
      throw new Refusal('a persistent id is not that of a storage');
    if (typeof key !== 'string' || !/^\w{1,40}$/.test(key)) throw new Refusal('a storage without a key');
    if (typeof location !== 'string') throw new Refusal(`storage ${key} has no location`);
    if (typeof numel !== 'number' || !Number.isSafeInteger(numel) || numel < 0)
      throw new Refusal(`storage ${key} has no number of elements`);
    if (view !== null) throw new Refusal(`storage ${key} is a view of another, as in very old files; save it again`);
    if (!Number.isSafeInteger(numel * (type.dtype === undefined ? 1 : DTYPE_BYTES[type.dtype])))
      throw new Refusal(`storage ${key} of ${numel} elements overflows`);
    const known = this.refs.get(key);
    if (known === undefined) {
      const ref = new StorageRef(key, type.dtype, numel);
      this.refs.set(key, ref);
      return ref;
    }
    if (known.dtype !== type.dtype || known.numel !== numel)
      throw new Refusal(`storage ${key} is described in two ways`);
    return known;
  };
}

/** @throws Refusal */
export async function openZipFile(
  source: ByteSource,
  limits: CheckpointLimits,
  signal?: AbortSignal,
): Promise<TorchFile> {
  const members = await readZip(source, limits, signal);
  const pickles = [...members.keys()].filter((name) => name === 'data.pkl' || name.endsWith('/data.pkl'));
  const [pickle] = pickles;
  if (pickle === undefined) throw new Refusal('the zip archive has no data.pkl: not a PyTorch checkpoint');
  if (pickles.length > 1) throw new Refusal('the zip archive has more than one data.pkl');
  const prefix = pickle.slice(0, -'data.pkl'.length);
  for (const name of members.keys()) {
    if (name === `${prefix}constants.pkl` || name.startsWith(`${prefix}code/`))
      throw new Refusal(
        'a TorchScript archive holds a program; the state dict is needed (torch.save(model.state_dict()))',
      );
  }
  for (const { name, problem } of members.values()) {
    if (problem !== undefined)
      throw new Refusal(`zip member ${name} is ${problem}; torch stores its members as they are`);
  }
  const order = members.get(`${prefix}byteorder`);
  if (order !== undefined) {
    const text = String.fromCharCode(...(await readMember(source, order, 16, signal)));
    if (text.trim() !== 'little') throw new Refusal(`its byte order is "${text}", and only little is read`);
  }
  const member = members.get(pickle) as ZipMember;
  const table = new StorageTable();
  const bytes = await readMember(source, member, limits.pickleBytes, signal);
  const { value } = readPickle(bytes, 0, { limits, persistent: table.persistent });
  const places = new Map<string, Promise<StoragePlace>>();
  return {
    root: value,
    size: (key) => members.get(`${prefix}data/${key}`)?.bytes,
    place(key) {
      const found = members.get(`${prefix}data/${key}`);
      if (found === undefined) return Promise.reject(new Refusal(`storage ${key} is missing`));
      // Without the caller's signal: the answer is kept for others.
      const place =
        places.get(key) ?? memberStart(source, found).then((begin) => ({ begin, bytes: found.bytes, crc: found.crc }));
      places.set(key, place);
      return place;
    },
  };
}

async function readMember(
  source: ByteSource,
  member: ZipMember,
  limit: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (member.bytes > limit)
    throw new Refusal(`zip member ${member.name} has ${member.bytes} bytes, more than ${limit}`);
  const start = await memberStart(source, member, signal);
  const bytes = await source.read(start, start + member.bytes, signal);
  if (crc32(bytes) !== member.crc) throw new Refusal(`zip member ${member.name} is damaged: its CRC does not match`);
  return bytes;
}

const FIRST_READ = 2 ** 20;

/**
 * Torch's format before 1.6: pickles of a magic number, a version, the machine's sizes, the object, and the storages' keys; then each
 * storage with its number of elements before it.
 *
 * @throws Refusal
 */
export async function openLegacyFile(
  source: ByteSource,
  limits: CheckpointLimits,
  signal?: AbortSignal,
): Promise<TorchFile> {
  let pickles: ReturnType<typeof readLegacyPickles> | undefined;
  // Nothing says how long the pickles are: read twice as much until they fit.
  for (let bytes = FIRST_READ; pickles === undefined; bytes *= 2) {
    const end = Math.min(source.size, limits.pickleBytes, bytes);
    try {
      pickles = readLegacyPickles(await source.read(0, end, signal), limits);
    } catch (error) {
      if (!(error instanceof PickleCut)) throw error;
      if (end === source.size) throw new Refusal('truncated: the file ends within its pickles', { cause: error });
      if (end === limits.pickleBytes)
        throw new Refusal(`its pickles have more than ${limits.pickleBytes} bytes`, { cause: error });
    }
  }
  const { root, keys, table, end } = pickles;
  const places = new Map<string, StoragePlace>();
  let at = end;
  for (const key of keys) {
    const ref = table.refs.get(key);
    if (ref === undefined) throw new Refusal(`storage ${key} is in the file, and no tensor is in it`);
    if (places.has(key)) throw new Refusal(`storage ${key} is in the file twice`);
    if (at + 8 > source.size) throw new Refusal(`truncated: the file ends before storage ${key}`);
    const head = await source.read(at, at + 8, signal);
    const view = new DataView(head.buffer, head.byteOffset, 8);
    const numel = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
    if (numel !== ref.numel)
      throw new Refusal(`storage ${key} has ${numel} elements, and the pickle says ${ref.numel}`);
    const place = { begin: at + 8, bytes: Math.min(ref.bytes, source.size - at - 8) };
    places.set(key, place);
    if (place.bytes < ref.bytes)
      throw new Refusal(`truncated: storage ${key} has ${place.bytes} of its ${ref.bytes} bytes`);
    at = place.begin + place.bytes;
  }
  if (at !== source.size) throw new Refusal(`${source.size - at} bytes follow the last storage`);
  return {
    root,
    size: (key) => places.get(key)?.bytes,
    place(key) {
      const place = places.get(key);
      return place === undefined ? Promise.reject(new Refusal(`storage ${key} is missing`)) : Promise.resolve(place);
    },
  };
}

function readLegacyPickles(
  bytes: Uint8Array,
  limits: CheckpointLimits,
): { root: Value; keys: string[]; table: StorageTable; end: number } {
  const plain = {
    limits,
    persistent: (): never => {
      throw new Refusal('a persistent id outside of the object');
    },
  };
  const version = readPickle(bytes, LEGACY_MAGIC.length + 1, plain);
  if (version.value !== 1001) throw new Refusal(`version ${String(version.value)} of torch's older format, not 1001`);
  const machine = readPickle(bytes, version.end, plain);
  if (!(machine.value instanceof Dict) || machine.value.get('little_endian') !== true)
    throw new Refusal('it was not written by a little-endian machine');
  const table = new StorageTable();
  const object = readPickle(bytes, machine.end, { limits, persistent: table.persistent });
  const keys = readPickle(bytes, object.end, plain);
  if (!(keys.value instanceof List)) throw new Refusal('the list of storages is missing');
  const names = keys.value.items.map((key) => {
    if (typeof key !== 'string') throw new Refusal('the list of storages holds something else than texts');
    return key;
  });
  return { root: object.value, keys: names, table, end: keys.end };
}
