// The records of a zip archive (PKWARE, APPNOTE.TXT, section 4.3), field by field.

/** Offset, bytes, value. */
export type Field = readonly [offset: number, width: 2 | 4, value: number];

export function record(bytes: number, signature: number, fields: readonly Field[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes);
  put(out, 0, 4, signature);
  for (const [offset, width, value] of fields) put(out, offset, width, value);
  return out;
}

export function put(bytes: Uint8Array, offset: number, width: 2 | 4, value: number): void {
  const view = new DataView(bytes.buffer);
  if (width === 2) view.setUint16(offset, value & 0xffff, true);
  else view.setUint32(offset, value >>> 0, true);
}
