// A loopback server for the demo and the minimal page: static files of a few folders, and nothing else of this machine.
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, sep } from 'node:path';
import { parseRange } from '../cli/host/server.ts';

const ROOT = join(import.meta.dirname, '..');

/** Folders of the repository by where they appear; the first that begins an address counts. */
const FOLDERS: readonly (readonly [prefix: string, folder: string])[] = [
  ['/examples/minimal/', 'examples/minimal'],
  ['/examples/photos/', 'examples/photos'],
  ['/dist/', 'dist'],
  ['/', 'examples/demo/dist'],
];

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.jpg': 'image/jpeg',
  '.safetensors': 'application/octet-stream',
};

export interface StaticServer {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
  close(): Promise<void>;
}

/** Another answer for some addresses, for tests of what fails: the file's bytes changed, or null for a 404. */
export type Tamper = (path: string, bytes: Buffer<ArrayBuffer>) => Uint8Array | null;

/** @param port a free one unless given */
export async function serve(port = 0, tamper?: Tamper): Promise<StaticServer> {
  const server = createServer((request, response) => {
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Cache-Control', 'no-cache');
    const path = decode(request.url ?? '/');
    // The Host check stops a page of another site that has pointed its own name at 127.0.0.1.
    if (request.headers.host !== `127.0.0.1:${port}`) return void response.writeHead(421).end();
    if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405).end();
    const file = path && fileOf(path);
    if (!file) return void response.writeHead(404).end();
    respond(response, file, request.headers.range, path, tamper).catch(() => {
      if (!response.headersSent) response.writeHead(404);
      response.end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  port = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The path of an address, with index.html where it names a folder; undefined for one that is not well-formed. */
function decode(url: string): string | undefined {
  try {
    const path = decodeURIComponent(url.replace(/[?#].*$/s, ''));
    return path.endsWith('/') ? `${path}index.html` : path;
  } catch {
    return undefined;
  }
}

/** The file behind a path, inside its folder and not hidden. */
function fileOf(path: string): string | undefined {
  for (const [prefix, folder] of FOLDERS) {
    if (!path.startsWith(prefix)) continue;
    const file = normalize(join(ROOT, folder, path.slice(prefix.length)));
    const inside = file.startsWith(join(ROOT, folder) + sep) && !/[/\\]\./.test(file.slice(ROOT.length));
    return inside && !file.includes('\0') ? file : undefined;
  }
  return undefined;
}

async function respond(
  response: ServerResponse,
  file: string,
  wanted: string | undefined,
  path: string,
  tamper: Tamper | undefined,
): Promise<void> {
  const bytes = tamper?.(path, await readFile(file));
  if (bytes === null) return void response.writeHead(404).end();
  const size = bytes?.length ?? (await stat(file)).size;
  const range = parseRange(wanted, size);
  response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
  response.setHeader('Accept-Ranges', 'bytes');
  // The page has a policy of its own; a worker has that of its script's answer.
  if (extname(file) === '.js') response.setHeader('Content-Security-Policy', "default-src 'self'");
  if (range === 'invalid') return void response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end();
  const { first, last } = range ?? { first: 0, last: size - 1 };
  if (range) response.setHeader('Content-Range', `bytes ${first}-${last}/${size}`);
  response.writeHead(range ? 206 : 200, { 'Content-Length': last - first + 1 });
  if (bytes) response.end(bytes.subarray(first, last + 1));
  else if (size === 0) response.end();
  else createReadStream(file, { start: first, end: last }).pipe(response);
}
