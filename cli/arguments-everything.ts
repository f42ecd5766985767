// Options of `segevery everything` and `segevery detect` as data: SAM's under SAM's names, the paper's for objects.

import { LAYER_LIMIT } from '../src/model/grids.ts';
import { SegEveryError } from '../src/runtime/errors.ts';
import type { ChannelOrder } from './host/common.ts';

/** What detects boxes, and which stay. The model folder's own where nothing is said. */
export interface DetectSettings {
  readonly conf?: number;
  readonly iou?: number;
  readonly maxBoxes?: number;
}

/** How to find what there is: by the detector, or by SAM's grid of points. What is left out is the library's default. */
export interface EverythingSettings extends DetectSettings {
  readonly mode: 'objects' | 'grid';
  readonly prompt?: 'box' | 'centre';
  readonly masks?: 'single' | 'best' | 'all';
  readonly maskThreshold?: number;
  readonly predIouThresh?: number;
  readonly stabilityScoreThresh?: number;
  readonly stabilityScoreOffset?: number;
  readonly pointsPerSide?: number;
  /** One list of points for each layer of crops, x and y from 0 to 1. */
  readonly pointGrids?: readonly (readonly (readonly [number, number])[])[];
  readonly pointsPerBatch?: number;
  readonly boxNmsThresh?: number;
  readonly cropNLayers?: number;
  readonly cropNmsThresh?: number;
  readonly cropOverlapRatio?: number;
  readonly cropNPointsDownscaleFactor?: number;
  readonly minMaskRegionArea?: number;
  /** Form of `segmentation` in the JSON document. */
  readonly outputMode?: OutputMode;
  readonly batch?: number;
  /** Bytes. */
  readonly memoryBudget?: number;
}

const OUTPUT_MODES = ['coco_rle', 'uncompressed_rle', 'binary_mask'] as const;
export type OutputMode = (typeof OUTPUT_MODES)[number];

/** Which mode understands an option, and what it takes. */
interface NumberOption {
  readonly key: keyof EverythingSettings;
  readonly only?: 'objects' | 'grid';
  readonly min?: number;
  readonly max?: number;
  /** In place of `max`: this number itself is too large. */
  readonly below?: number;
  readonly whole?: true;
}

const SHARE = { min: 0, max: 1 } as const;
const NUMBERS: Readonly<Record<string, NumberOption>> = {
  conf: { key: 'conf', only: 'objects', ...SHARE },
  iou: { key: 'iou', only: 'objects', ...SHARE },
  'max-boxes': { key: 'maxBoxes', only: 'objects', min: 1, max: 100_000, whole: true },
  'mask-threshold': { key: 'maskThreshold' },
  'pred-iou-thresh': { key: 'predIouThresh', ...SHARE },
  'stability-score-thresh': { key: 'stabilityScoreThresh', ...SHARE },
  'stability-score-offset': { key: 'stabilityScoreOffset', min: 0 },
  'points-per-side': { key: 'pointsPerSide', only: 'grid', min: 1, max: 1024, whole: true },
  'points-per-batch': { key: 'pointsPerBatch', only: 'grid', min: 1, max: 65_536, whole: true },
  'box-nms-thresh': { key: 'boxNmsThresh', only: 'grid', ...SHARE },
  'crop-n-layers': { key: 'cropNLayers', only: 'grid', min: 0, max: LAYER_LIMIT, whole: true },
  'crop-nms-thresh': { key: 'cropNmsThresh', only: 'grid', ...SHARE },
  'crop-overlap-ratio': { key: 'cropOverlapRatio', only: 'grid', min: 0, below: 1 },
  'crop-n-points-downscale-factor': {
    key: 'cropNPointsDownscaleFactor',
    only: 'grid',
    min: 1,
    max: 1024,
    whole: true,
  },
  'min-mask-region-area': { key: 'minMaskRegionArea', only: 'grid', min: 0, max: 2 ** 31, whole: true },
};

/** SAM's thresholds, which the paper's filters are. */
const FILTERS = { predIouThresh: 0.88, stabilityScoreThresh: 0.95 } as const;
const NO_FILTERS = { predIouThresh: 0, stabilityScoreThresh: 0 } as const;

const BATCHES = ['1', '4', '16', '32'] as const;
const MEBIBYTE = 2 ** 20;

/** For `parseArgs`. */
export const DETECT_OPTIONS = {
  conf: { type: 'string' },
  iou: { type: 'string' },
  'max-boxes': { type: 'string' },
  'channel-order': { type: 'string' },
} as const;

/** For `parseArgs`. */
export const EVERYTHING_OPTIONS = {
  ...DETECT_OPTIONS,
  ...(Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, { type: 'string' }])) as Record<
    string,
    { readonly type: 'string' }
  >),
  mode: { type: 'string' },
  prompt: { type: 'string' },
  masks: { type: 'string' },
  filters: { type: 'string' },
  'point-grids': { type: 'string' },
  'output-mode': { type: 'string' },
  batch: { type: 'string' },
  'memory-budget': { type: 'string' },
} as const;

