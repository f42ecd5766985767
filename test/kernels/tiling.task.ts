import { measureTiling } from '../../src/kernels/tiling.ts';
import type { Tasks } from '../tasks.ts';

export default {
  measure: async (context) => {
    const engine = await context.engine();
    return { tiling: await measureTiling(engine), software: engine.adapter.software };
  },
} satisfies Tasks;
