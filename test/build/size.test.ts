// What a page downloads before it can do anything: the library with all shaders, without weights (docs/decisions.md, "Bundle size").
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { expect, test } from 'vitest';

const LIMIT = 60_000;

test(`the library is at most ${LIMIT} bytes gzipped`, async () => {
  const root = join(import.meta.dirname, '../..');
  const result = await build({ root, mode: 'lib', logLevel: 'silent', build: { write: false } });
  const outputs = [result].flat().flatMap((it) => ('output' in it ? it.output : []));
  const chunks = new Map(outputs.flatMap((it) => (it.type === 'chunk' ? [[it.fileName, it] as const] : [])));
  // The entry and what it imports statically; the photo decoders come with the first photo.
  const needed = new Set<string>(['segevery.js']);
  for (const name of needed) for (const other of chunks.get(name)?.imports ?? []) needed.add(other);
  const size = (name: string) => gzipSync(chunks.get(name)?.code ?? '', { level: 9 }).length;
  const total = [...needed].reduce((sum, name) => sum + size(name), 0);
  const listing = [...chunks.keys()].map((name) => `${name} ${size(name)}${needed.has(name) ? '' : ' (on demand)'}`);
  console.log(`gzipped: ${listing.join(', ')}; at load ${total} of ${LIMIT}`);
  expect([...chunks.keys()]).toContain('photo.js');
  expect(total).toBeGreaterThan(20_000);
  expect(total).toBeLessThanOrEqual(LIMIT);
});
