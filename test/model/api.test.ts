// The public API as callers use it: results, errors with their codes, and memory given back.
import { expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';

for (const host of hosts) {
  test(`self test on ${host}`, async () => {
    const report = await onHost<{ ok: boolean }>(host, 'model/api:selfTest');
    expect(report.ok, JSON.stringify(report)).toBe(true);
  });

  test(`segment, save, restore on ${host}`, async () => {
    const r = await onHost<{
      prompts: number[];
      masks: number[];
      areas: number[];
      disc: number;
      sameAlone: boolean;
      sameRestored: boolean;
      bytes: [number, number];
      mismatch: string;
      refined: number;
    }>(host, 'model/api:segment');
    expect(r.prompts).toEqual([0, 1, 1, 1, 2]);
    expect(r.masks).toEqual([0, 0, 1, 2, 0]);
    expect(Math.abs((r.areas[0] as number) - r.disc)).toBeLessThan(0.2 * r.disc);
    expect(r.sameAlone).toBe(true);
    expect(r.sameRestored).toBe(true);
    expect(r.bytes[1]).toBeLessThan(0.51 * r.bytes[0]);
    expect(r.mismatch).toBe('model-mismatch');
    expect(Math.abs(r.refined - r.disc)).toBeLessThan(0.4 * r.disc);
  });

  test(`bad prompts and photos on ${host}`, async () => {
    const { results, still } = await onHost<{ results: Record<string, string>; still: number }>(
      host,
      'model/api:errors',
    );
    expect(results).toEqual({
      empty: 'prompt',
      none: 'prompt',
      outside: 'prompt',
      nan: 'prompt',
      labels: 'prompt',
      reversed: 'prompt',
      flat: 'prompt',
      maskInput: 'mask-input',
      maskNan: 'mask-input',
      text: 'image',
      zero: 'image',
      limit: 'image-limit',
      aborted: 'aborted',
      abortedMidway: 'aborted',
      disposed: 'disposed',
    });
    expect(still).toBeGreaterThan(500);
  });

  test(`broken model folders on ${host}`, async () => {
    const r = await onHost<{
      results: Record<string, string>;
      left: number;
      verdict: boolean;
      bytes: number;
      tight: boolean;
      fits: string[];
      reasons: string[];
    }>(host, 'model/api:weights');
    for (const [name, code] of Object.entries(r.results)) expect(code, name).toBe('weights');
    expect(r.left).toBe(0);
    expect(r.verdict).toBe(true);
    expect(r.tight).toBe(false);
    expect(r.fits).toEqual([]);
    expect(r.reasons[0]).toMatch(/budget of 1\.0 MiB/);
  });

  test(`memory comes back on ${host}, within WebGPU's default limits`, async () => {
    const r = await onHost<{
      loaded: number;
      sizes: number[];
      late: number[];
      left: number;
      buffers: number;
      afterModel: string;
      reload: string;
      dead: string;
    }>(host, 'model/api:dispose');
    expect(r.loaded).toBeGreaterThan(10 * 2 ** 20);
    expect(r.sizes[1]).toBe(r.sizes[2]);
    // The decoder's pipelines are asked for when the photo opens; those of the masks at the photo's size are not.
    expect(r.late[0]).toBeLessThanOrEqual(3);
    expect([r.left, r.buffers]).toEqual([0, 0]);
    expect([r.afterModel, r.reload, r.dead]).toEqual(['disposed', 'disposed', 'disposed']);
  });
}
