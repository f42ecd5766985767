// A photo from standard input.

import { SegEveryError } from '../src/runtime/errors.ts';

const LIMIT = 2 ** 30;

/** All bytes of standard input. @throws code `image-limit` for more than 1 GiB */
export async function readStdin(): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > LIMIT) throw new SegEveryError('image-limit', `standard input has more than ${LIMIT} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
