import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { verifyCheckpoints } from '../../cli/verify/checkpoints.ts';
import { verifyEvaluate } from '../../cli/verify/evaluate.ts';
import { verifyGrids } from '../../cli/verify/grids.ts';
import { verifyNms } from '../../cli/verify/nms.ts';
import { verifyPolygons } from '../../cli/verify/polygons.ts';
import { verifyRle } from '../../cli/verify/rle.ts';
import { type Checker, type GoldenCase, largestError, unpackMasks } from '../../cli/verify/types.ts';
import { openSafetensorsBytes } from '../../src/runtime/safetensors.ts';

async function openCase(folder: string): Promise<GoldenCase> {
  const file = (name: string) => readFile(new URL(`../golden/${folder}/${name}`, import.meta.url));
  const json: unknown = JSON.parse(String(await file('case.json')));
  return { id: folder, json, file, tensors: async () => openSafetensorsBytes(await file('tensors.safetensors')) };
}

const checkers: [string, Checker, (json: Record<string, unknown>) => unknown][] = [
  // With each a change to the case that must make it fail.
  ['rle', verifyRle, (json) => (json.counts as string[]).reverse()],
  ['nms-dense', verifyNms, (json) => Object.assign(json, { iou: 0.3 })],
  ['nms-loose', verifyNms, (json) => Object.assign(json, { iou: 0.3 })],
  // A file that may be read is said to be hostile.
  ['checkpoints', verifyCheckpoints, (json) => Object.assign((json.cases as object[])[0] ?? {}, { error: 'evil' })],
  ['amg-grids', verifyGrids, (json) => Object.assign((json.near_crop_edge as object[])[0] ?? {}, { expected: true })],
  [
    'proposal-recall',
    verifyEvaluate,
    (json) => Object.assign((json.expected as { ar: object }).ar, { '10': 0.147186 }),
  ],
  ['polygons', verifyPolygons, (json) => (json.area as number[]).push(1)],
];

describe('checkers of golden cases', () => {
  it.each(checkers)('%s passes, and fails when the case is changed', async (folder, checker, change) => {
    const c = await openCase(folder);
    const failed = (lines: Awaited<ReturnType<Checker>>) =>
      lines.filter(({ error, tolerance }) => !(error <= tolerance));
    expect(failed(await checker(c))).toEqual([]);
    change(c.json as Record<string, unknown>);
    expect(failed(await checker(c))).not.toEqual([]);
  });

  it('take NaN and missing elements for errors', () => {
    expect(largestError([1, 2], [1, 3], 2)).toBe(0.5);
    expect(largestError([1], [1, 3])).toBeNaN();
    expect(largestError([1, Number.NaN, 9], [1, 3, 1])).toBeNaN();
  });

  it('unpack masks that are padded to whole bytes', () => {
    const masks = unpackMasks(Uint8Array.of(0x80, 0x40, 0x01, 0xc0), 2, 10);
    expect(masks.map((mask) => [...mask])).toEqual([
      [1, 0, 0, 0, 0, 0, 0, 0, 0, 1],
      [0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
    ]);
  });
});
