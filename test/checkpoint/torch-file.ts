// A state dict of float32 tensors as torch.save writes one: an archive of a pickle and a member a storage. What is around the numbers is
// given apart from them, so that files of any size can be made in a page, on disk with holes, or nowhere at all.
import { record } from './zip-records.ts';

export interface SavedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** CRC-32 of its bytes. */
  readonly crc: number;
}

export interface TorchLayout {
  readonly size: number;
  /** All bytes but the tensors'. */
  readonly pieces: readonly { readonly at: number; readonly bytes: Uint8Array<ArrayBuffer> }[];
  /** Offset of each tensor's bytes, in the order given. */
  readonly data: readonly number[];
}

const latin1 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text, (c) => c.charCodeAt(0));

export const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

export function torchLayout(tensors: readonly SavedTensor[], crc32: (bytes: Uint8Array) => number): TorchLayout {
  const pickle = latin1(pickled(tensors));
  const members = [
    { name: 'archive/data.pkl', size: pickle.length, crc: crc32(pickle), bytes: pickle },
    ...tensors.map(({ shape, crc }, i) => ({
      name: `archive/data/${i}`,
      size: 4 * elements(shape),
      crc,
      bytes: undefined,
    })),
  ];
  const pieces: { at: number; bytes: Uint8Array<ArrayBuffer> }[] = [];
  const data: number[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  const add = (bytes: Uint8Array<ArrayBuffer>): void => {
    pieces.push({ at, bytes });
    at += bytes.length;
  };
  for (const { name, size, crc, bytes } of members) {
    const encoded = latin1(name);
    directory.push(
      record(46, 0x02014b50, [
        [16, 4, crc],
        [20, 4, size],
        [24, 4, size],
        [28, 2, encoded.length],
        [42, 4, at],
      ]),
      encoded,
    );
    add(
      record(30, 0x04034b50, [
        [14, 4, crc],
        [18, 4, size],
        [22, 4, size],
        [26, 2, encoded.length],
      ]),
    );
    add(encoded);
    if (bytes !== undefined) add(bytes);
    else {
      data.push(at);
      at += size;
    }
  }
  const begin = at;
  for (const bytes of directory) add(bytes);
  add(
    record(22, 0x06054b50, [
      [8, 2, members.length],
      [10, 2, members.length],
      [12, 4, at - begin],
      [16, 4, begin],
    ]),
  );
  return { size: at, pieces, data };
}

/** Protocol 2: an empty dict, then all entries. */
function pickled(tensors: readonly SavedTensor[]): string {
  const entries = tensors.map(({ name, shape }, i) => {
    const strides = shape.map((_, axis) => elements(shape.slice(axis + 1)));
    const storage = `(${text('storage')}ctorch\nFloatStorage\n${text(String(i))}${text('cpu')}${int(elements(shape))}tQ`;
    return `${text(name)}ctorch._utils\n_rebuild_tensor_v2\n(${storage}K\x00${tuple(shape)}${tuple(strides)}\x89ccollections\nOrderedDict\n)RtR`;
  });
  return `\x80\x02}(${entries.join('')}u.`;
}

const uint32 = (value: number): string =>
  String.fromCharCode(...[0, 8, 16, 24].map((shift) => (value >>> shift) & 255));
const text = (value: string): string => `X${uint32(value.length)}${value}`;
const int = (value: number): string => `J${uint32(value)}`;
const tuple = (values: readonly number[]): string => `(${values.map(int).join('')}t`;

/** A file in memory. */
export function torchFile(
  tensors: readonly { readonly name: string; readonly shape: readonly number[]; readonly values: Float32Array }[],
  crc32: (bytes: Uint8Array) => number,
): Uint8Array<ArrayBuffer> {
  const bytes = tensors.map(({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  const saved = tensors.map(({ name, shape }, i) => ({ name, shape, crc: crc32(bytes[i] ?? new Uint8Array()) }));
  const { size, pieces, data } = torchLayout(saved, crc32);
  const file = new Uint8Array(size);
  for (const piece of pieces) file.set(piece.bytes, piece.at);
  for (const [i, at] of data.entries()) file.set(bytes[i] ?? new Uint8Array(), at);
  return file;
}
