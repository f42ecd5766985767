// Options of `segevery everything` as data; the library checks their ranges.

import { SegEveryError } from '../src/runtime/errors.ts';

/** How to find what there is: by the detector, or by SAM's grid of points. */
export interface EverythingSettings {
  readonly mode: 'objects' | 'grid';
  readonly conf?: number;
  readonly iou?: number;
  readonly maxBoxes?: number;
  readonly prompt?: 'box' | 'centre';
  readonly masks?: 'single' | 'best' | 'all';
  readonly pointsPerSide?: number;
  readonly predIouThresh?: number;
  readonly stabilityScoreThresh?: number;
  readonly minMaskRegionArea?: number;
}

/** For `parseArgs`. */
export const EVERYTHING_OPTIONS = {
  mode: { type: 'string' },
  conf: { type: 'string' },
  iou: { type: 'string' },
  'max-boxes': { type: 'string' },
  prompt: { type: 'string' },
  masks: { type: 'string' },
  'points-per-side': { type: 'string' },
  'pred-iou-thresh': { type: 'string' },
  'stability-score-thresh': { type: 'string' },
  'min-mask-region-area': { type: 'string' },
} as const;

/** Options that one mode alone understands. */
const OBJECTS_ONLY = ['conf', 'iou', 'max-boxes', 'prompt', 'masks'] as const;
const GRID_ONLY = ['points-per-side', 'min-mask-region-area'] as const;

const WHOLE = new Set(['max-boxes', 'points-per-side', 'min-mask-region-area']);

/** @throws code `usage` for a value that is no number or no known word, and for an option of the other mode. */
export function everythingSettings(values: Readonly<Record<string, unknown>>): EverythingSettings {
  const mode = word(values, 'mode', ['objects', 'grid']) ?? 'objects';
  const foreign = (mode === 'objects' ? GRID_ONLY : OBJECTS_ONLY).find((name) => values[name] !== undefined);
  if (foreign !== undefined) throw usage(`--${foreign} does not go with --mode ${mode}`);
  const prompt = word(values, 'prompt', ['box', 'centre']);
  const masks = word(values, 'masks', ['single', 'best', 'all']);
  return {
    mode,
    ...number(values, 'conf', 'conf'),
    ...number(values, 'iou', 'iou'),
    ...number(values, 'max-boxes', 'maxBoxes'),
    ...(prompt ? { prompt } : {}),
    ...(masks ? { masks } : {}),
    ...number(values, 'points-per-side', 'pointsPerSide'),
    ...number(values, 'pred-iou-thresh', 'predIouThresh'),
    ...number(values, 'stability-score-thresh', 'stabilityScoreThresh'),
    ...number(values, 'min-mask-region-area', 'minMaskRegionArea'),
  };
}

function word<T extends string>(
  values: Readonly<Record<string, unknown>>,
  option: string,
  words: readonly T[],
): T | undefined {
  const value = values[option];
  if (value === undefined) return undefined;
  const known = words.find((one) => one === value);
  if (known === undefined) throw usage(`--${option} ${String(value)}: it is ${words.join(' or ')}`);
  return known;
}

function number<K extends string>(
  values: Readonly<Record<string, unknown>>,
  option: string,
  key: K,
): Partial<Record<K, number>> {
  const value = values[option];
  if (value === undefined) return {};
  const text = String(value).trim();
  const pattern = WHOLE.has(option) ? /^\d+$/ : /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
  if (!pattern.test(text)) throw usage(`--${option} ${text}: a ${WHOLE.has(option) ? 'whole ' : ''}number is needed`);
  return { [key]: Number(text) } as Partial<Record<K, number>>;
}

function usage(message: string): SegEveryError {
  return new SegEveryError('usage', `${message} (segevery everything --help)`);
}
