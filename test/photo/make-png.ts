// PNG files made to order, whole or broken on purpose.

import { crc32, deflateSync } from 'node:zlib';

/** What `pngOf` is to make; absent means 8 x 8 RGB, 8 bits, black. */
export interface PngOrder {
  readonly width?: number;
  readonly height?: number;
  readonly bitDepth?: number;
  readonly colourType?: number;
  readonly interlaced?: boolean;
  readonly palette?: Uint8Array;
  readonly transparency?: Uint8Array;
  /** Compressed data of one IDAT chunk each. */
  readonly data?: Uint8Array | readonly Uint8Array[];
  /** Chunks in another order than the usual one, or others. */
  readonly chunks?: readonly (string | readonly [string, Uint8Array])[];
}

/** The bytes of a PNG; all checksums are right. */
export function pngOf(order: PngOrder): Uint8Array {
  const { width = 8, height = 8, bitDepth = 8, colourType = 2, interlaced = false, palette, transparency } = order;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bitDepth, colourType, 0, 0, interlaced ? 1 : 0], 8);
  const data = order.data ?? deflateSync(new Uint8Array((width * 3 + 1) * height));
  const parts = data instanceof Uint8Array ? [data] : data;
  const usual: (string | readonly [string, Uint8Array])[] = ['IHDR'];
  if (palette !== undefined) usual.push(['PLTE', palette]);
  if (transparency !== undefined) usual.push(['tRNS', transparency]);
  usual.push(...parts.map((part) => ['IDAT', part] as const), 'IEND');
  const contents: Record<string, Uint8Array> = {
    IHDR: header,
    IDAT: parts[0] ?? new Uint8Array(),
    IEND: new Uint8Array(),
  };
  const chunks = (order.chunks ?? usual).map((entry) =>
    typeof entry === 'string' ? chunk(entry, contents[entry] ?? new Uint8Array()) : chunk(entry[0], entry[1]),
  );
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks]);
}

function chunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
