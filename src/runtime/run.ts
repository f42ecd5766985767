// Running a plan: a few submits of one compute pass each, or of several with copies between them, cut by a time budget; abort acts between submits.
import type { Engine } from './engine.ts';
import { throwIfAborted } from './errors.ts';
import type { Plan } from './plan.ts';

export interface RunOptions {
  /** Prompts in this run, at most the graph's capacity. */
  readonly batch?: number;
  readonly signal?: AbortSignal;
  readonly budgetMs?: number;
  /** Binds and writes inputs, when this run's turn has come. */
  readonly before?: () => void;
  /** Called after each submit with the share of the work that is done. */
  readonly onProgress?: (done: number) => void;
}

/** Submits all launches in order; call through `engine.run`, which keeps runs apart. */
export async function runPlan(engine: Engine, plan: Plan, options: RunOptions): Promise<void> {
  const batch = plan.batch(options.batch);
  const budgetMs = options.budgetMs ?? engine.submitBudgetMs;
  const share = (at: number): number => {
    const launch = plan.launches[at];
    return launch === undefined
      ? 0
      : (launch.units * launch.graph.groups(batch)) / launch.graph.groups(plan.graph.capacity);
  };
  let total = 0;
  for (let i = 0; i < plan.launches.length; i++) total += share(i);
  let done = 0;
  let at = 0;
  let part = 0;
  throwIfAborted(options.signal);
  options.before?.();
  plan.prepare();
  if (plan.hasCopies(0)) {
    const encoder = engine.device.createCommandEncoder();
    plan.encodeCopies(encoder, 0, batch);
    engine.device.queue.submit([encoder.finish()]);
  }
  while (at < plan.launches.length) {
    const encoder = engine.device.createCommandEncoder();
    let pass = encoder.beginComputePass();
    let units = 0;
    const allowance = (engine.rate * budgetMs) / 1000;
    while (at < plan.launches.length) {
      const launch = plan.launches[at];
      if (launch === undefined) break;
      const cost = share(at) / launch.parts.length;
      if (units > 0 && units + cost > allowance) break;
      plan.encode(pass, launch, part, batch);
      units += cost;
      part++;
      if (part < launch.parts.length) continue;
      part = 0;
      at++;
      if (plan.hasCopies(at)) {
        pass.end();
        plan.encodeCopies(encoder, at, batch);
        pass = encoder.beginComputePass();
      }
    }
    pass.end();
    const begun = performance.now();
    engine.device.queue.submit([encoder.finish()]);
    await engine.device.queue.onSubmittedWorkDone();
    engine.observe(units, performance.now() - begun);
    engine.assertUsable();
    done += units;
    options.onProgress?.(total > 0 ? Math.min(1, done / total) : 1);
    if (at < plan.launches.length) throwIfAborted(options.signal);
  }
}
