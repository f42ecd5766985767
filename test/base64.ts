// Binary values between Node and the page travel as base64 in JSON.

/** Bytes of any typed array as base64. */
export function toBase64(data: ArrayBufferView): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let text = '';
  // 32 KiB at a time: the spread would overflow the stack for a whole tensor.
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** The bytes of a base64 text, in a buffer of their own. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Float32 values of a base64 text. */
export function floatsFromBase64(text: string): Float32Array<ArrayBuffer> {
  return new Float32Array(fromBase64(text).buffer);
}
