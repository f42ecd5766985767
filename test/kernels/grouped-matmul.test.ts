import { hosts } from '../browser.ts';
import { kernelTests } from './cases.ts';
import type { GroupedMatmulCase } from './grouped-matmul.task.ts';

const CASES: Record<string, GroupedMatmulCase> = {
  'one row, one group': { rows: 1, groups: 1, inputs: 4, outputs: 4 },
  'EfficientViT: 48 groups of 32': { rows: 64, groups: 48, inputs: 32, outputs: 32 },
  'groups that widen, a prime number of rows': { rows: 37, groups: 3, inputs: 8, outputs: 20 },
};

for (const host of hosts) {
  kernelTests(host, 'grouped-matmul', CASES, {
    f32: { maxOverStd: 5e-6, nmse: 1e-12 },
    f16: { maxOverStd: 5e-3, nmse: 1e-6 }, // the output is rounded once
  });
}
