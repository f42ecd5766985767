// GPU time of each launch from timestamp queries: one pass a launch, the median of several runs.
import type { Engine } from './engine.ts';
import { SegEveryError } from './errors.ts';
import type { Plan } from './plan.ts';

export interface LaunchTime {
  readonly label: string;
  readonly shader: string;
  readonly milliseconds: number;
  readonly flops: number;
  readonly gflops: number;
}

const CHUNK = 64; // launches a submit: the query set of one submit stays small, and so does the submit

/** @throws code `limit` on an adapter without `timestamp-query`. */
export async function profilePlan(
  engine: Engine,
  plan: Plan,
  options: { repeats?: number; batch?: number },
): Promise<LaunchTime[]> {
  if (!engine.features.timestamps) {
    throw new SegEveryError('limit', 'profile: this adapter has no timestamp queries (feature timestamp-query)');
  }
  const batch = plan.batch(options.batch);
  const times: number[][] = plan.launches.map(() => []);
  const { device, buffers } = engine;
  const queries = device.createQuerySet({ type: 'timestamp', count: 2 * CHUNK });
  const resolved = buffers.create('timestamps', 16 * CHUNK, GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC);
  const staging = buffers.create('timestamps/read', 16 * CHUNK, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  // What the last run was given (a photo's input and embedding) may have been disposed of since.
  plan.unbind();
  plan.prepare();
  try {
    for (let repeat = 0; repeat < (options.repeats ?? 3); repeat++) {
      for (let base = 0; base < plan.launches.length; ) {
        const encoder = device.createCommandEncoder();
        let units = 0;
        let count = 0;
        while (count < CHUNK && base + count < plan.launches.length) {
          const launch = plan.launches[base + count];
          if (launch === undefined) break;
          if (count > 0 && units + launch.units > (engine.rate * engine.submitBudgetMs) / 1000) break;
          units += launch.units;
          const begin = { querySet: queries, beginningOfPassWriteIndex: 2 * count };
          const end = { querySet: queries, endOfPassWriteIndex: 2 * count + 1 };
          // The copies that a launch waits for are part of its time.
          const copies = plan.hasCopies(base + count, false);
          if (copies) {
            encoder.beginComputePass({ timestampWrites: begin }).end();
            plan.encodeCopies(encoder, base + count, batch, false);
          }
          const pass = encoder.beginComputePass({ timestampWrites: copies ? end : { ...begin, ...end } });
          for (let part = 0; part < launch.parts.length; part++) plan.encode(pass, launch, part, batch);
          pass.end();
          count++;
        }
        encoder.resolveQuerySet(queries, 0, 2 * count, resolved, 0);
        encoder.copyBufferToBuffer(resolved, 0, staging, 0, 16 * count);
        device.queue.submit([encoder.finish()]);
        await staging.mapAsync(GPUMapMode.READ, 0, 16 * count);
        const stamps = new BigUint64Array(staging.getMappedRange(0, 16 * count));
        for (let i = 0; i < count; i++) {
          times[base + i]?.push(Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n)) / 1e6);
        }
        staging.unmap();
        base += count;
      }
    }
  } finally {
    queries.destroy();
    buffers.destroy(resolved);
    buffers.destroy(staging);
  }
  return plan.launches.map((launch, i) => {
    const sorted = (times[i] ?? []).sort((a, b) => a - b);
    const milliseconds = sorted[sorted.length >> 1] ?? Number.NaN;
    const flops = (launch.graph.cost.flops * launch.graph.groups(batch)) / launch.graph.groups(plan.graph.capacity);
    return {
      label: launch.graph.label,
      shader: launch.graph.shader.name,
      milliseconds,
      flops,
      gflops: flops / (milliseconds * 1e6),
    };
  });
}
