// A loopback HTTP server between the command and its browser page. It serves exactly the entries that were registered, under a random token,
// and receives results at registered sinks; it never maps a request onto the file system.

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { SegEveryError } from '../../src/runtime/errors.ts';

/** What a name stands for: bytes in memory, or a file that was named by the user on the command line. */
export type Entry = { readonly type: string } & ({ readonly bytes: Uint8Array } | { readonly file: string });

/** A server on 127.0.0.1 with a free port; every address it answers begins with its token. */
export interface LocalServer {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** Serves `entry` under `name` (slashes allowed) and returns its address. */
  add(name: string, entry: Entry): string;
  /** Accepts POSTs of at most `limit` bytes at `name` and returns the address. */
  sink(name: string, limit: number, receive: (body: Uint8Array) => void | Promise<void>): string;
  /** Stops serving `name`. */
  remove(name: string): void;
  close(): Promise<void>;
}

interface Sink {
  readonly limit: number;
  readonly receive: (body: Uint8Array) => void | Promise<void>;
}

/** First and last byte (inclusive) of a `Range` header, undefined for the whole, `invalid` for one that cannot be met. */
export function parseRange(
  header: string | undefined,
  size: number,
): { first: number; last: number } | undefined | 'invalid' {
  if (header === undefined) return undefined;
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  const [from, to] = [match?.[1] ?? '', match?.[2] ?? ''];
  if (from === '' && to === '') return 'invalid';
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(size - 1, Number(to));
  return first <= last && first < size ? { first, last } : 'invalid';
}

async function respond(entry: Entry, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const size = 'bytes' in entry ? entry.bytes.byteLength : (await stat(entry.file)).size;
  const range = parseRange(request.headers.range, size);
  response.setHeader('Content-Type', entry.type);
  response.setHeader('Accept-Ranges', 'bytes');
  if (range === 'invalid') {
    response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end();
    return;
  }
  const { first, last } = range ?? { first: 0, last: size - 1 };
  response.setHeader('Content-Length', last - first + 1);
  if (range) response.setHeader('Content-Range', `bytes ${first}-${last}/${size}`);
  response.writeHead(range ? 206 : 200);
  if (request.method === 'HEAD' || size === 0) response.end();
  else if ('bytes' in entry) response.end(entry.bytes.subarray(first, last + 1));
  else
    createReadStream(entry.file, { start: first, end: last })
      .on('error', () => response.destroy())
      .pipe(response);
}

async function receive(sink: Sink, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > sink.limit) {
      response.writeHead(413, { Connection: 'close' }).end();
      return;
    }
    chunks.push(chunk);
  }
  await sink.receive(Buffer.concat(chunks));
  response.writeHead(204).end();
}

/** Starts a server; rejects with code `io` when the loopback interface cannot be bound. */
export async function startServer(): Promise<LocalServer> {
  const token = randomBytes(24).toString('base64url');
  const entries = new Map<string, Entry>();
  const sinks = new Map<string, Sink>();

  const server = createServer((request, response) => {
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
    response.setHeader('Referrer-Policy', 'no-referrer');
    handle(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // The Host check stops a page of another site that has pointed its own name at 127.0.0.1.
    if (request.headers.host !== host) return void response.writeHead(421).end();
    const [given = '', ...rest] = (request.url ?? '').replace(/\?.*$/s, '').slice(1).split('/');
    if (!sameToken(given, token)) return void response.writeHead(404).end();
    const name = rest.join('/');
    if (request.method === 'POST') {
      const sink = sinks.get(name);
      return sink ? receive(sink, request, response) : void response.writeHead(404).end();
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405).end();
    const entry = entries.get(name);
    return entry ? respond(entry, request, response) : void response.writeHead(404).end();
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new SegEveryError('io', `cannot listen on 127.0.0.1: ${cause.message}`, { cause })),
    );
    server.listen(0, '127.0.0.1', resolve);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const origin = `http://${host}`;
  const address = (name: string) => `${origin}/${token}/${name}`;

  return {
    origin,
    add(name, entry) {
      entries.set(name, entry);
      return address(name);
    },
    sink(name, limit, receiver) {
      sinks.set(name, { limit, receive: receiver });
      return address(name);
    },
    remove(name) {
      entries.delete(name);
      sinks.delete(name);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function sameToken(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}