type Values = Readonly<Record<string, unknown>>;

/** @throws code `usage` for a value that is no number, out of range or no known word, and for an option of the other mode. */
export function everythingSettings(values: Values): EverythingSettings {
  const mode = word(values, 'mode', ['objects', 'grid']) ?? 'objects';
  const only = { prompt: 'objects', 'channel-order': 'objects', 'point-grids': 'grid' } as const;
  const modes = Object.entries(NUMBERS).map(([name, { only: one }]) => [name, one] as const);
  for (const [name, one] of [...Object.entries(only), ...modes])
    if (one !== undefined && one !== mode && values[name] !== undefined)
      throw usage(`--${name} does not go with --mode ${mode}`);
  const prompt = word(values, 'prompt', ['box', 'centre']);
  const masks = word(values, 'masks', ['single', 'best', 'all']);
  const filters = word(values, 'filters', ['on', 'off']);
  const outputMode = word(values, 'output-mode', OUTPUT_MODES);
  const batch = word(values, 'batch', BATCHES);
  const budget = number('memory-budget', values['memory-budget'], { min: 16, max: 2 ** 20, whole: true });
  const numbers = Object.entries(NUMBERS).flatMap(([name, option]) => {
    const value = number(name, values[name], option);
    return value === undefined ? [] : [[option.key, value] as const];
  });
  assertPoints(Object.fromEntries(numbers) as Partial<EverythingSettings>, values['point-grids'] !== undefined);
  return {
    mode,
    ...(prompt ? { prompt } : {}),
    ...(masks ? { masks } : {}),
    ...(filters === undefined ? {} : filters === 'on' ? FILTERS : NO_FILTERS),
    ...(Object.fromEntries(numbers) as Partial<EverythingSettings>),
    ...(outputMode ? { outputMode } : {}),
    ...(batch ? { batch: Number(batch) } : {}),
    ...(budget === undefined ? {} : { memoryBudget: budget * MEBIBYTE }),
  };
}

/** Layers of crops have fewer points, and each must have one. @throws code `usage` */
function assertPoints(settings: Partial<EverythingSettings>, given: boolean): void {
  const { pointsPerSide, cropNLayers = 0, cropNPointsDownscaleFactor: factor = 1 } = settings;
  if (given && pointsPerSide !== undefined) throw usage('give --points-per-side or --point-grids, not both');
  const last = Math.trunc((pointsPerSide ?? 32) / factor ** cropNLayers);
  if (!given && last < 1)
    throw usage(
      `${pointsPerSide ?? 32} points a side leave none for layer ${cropNLayers} of crops, with factor ${factor}`,
    );
}

/** @throws code `usage`. */
export function detectSettings(values: Values): DetectSettings {
  const { conf, iou, 'max-boxes': most } = NUMBERS;
  const [a, b, c] = [
    number('conf', values.conf, conf),
    number('iou', values.iou, iou),
    number('max-boxes', values['max-boxes'], most),
  ];
  return {
    ...(a === undefined ? {} : { conf: a }),
    ...(b === undefined ? {} : { iou: b }),
    ...(c === undefined ? {} : { maxBoxes: c }),
  };
}

/** @throws code `usage`. */
export function channelOrder(values: Values): ChannelOrder | undefined {
  return word(values, 'channel-order', ['rgb', 'bgr']);
}

function word<T extends string>(values: Values, option: string, words: readonly T[]): T | undefined {
  const value = values[option];
  if (value === undefined) return undefined;
  const known = words.find((one) => one === value);
  if (known === undefined) throw usage(`--${option} ${String(value)}: it is ${words.join(' or ')}`);
  return known;
}

function number(option: string, value: unknown, rule: Omit<NumberOption, 'key'> = {}): number | undefined {
  if (value === undefined) return undefined;
  const text = String(value).trim();
  const pattern = rule.whole ? /^\d+$/ : /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
  if (!pattern.test(text)) throw usage(`--${option} ${text}: a ${rule.whole ? 'whole ' : ''}number is needed`);
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, below = Number.POSITIVE_INFINITY } = rule;
  const result = Number(text);
  const to = Number.isFinite(max) ? ` to ${max}` : Number.isFinite(below) ? ` to less than ${below}` : undefined;
  const range = to === undefined ? `not below ${min}` : `from ${min}${to}`;
  if (!Number.isFinite(result) || result < min || result > max || result >= below)
    throw usage(`--${option} ${text}: it must be ${range}`);
  return result;
}

function usage(message: string): SegEveryError {
  return new SegEveryError('usage', `${message} (segevery everything --help)`);
}
