// Runs of plans: submits cut by a budget, abort between them, the queue, batches, profiles.
import { expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';

interface Failure {
  readonly code: string;
  readonly message: string;
}

for (const host of hosts) {
  test(`${host}: the budget decides the submits, not the result`, async () => {
    const [whole, cut] = await onHost<{ progress: number[]; last: number }[]>(host, 'runtime/run:budgets');
    expect(whole).toEqual({ progress: [1], last: 75 });
    expect(cut?.progress).toHaveLength(12);
    expect(cut?.progress).toEqual([...(cut?.progress ?? [])].sort((a, b) => a - b));
    expect(cut?.progress.at(-1)).toBe(1);
    expect(cut?.last).toBe(75);
  });

  test(`${host}: abort acts between submits and leaves the plan usable`, async () => {
    const r = await onHost<{ before: Failure; between: Failure; submits: number; last: number }>(
      host,
      'runtime/run:abort',
    );
    expect([r.before.code, r.between.code]).toEqual(['aborted', 'aborted']);
    expect(r.submits).toBe(3);
    expect(r.last).toBe(75);
  });

  test(`${host}: runs follow one another, also behind one that failed`, async () => {
    const r = await onHost<{ order: string[]; settled: string[]; last: number }>(host, 'runtime/run:queue');
    expect(r.order).toEqual(['a', 'b', 'c']);
    expect(r.settled).toEqual(['number', 'string', 'number', 'number']);
    expect(r.last).toBe(312);
  });

  test(`${host}: a batch is between one and the capacity`, async () => {
    const r = await onHost<{ sums: number[]; refused: string[] }>(host, 'runtime/run:batches');
    expect(r.sums).toEqual([63 + 12, 191 + 12, 255 + 12]);
    expect(r.refused).toEqual(['shape', 'shape', 'shape', 'shape']);
  });

  test(`${host}: a profile times every launch`, async () => {
    const r = await onHost<{
      refused?: Failure;
      times?: { label: string; milliseconds: number; flops: number }[];
      last?: number;
    }>(host, 'runtime/run:profile');
    if (r.refused !== undefined) {
      expect(r.refused.code).toBe('limit');
      return;
    }
    expect(r.times).toHaveLength(12);
    for (const { label, milliseconds, flops } of r.times ?? []) {
      expect(label).toBe('affine');
      expect(milliseconds).toBeGreaterThanOrEqual(0);
      expect(milliseconds).toBeLessThan(60_000);
      expect(flops).toBe(1e9);
    }
    expect(r.last).toBe(75);
  });
}
