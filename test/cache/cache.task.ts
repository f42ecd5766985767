// The cache of models in a real page, with the browser's own storage.
import { filesOf, ModelCache } from '../../src/cache/index.ts';
import { convertCheckpoints, HandleFolder } from '../../src/checkpoint/index.ts';
import { openModel } from '../../src/model/load.ts';
import { SegEveryError } from '../../src/runtime/errors.ts';
import type { Tasks } from '../tasks.ts';

const NAME = 'segevery-test';
const URL_OF = new URL('/files/weights/', globalThis.location?.href ?? 'http://localhost');

async function fresh(options: { storage?: CacheStorage } = {}) {
  await caches.delete(NAME);
  const asked: string[] = [];
  const cache = await ModelCache.open({
    name: NAME,
    ...options,
    fetch: (input, init) => {
      asked.push(String(input).replace(/^.*\//, ''));
      return fetch(input, init);
    },
  });
  return { cache, asked };
}

async function failure(body: Promise<unknown>): Promise<string> {
  return body.then(
    () => 'no error',
    (error: unknown) =>
      error instanceof SegEveryError ? `${error.code}: ${error.message}` : `not ours: ${String(error)}`,
  );
}

const keys = async () => (await (await caches.open(NAME)).keys()).map(({ url }) => url);

const tasks: Tasks = {
  /** Fetched once, opened by the library, damaged and fetched again, read without a network, deleted. */
  async keeps() {
    const { cache, asked } = await fresh();
    const steps: number[] = [];
    const files = await cache.load(URL_OF, { onProgress: ({ loaded, total }) => steps.push(loaded / total) });
    const first = asked.splice(0);
    const opened = await openModel(files);
    await cache.load(URL_OF);
    const second = asked.splice(0);
    const part = (await keys()).find((url) => url.includes('/part/')) ?? '';
    const store = await caches.open(NAME);
    const bytes = new Uint8Array((await (await store.match(part))?.arrayBuffer()) ?? new ArrayBuffer(0));
    bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 1;
    await store.put(part, new Response(bytes));
    const damaged = (await cache.get(`${URL_OF}model.json`)) === undefined;
    const repaired = Object.keys(await cache.load(URL_OF)).length;
    const third = asked.splice(0);
    const offline = await ModelCache.open({ name: NAME, fetch: () => Promise.reject(new TypeError('offline')) });
    const kept = Object.keys(await offline.load(URL_OF)).sort();
    const unknown = await failure(offline.load('https://example.invalid/other/'));
    const listed = await cache.list();
    // The same folder under a name of the user's shares its parts.
    await cache.store('mine', files);
    const shared = (await keys()).length;
    await cache.delete(`${URL_OF}model.json`);
    const stillThere = (await cache.get('mine')) !== undefined;
    await cache.delete('mine');
    return {
      parts: Object.keys(opened.parts).sort(),
      monotonous: steps.every((step, i) => step >= (steps[i - 1] ?? 0)) && steps.at(-1) === 1,
      asked: { first, second, third },
      damaged,
      repaired,
      kept,
      unknown,
      listed: listed.map(({ bytes: all, parts }) => [all, parts.length]),
      entries: { shared: shared - listed.length - 1, left: (await keys()).length },
      stillThere,
    };
  },

  /** A full disk at the second part, a wrong file, and a stop in the middle leave nothing. */
  async leavesNothing() {
    let puts = 0;
    const full: CacheStorage = Object.assign(Object.create(null) as CacheStorage, {
      open: async (name: string) => {
        const cache = await caches.open(name);
        const put = cache.put.bind(cache);
        return Object.assign(cache, {
          put: async (key: string, response: Response) => {
            if (++puts === 2) throw new DOMException('full', 'QuotaExceededError');
            return put(key, response);
          },
        });
      },
    });
    const quota = await failure((await fresh({ storage: full })).cache.load(URL_OF));
    const afterQuota = (await keys()).length;
    const { cache } = await fresh();
    const files = await cache.load(URL_OF);
    await cache.clear();
    const [name = ''] = Object.keys(files).filter((file) => file.endsWith('decoder.safetensors'));
    const wrong = await failure(cache.store('wrong', { ...files, [name]: new Blob([new Uint8Array(100)]) }));
    const long = await failure(
      cache.store('long', { ...files, [name]: new Blob([files[name] ?? '', new Uint8Array(1)]) }),
    );
    const missing = await failure(cache.store('missing', { 'model.json': files['model.json'] ?? new Blob() }));
    const stop = new AbortController();
    const stopped = await failure(cache.load(URL_OF, { signal: stop.signal, onProgress: () => stop.abort() }));
    return { quota, afterQuota, wrong, long, missing, stopped, left: (await keys()).length };
  },

  /** Converted into a folder of the page's own storage, and read back from it; a second time it is refused. */
  async folder({ fetchFile }) {
    const root = await navigator.storage.getDirectory();
    await root.removeEntry('segevery-test', { recursive: true }).catch(() => {});
    const directory = await root.getDirectoryHandle('segevery-test', { create: true });
    const file = new File([await fetchFile('test/golden/checkpoints/module.pt')], 'module.pt');
    await convertCheckpoints([file], new HandleFolder(directory));
    const files = await filesOf(directory);
    const opened = await openModel(files);
    const again = await failure(convertCheckpoints([file], new HandleFolder(directory)));
    const stop = new AbortController();
    const empty = await root.getDirectoryHandle('segevery-test-2', { create: true });
    const stopped = await failure(
      convertCheckpoints([file], new HandleFolder(empty), { signal: stop.signal, onProgress: () => stop.abort() }),
    );
    return {
      files: files.map(({ name }) => name).sort(),
      parts: Object.keys(opened.parts),
      again,
      after: (await filesOf(directory)).length,
      stopped,
      left: (await filesOf(empty)).length,
    };
  },
};

export default tasks;
