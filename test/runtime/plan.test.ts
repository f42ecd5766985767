// Plans on a device: taps, bound tensors, the shared arena, split launches, refusals, disposal.
import { expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';

interface Failure {
  readonly code: string;
  readonly message: string;
}

for (const host of hosts) {
  test(`${host}: taps hold intermediate tensors whose slabs are written again later`, async () => {
    const { taps, arena } = await onHost<{ taps: Record<string, number[]>; arena: number }>(host, 'runtime/plan:taps');
    const expected: Record<string, number[]> = {};
    let values = [0, 1, 2];
    for (let i = 0; i < 6; i++) {
      expected[`before ${i}`] = values;
      values = values.map((v) => 2 * v + i);
    }
    expected.last = values;
    expect(taps).toEqual(expected);
    expect(arena).toBe(2 * 4 * 256);
  });

  test(`${host}: a plan runs on whatever tensors are bound`, async () => {
    const bound = await onHost<Record<'tooSmall' | 'unknown' | 'unknownTensor', Failure> & { results: number[] }>(
      host,
      'runtime/plan:bound',
    );
    expect(bound.results).toEqual([10, 20, 10]);
    expect(bound.tooSmall.code).toBe('shape');
    expect(bound.tooSmall.message).toContain('[1, 60] is too small for x [1, 64]');
    expect(bound.unknown.code).toBe('shape');
    expect(bound.unknownTensor.code).toBe('shape');
  });

  test.each([1, 2, 3])(`${host}: what is read as a texture is copied when it changed, batch %i of 3`, async (batch) => {
    const texels = await onHost<{
      results: Record<string, number>[];
      copies: [number, string, boolean][];
      bytes: { arena: number; weights: number; of: Record<string, number> };
      timed: boolean[] | null;
      refused: Failure;
      leaked: number;
    }>(host, 'runtime/plan:texels', { batch });
    expect(texels.results).toEqual(Array.from({ length: 3 }, () => ({ first: 0, again: 0, after: 0 })));
    expect(texels.copies).toEqual([
      [0, 'x', true],
      [1, 'bound', false],
      [3, 'x', true],
    ]);
    // Two rows of 4,096 texels; a weight of 16 texels has as many columns.
    const expected = { arena: 2 * 4096 * 16 + 256, weights: 256 };
    expect(texels.bytes).toMatchObject({ ...expected, of: expected });
    expect(texels.timed).toEqual(texels.timed && [true, true, true, true]);
    expect(texels.refused.code).toBe('limit');
    expect(texels.refused.message).toMatch(/100000 rows.*\d+/);
    expect(texels.leaked).toBe(0);
  });

  test(`${host}: two plans alternate on one arena as large as the larger`, async () => {
    const { last, arenas, needs } = await onHost<Record<string, number[]>>(host, 'runtime/plan:alternate');
    const [small, large] = [63 + 3 * 64, 4095 + 4 * 4096];
    expect(last).toEqual([small, large, small, large, large, small]);
    expect(arenas).toEqual(needs);
  });

  test(`${host}: a plan that is built during a run leaves that run's arena alone`, async () => {
    const result = await onHost<{ submits: number; y: number[]; grown: boolean }>(
      host,
      'runtime/plan:buildWhileRunning',
    );
    expect(result.submits).toBeGreaterThan(10);
    expect(result.y).toEqual([21, 22, 23]);
    expect(result.grown).toBe(true);
  });

  test.each([
    { groups: 1000, capacity: 1, batch: 1 },
    { groups: 1002, capacity: 6, batch: 4 },
    { groups: 70_001, capacity: 1, batch: 1 },
  ])(`${host}: launches in parts give what whole ones give: %o`, async (shape) => {
    const results = await onHost<{ parts: number; submits: number; wrong: number; beyond: number }[]>(
      host,
      'runtime/plan:parts',
      shape,
    );
    const [whole, split] = results;
    expect(whole).toEqual({ parts: 1, submits: 1, wrong: 0, beyond: 0 });
    expect(split?.parts).toBeGreaterThan(10);
    expect(split?.submits).toBeGreaterThan(1);
    expect(split).toMatchObject({ wrong: 0, beyond: 0 });
  });

  test(`${host}: what a device cannot do is refused by name and leaves nothing behind`, async () => {
    const r = await onHost<
      Record<'limit' | 'shader' | 'weights', Failure> & { bindingLimit: number; halved: null; left: number }
    >(host, 'runtime/plan:refusals');
    expect(r.bindingLimit).toBe(128 * 2 ** 20); // WebGPU's default
    expect(r.limit.code).toBe('limit');
    expect(r.limit.message).toContain('encoder/affine: x [1, 33816576] takes 129.0 MiB');
    expect(r.limit.message).toContain('128.0 MiB');
    expect(r.halved).toBeNull();
    expect(r.shader.code).toBe('shader');
    expect(r.shader.message).toContain('layers.3/faulty');
    expect(r.shader.message).toContain('load5');
    expect(r.weights.code).toBe('weights');
    expect(r.left).toBe(0);
  });

  test(`${host}: disposal gives every byte back`, async () => {
    const r = await onHost<
      Record<'reserved' | 'afterPlan' | 'afterWeights' | 'afterArena' | 'afterEngine' | 'buffers', number> &
        Record<'again' | 'disposed' | 'build', Failure> & { planned: { arena: number; weights: number } }
    >(host, 'runtime/plan:dispose');
    expect(r.reserved).toBeGreaterThanOrEqual(r.planned.arena + r.planned.weights);
    expect(r.afterPlan).toBe(r.planned.arena + r.planned.weights);
    expect(r.afterWeights).toBe(r.planned.arena);
    expect(r.afterArena).toBe(0);
    expect(r.afterEngine).toBe(0);
    expect(r.buffers).toBe(0);
    expect([r.again.code, r.disposed.code, r.build.code]).toEqual(['disposed', 'disposed', 'disposed']);
  });
}
