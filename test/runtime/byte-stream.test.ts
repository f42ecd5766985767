// Weight files behind an address: what is asked for, and what is said of answers that are none.
import { createHash } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { urlStream } from '../../src/runtime/byte-stream.ts';
import { type TensorData, writeSafetensors } from '../../src/runtime/safetensors.ts';
import { TensorStream } from '../../src/runtime/tensor-stream.ts';

/** Numbers, all different for a while. */
const numbers = (length: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, (_, i) => ((i * 7) % 2000) / 16 - 60);

describe('an address', () => {
  const big = writeSafetensors(
    new Map<string, TensorData>([['c', { dtype: 'F32', shape: [2_500_000], data: numbers(2_500_000) }]]),
  );
  let server: Server;
  let address = '';
  const asked: string[] = [];
  const answers: Record<string, (response: ServerResponse, end: number) => void> = {
    '/ranges': (response, end) => {
      const stop = Math.min(end + 1, big.length);
      if (Number.isNaN(end)) return void response.writeHead(200, { 'content-length': big.length }).end(big);
      response.writeHead(206, { 'content-range': `bytes 0-${stop - 1}/${big.length}` }).end(big.subarray(0, stop));
    },
    '/whole': (response) => response.writeHead(200, { 'content-length': big.length }).end(big),
    '/unsized': (response) => response.writeHead(200).end(big),
    '/page': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>'),
    '/missing': (response) => response.writeHead(404).end('no'),
    '/empty': (response) => response.writeHead(416).end(),
    '/short': (response) => {
      response.writeHead(200, { 'content-length': big.length });
      response.write(big.subarray(0, 1000), () => response.destroy());
    },
    '/lies': (response) => response.writeHead(206).end(big.subarray(0, 10)),
    '/hangs': () => {},
  };

  beforeAll(async () => {
    server = createServer((request, response) => {
      const { range } = request.headers;
      asked.push(range ?? 'all');
      answers[request.url ?? '']?.(response, Number(/^bytes=0-(\d+)$/.exec(range ?? '')?.[1]));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bound = server.address();
    if (bound && typeof bound === 'object') address = `http://127.0.0.1:${bound.port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it.each(['/ranges', '/whole', '/unsized'])('%s is read: its first bytes, then all of it once', async (path) => {
    asked.length = 0;
    const progress: number[] = [];
    const stream = await TensorStream.open(urlStream(address + path), { onRead: (bytes) => progress.push(bytes) });
    expect(progress).toEqual([]);
    const got = await stream.read('c');
    expect(Buffer.from(got.buffer).equals(Buffer.from(numbers(2_500_000).buffer))).toBe(true);
    expect(asked).toEqual(['bytes=0-262143', 'all']);
    expect(progress.at(-1)).toBe(big.length);
    expect(stream.sha256).toBe(createHash('sha256').update(big).digest('hex'));
  });

  it.each([
    ['/page', 'weights', 'HTML page'],
    ['/missing', 'io', '404'],
    ['/empty', 'io', '416'],
    ['/short', 'io', 'broke off'],
    ['/lies', 'io', 'Content-Range'],
  ])('%s: what is wrong is said', async (path, code, text) => {
    const read = async () => (await TensorStream.open(urlStream(address + path))).read('c');
    await expect(read()).rejects.toMatchObject({ code, message: expect.stringMatching(`${path}.*${text}`) });
  });

  it('that nobody answers', async () => {
    await expect(TensorStream.open(urlStream('http://127.0.0.1:9/model'))).rejects.toMatchObject({ code: 'io' });
  });

  it('stops by AbortSignal', async () => {
    const controller = new AbortController();
    const waiting = TensorStream.open(urlStream(`${address}/hangs`), {}, controller.signal);
    setTimeout(() => controller.abort(), 20);
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  });
});
