// A lost device is made anew by the next call that can go on without the photos that were on it.
import { expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';

interface Outcome {
  readonly masks: readonly string[];
  readonly codes: Readonly<Record<string, string>>;
  readonly stillOld: string;
  readonly generations: readonly number[];
  readonly disposed: string;
}

// Three devices compile all pipelines, each anew: minutes on a slow software adapter.
const TIMEOUT_MS = 900_000;

for (const host of hosts) {
  test(`a model outlives its device on ${host}`, { timeout: TIMEOUT_MS }, async () => {
    const r = await onHost<Outcome>(host, 'model/lost-device:run');
    expect(r.codes).toEqual({
      lost: 'device-lost',
      old: 'device-lost',
      save: 'device-lost',
      middle: 'device-lost',
    });
    expect(r.stillOld).toBe('device-lost');
    expect(r.generations).toEqual([1, 2]);
    expect(r.masks).toHaveLength(4);
    expect(r.masks[0]?.length).toBeGreaterThan(4);
    expect(new Set(r.masks).size).toBe(1);
    expect(r.disposed).toBe('disposed');
  });
}
