// CRC-32 of ISO 3309 over pieces, eight bytes a step (Kounavis and Berry 2005, "slicing by 8"): storages are large, and the
// byte-wise form of src/photo would take longer than reading them.

/** TABLES[k * 256 + b]: the CRC of byte b followed by k zero bytes. */
const TABLES = (() => {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    tables[byte] = value;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256] as number;
    tables[i] = (before >>> 8) ^ (tables[before & 0xff] as number);
  }
  return tables;
})();

/**
 * CRC-32 of what came before, with `bytes` behind it.
 *
 * @param crc the CRC so far; 0 for nothing
 * @returns an unsigned number
 */
export function crc32(bytes: Uint8Array, crc = 0): number {
  const t = TABLES;
  let c = ~crc;
  let i = 0;
  const head = Math.min(bytes.length, -bytes.byteOffset & 3);
  for (; i < head; i++) c = (t[(c ^ (bytes[i] as number)) & 0xff] as number) ^ (c >>> 8);
  // Few bytes may not reach an aligned word; there are no words then. Little-endian, as on every host of WebGPU.
  const words = new Int32Array(bytes.buffer, (bytes.byteOffset + i) & ~3, ((bytes.length - i) >> 3) * 2);
  for (let w = 0; w < words.length; w += 2) {
    const a = c ^ (words[w] as number);
    const b = words[w + 1] as number;
    c =
      (t[1792 + (a & 0xff)] as number) ^
      (t[1536 + ((a >>> 8) & 0xff)] as number) ^
      (t[1280 + ((a >>> 16) & 0xff)] as number) ^
      (t[1024 + (a >>> 24)] as number) ^
      (t[768 + (b & 0xff)] as number) ^
      (t[512 + ((b >>> 8) & 0xff)] as number) ^
      (t[256 + ((b >>> 16) & 0xff)] as number) ^
      (t[b >>> 24] as number);
  }
  for (i += words.length * 4; i < bytes.length; i++) c = (t[(c ^ (bytes[i] as number)) & 0xff] as number) ^ (c >>> 8);
  return ~c >>> 0;
}
