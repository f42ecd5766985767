// The loopback server gives out what was registered under its token, and nothing else.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalServer, parseRange, startServer } from '../../cli/host/server.ts';

let server: LocalServer;
let folder: string;
let address: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'segevery-server-'));
  await writeFile(join(folder, 'photo.bin'), 'abcdefghij');
  await writeFile(join(folder, 'secret'), 'secret');
  server = await startServer();
  address = server.add('page.html', { type: 'text/html', bytes: new TextEncoder().encode('<p>hello') });
  file = server.add('photo', { type: 'application/octet-stream', file: join(folder, 'photo.bin') });
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** A request whose path and headers are sent as they are, which fetch does not do. */
function raw(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.origin);
    request({ hostname, port, path, headers, method }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

test('serves bytes and files on loopback with their type', async () => {
  expect(server.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const response = await fetch(address);
  expect(response.headers.get('content-type')).toBe('text/html');
  expect(await response.text()).toBe('<p>hello');
  expect(await (await fetch(file)).text()).toBe('abcdefghij');
});

test('serves ranges as HTTP defines them', async () => {
  const get = async (range: string) => {
    const response = await fetch(file, { headers: { range } });
    return [response.status, await response.text(), response.headers.get('content-range')];
  };
  expect(await get('bytes=2-4')).toEqual([206, 'cde', 'bytes 2-4/10']);
  expect(await get('bytes=7-')).toEqual([206, 'hij', 'bytes 7-9/10']);
  expect(await get('bytes=-3')).toEqual([206, 'hij', 'bytes 7-9/10']);
  expect(await get('bytes=8-99')).toEqual([206, 'ij', 'bytes 8-9/10']);
  expect(await get('bytes=10-')).toEqual([416, '', 'bytes */10']);
  expect(await get('bytes=5-2')).toEqual([416, '', 'bytes */10']);
  expect(parseRange('bytes=a-b', 10)).toBe('invalid');
  expect(parseRange('bytes=-0', 10)).toBe('invalid');
  expect(parseRange('bytes=0-', 0)).toBe('invalid');
  expect(parseRange(undefined, 0)).toBeUndefined();
});

test('an answer needs the token', async () => {
  const token = new URL(address).pathname.split('/')[1] ?? '';
  expect(token.length).toBeGreaterThanOrEqual(32);
  expect(await raw('/page.html')).toBe(404);
  expect(await raw(`/${'x'.repeat(token.length)}/page.html`)).toBe(404);
  expect(await raw(`/${token.slice(0, -1)}/page.html`)).toBe(404);
  expect(await raw('/')).toBe(404);
  const again = await startServer();
  expect(new URL(again.add('page.html', { type: 'text/html', bytes: new Uint8Array() })).pathname).not.toBe(
    new URL(address).pathname,
  );
  await again.close();
});

test('no path reaches a file that was not registered', async () => {
  const prefix = new URL(address).pathname.replace('page.html', '');
  for (const path of [
    'secret',
    'photo/../secret',
    '../secret',
    '..%2fsecret',
    '%2e%2e/secret',
    '/etc/passwd',
    join(folder, 'secret'),
  ])
    expect(await raw(prefix + path), path).toBe(404);
  expect(await raw(`${prefix}photo`)).toBe(200);
});

test('another Host is refused, so a name pointed at 127.0.0.1 gets nothing', async () => {
  const { pathname, port } = new URL(address);
  expect(await raw(pathname, { host: `evil.example:${port}` })).toBe(421);
  expect(await raw(pathname, { host: `localhost:${port}` })).toBe(421);
});

test('other methods are refused', async () => {
  const { pathname } = new URL(address);
  expect(await raw(pathname, {}, 'PUT')).toBe(405);
  expect(await raw(pathname, {}, 'DELETE')).toBe(405);
  expect(await raw(pathname, {}, 'HEAD')).toBe(200);
  expect(await raw(pathname, {}, 'POST')).toBe(404);
});

test('a sink takes bodies up to its limit', async () => {
  const received: string[] = [];
  const sink = server.sink('result', 8, (body) => void received.push(new TextDecoder().decode(body)));
  expect((await fetch(sink, { method: 'POST', body: '12345678' })).status).toBe(204);
  const tooLong = await fetch(sink, { method: 'POST', body: '123456789' }).then(
    (response) => response.status,
    () => 413, // the connection may close before the answer is read
  );
  expect(tooLong).toBe(413);
  expect(received).toEqual(['12345678']);
  server.remove('result');
  expect((await fetch(sink, { method: 'POST', body: '1' })).status).toBe(404);
});

test('a registered file that is gone is an error of the server, not a hang', async () => {
  const gone = server.add('gone', { type: 'text/plain', file: join(folder, 'gone') });
  expect((await fetch(gone)).status).toBe(500);
});
