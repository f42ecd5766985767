// What the page and the worker say to each other. Everything here survives a structured clone.
import type { AdapterSummary, BoxCorners, ErrorCode, Prompt } from '../../../src/index.ts';

/** A mask on its way to the page: `words` are transferred, and `Mask.fromWords` takes them back. */
export interface MaskMessage {
  readonly words: Uint32Array<ArrayBuffer>;
  /** Where the bits lie in the photo, pixels. */
  readonly region: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** 0, or 0 to 2 of one prompt. */
  readonly mask: number;
  readonly predictedIou: number;
  readonly stabilityScore: number;
  readonly pointCoords: readonly (readonly [number, number])[];
  readonly box: BoxCorners | null;
  readonly detectorScore: number | null;
}

/** Milliseconds of a stage. */
export type StageTime = readonly [name: string, milliseconds: number];

/** One row of the kernel table: all launches of one shader in one plan. */
export interface KernelTime {
  readonly plan: 'encoder' | 'decoder';
  readonly shader: string;
  readonly launches: number;
  readonly milliseconds: number;
  /** Absent where the timestamps were too coarse. */
  readonly gflops: number | null;
}

/** How everything is looked for: boxes of the detector, or a grid of so many points a side. */
export type EverythingMode = 'objects' | { readonly pointsPerSide: number };

/** What the page may ask: the fields of the question, and what comes back. */
export interface Calls {
  start: {
    /** Address of the model folder, absolute. */
    ask: { readonly model: string };
    give: {
      readonly model: string;
      readonly adapter: AdapterSummary;
      readonly timestamps: boolean;
      readonly times: readonly StageTime[];
    };
  };
  /** The photo's file: its bytes are shared, not copied, and are decoded beside the GPU. */
  open: {
    ask: { readonly photo: Blob };
    give: { readonly width: number; readonly height: number; readonly times: readonly StageTime[] };
  };
  segment: {
    ask: { readonly prompt: Prompt };
    give: { readonly masks: readonly MaskMessage[]; readonly milliseconds: number };
  };
  /** Masks come before the answer, batch by batch. */
  everything: { ask: { readonly mode: EverythingMode }; give: { readonly milliseconds: number } };
  profile: { ask: Readonly<Record<never, never>>; give: { readonly kernels: readonly KernelTime[] } };
}

export type CallName = keyof Calls;

export type Question = {
  [Name in CallName]: { readonly id: number; readonly name: Name; readonly ask: Calls[Name]['ask'] };
}[CallName];

export type ToWorker = Question | { readonly id: number; readonly name: 'cancel' };

/** `id` is that of the question. `done` is a share from 0 to 1. */
export type FromWorker =
  | { readonly kind: 'progress'; readonly id: number; readonly stage: string; readonly done: number }
  | { readonly kind: 'masks'; readonly id: number; readonly masks: readonly MaskMessage[] }
  | { readonly kind: 'answer'; readonly id: number; readonly give: Calls[CallName]['give'] }
  | { readonly kind: 'failed'; readonly id: number; readonly code: ErrorCode | null; readonly message: string }
  | { readonly kind: 'lost'; readonly message: string };
