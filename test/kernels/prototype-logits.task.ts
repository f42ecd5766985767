import { prototypeLogits } from '../../src/kernels/prototype-logits.ts';
import { prototypeLogits as reference } from '../reference/prototype-logits.ts';
import type { Tasks } from '../tasks.ts';
import { difference, runGraph, type Setting } from './harness.ts';

export interface PrototypeLogitsCase extends Setting {
  readonly height: number;
  readonly width: number;
  readonly depth: number;
  readonly masks: number;
  readonly low: number;
  readonly region: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
}

export default {
  run: async (context, c: PrototypeLogitsCase) => {
    const { output, values } = await runGraph(context, { ...c, capacity: c.masks }, (g, t) => {
      const coefficients = t.input('coefficients', [c.masks, c.depth], 'f32');
      const out = t.output('out', [c.masks, c.low, c.low], 'f32');
      prototypeLogits(g, t.input('prototypes', [1, c.height, c.width, c.depth]), coefficients, {
        region: c.region,
        out,
      });
    });
    const count = (c.batch ?? c.masks) * c.low * c.low;
    const want = reference(values('prototypes'), values('coefficients'), c);
    return { out: difference(output('out').subarray(0, count), want.subarray(0, count)) };
  },
} satisfies Tasks;
