// Context blocks and refined maps of the default model's encoder against PyTorch, which lite-encoder-fixture.py ran in double precision.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { SelfTestStage } from '../../src/self-test/compare.ts';
import { hosts, onHost } from '../browser.ts';

const fixture = JSON.parse(await readFile(new URL('lite-encoder-fixture.json', import.meta.url), 'utf8'));

describe.each(hosts)('%s: the default encoder', (host) => {
  it('computes what PyTorch does, stage by stage', async () => {
    const { stages } = (await onHost(host, 'model/lite-encoder:run', fixture)) as { stages: SelfTestStage[] };
    expect(stages.map(({ stage }) => stage)).toEqual(['embedding', 'fine8', 'fine4', 'F16', 'F32']);
    for (const { stage, error, tolerance } of stages) expect(error, stage).toBeLessThan(tolerance);
  });
});
