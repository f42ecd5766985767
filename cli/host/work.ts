// The work of the command that needs an engine. The same code runs in the browser's page and, on the `dawn` host, in Node.

import type { AdapterSummary } from '../../src/index.ts';
import { SegEveryError } from '../../src/index.ts';
import type { Tiling } from '../../src/runtime/graph.ts';
import { type CaseReport, verifyCase } from '../verify/index.ts';
import { type Dtype, loadModel, type Surroundings, startEngine } from './common.ts';
import { type DetectJob, detectWork, type EverythingJob, everythingWork } from './everything.ts';
import { type SegmentJob, segmentWork } from './segment.ts';
import { Session } from './session.ts';

export interface AdapterReport {
  readonly adapter: AdapterSummary;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  readonly tiling: string;
  /** The model that was loaded, or why it was not. */
  readonly model: { readonly name: string } | { readonly error: string; readonly code: string } | null;
}

/** Limits that decide what runs. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
] as const;

/** Each kind of work by name. Work on photos shares the session's engine and model. */
export function createWork(around: Surroundings, session = new Session(around)) {
  return {
    /** Begins to decode a photo that other work will ask for. */
    async prepare(job: { readonly photo: string }): Promise<void> {
      session.prepare(job.photo);
    },

    segment: (job: SegmentJob) => segmentWork(session, around, job),

    everything: (job: EverythingJob) => everythingWork(session, around, job),

    detect: (job: DetectJob) => detectWork(session, around, job),

    async doctor(job: { readonly model: string | null }): Promise<AdapterReport> {
      const engine = await startEngine(around, 'f32');
      try {
        const limits = Object.fromEntries(LIMITS.map((name) => [name, engine.runtime.limits[name]]));
        let model: AdapterReport['model'] = null;
        if (job.model !== null) {
          try {
            model = { name: (await loadModel(engine, around, job.model)).name };
          } catch (error) {
            if (!(error instanceof SegEveryError)) throw error;
            model = { error: error.message, code: error.code };
          }
        }
        const features = [...engine.runtime.device.features].sort();
        return { adapter: engine.adapter, features, limits, tiling: engine.runtime.tiling, model };
      } finally {
        engine.dispose();
      }
    },

    async verify(job: {
      readonly folder: string;
      readonly dtype: Dtype;
      readonly tiling?: Tiling;
    }): Promise<CaseReport> {
      return verifyCase(job.folder, {
        read: around.read,
        decode: around.decode,
        precision: { activations: job.dtype, weights: job.dtype },
        engine: async () => (await startEngine(around, job.dtype, job.tiling)).runtime,
      });
    },
  };
}

export type Work = ReturnType<typeof createWork>;
