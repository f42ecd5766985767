import { groupedMatmul } from '../../src/kernels/grouped-matmul.ts';
import { groupedMatmul as reference } from '../reference/grouped-matmul.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runKernel, type Setting } from './harness.ts';

export interface GroupedMatmulCase extends Setting {
  readonly rows: number;
  readonly groups: number;
  readonly inputs: number;
  readonly outputs: number;
}

export default {
  run: async (context, c: GroupedMatmulCase) => {
    const shape = [c.rows, c.groups * c.outputs];
    const { out, values } = await runKernel(context, c, { shape }, (g, input, target) => {
      const weight = input('weight', [c.groups, c.inputs, c.outputs], 'weight');
      groupedMatmul(g, input('x', [c.rows, c.groups * c.inputs]), weight, { out: target });
    });
    return { out: difference(out, reference(values('x'), values('weight'), c)) };
  },
} satisfies Tasks;
