// GPU time by kernel: the launches of a profile, added up by shader.
import type { KernelTime } from './protocol.ts';

/** What the library's profile says of one launch. */
export interface Launch {
  readonly shader: string;
  readonly milliseconds: number;
  readonly flops: number;
}

/** Rows of both plans, the longest first. */
export function kernelTimes(profile: Readonly<Record<'encoder' | 'decoder', readonly Launch[]>>): KernelTime[] {
  const rows: KernelTime[] = [];
  for (const plan of ['encoder', 'decoder'] as const) {
    for (const shader of new Set(profile[plan].map((launch) => launch.shader))) {
      const launches = profile[plan].filter((launch) => launch.shader === shader);
      const milliseconds = launches.reduce((sum, launch) => sum + launch.milliseconds, 0);
      const flops = launches.reduce((sum, launch) => sum + launch.flops, 0);
      // Timestamps may be too coarse to see a launch at all.
      const gflops = milliseconds > 0 ? flops / (milliseconds * 1e6) : null;
      rows.push({ plan, shader, launches: launches.length, milliseconds, gflops });
    }
  }
  return rows.sort((a, b) => b.milliseconds - a.milliseconds);
}
