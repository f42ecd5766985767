// What the host's adapter is, and that a compute shader runs on it.
import type { Tasks } from '../tasks.ts';

export default {
  async describe({ gpu }) {
    const adapter = await gpu.requestAdapter();
    if (!adapter) return null;
    const { vendor, architecture, description } = adapter.info;
    const limits: Record<string, number> = {};
    for (const name in adapter.limits) {
      const value: unknown = Reflect.get(adapter.limits, name);
      if (typeof value === 'number') limits[name] = value;
    }
    return { vendor, architecture, description, features: [...adapter.features].sort(), limits };
  },

  async echo({ fetchFile }, { path, text }: { path: string; text: string }) {
    return { text, file: new TextDecoder().decode(await fetchFile(path)) };
  },

  async fail() {
    const { SegEveryError } = await import('../../src/runtime/errors.ts');
    throw new SegEveryError('shape', 'a deliberate failure');
  },
} satisfies Tasks;
