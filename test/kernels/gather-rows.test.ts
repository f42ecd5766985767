import { expect, test } from 'vitest';
import { gatherRows } from '../../src/kernels/gather-rows.ts';
import { Graph } from '../../src/runtime/graph.ts';
import { hosts } from '../browser.ts';
import { type Bounds, kernelTests } from './cases.ts';
import type { GatherRowsCase } from './gather-rows.task.ts';

// Copies are exact: nothing but 0 lies below these.
const EXACT = { maxOverStd: Number.MIN_VALUE, nmse: Number.MIN_VALUE };
const BOUNDS: Bounds = { f32: EXACT, f16: EXACT };

const CASES: Record<string, GatherRowsCase> = {
  'the only row': { batch: 1, rows: 1, width: 4, indices: [0] },
  'out of order, with repeats': { batch: 3, rows: 7, width: 20, indices: [6, 0, 3, 3, 5] },
  'part of a batch': { batch: 2, capacity: 3, rows: 8, width: 256, indices: [0, 2, 3, 4] },
};

for (const host of hosts) kernelTests(host, 'gather-rows', CASES, BOUNDS);

test.each([[8], [-1], [0.5]])('row %s of eight is refused when the graph is built', (index) => {
  const g = new Graph();
  expect(() => gatherRows(g, g.input('x', [1, 8, 4]), [index])).toThrow(expect.objectContaining({ code: 'shape' }));
});
