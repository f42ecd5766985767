// Options of `segevery evaluate` as data.

import type { Protocol } from '../src/evaluate/annotations.ts';
import { SegEveryError } from '../src/runtime/errors.ts';

export interface EvaluateSettings {
  readonly annotations: string;
  /** Folder of the photos; none where results are read and no pictures are wanted. */
  readonly images: string | undefined;
  /** Files, or folders of files, each with one configuration. None: the default model by objects. */
  readonly configs: readonly string[];
  /** Results in COCO's format instead of own ones. */
  readonly results: string | undefined;
  /** How many images are drawn, or a file that lists them. */
  readonly subset: { readonly count: number; readonly seed: number } | { readonly file: string } | undefined;
  readonly limits: readonly number[];
  readonly protocol: Protocol | undefined;
  /** Folder in which the configurations' models lie. */
  readonly models: string;
  /** One model for all configurations, instead of their own. */
  readonly model: string | undefined;
  readonly out: string;
  /** How many of the worst images are shown. */
  readonly worst: number;
  /** Write the proposals as one file in COCO's format too. */
  readonly saveResults: boolean;
  readonly json: boolean;
  /** Images that an earlier run has finished are done again. */
  readonly force: boolean;
}

/** For `parseArgs`. */
export const EVALUATE_OPTIONS = {
  annotations: { type: 'string' },
  images: { type: 'string' },
  config: { type: 'string', multiple: true },
  results: { type: 'string' },
  subset: { type: 'string' },
  seed: { type: 'string' },
  k: { type: 'string' },
  protocol: { type: 'string' },
  models: { type: 'string' },
  model: { type: 'string' },
  out: { type: 'string' },
  worst: { type: 'string' },
  'save-results': { type: 'boolean' },
  json: { type: 'boolean' },
  force: { type: 'boolean' },
} as const;

const LIMITS = '10,100,1000';
const MOST_PROPOSALS = 100_000;
const MOST_WORST = 200;

/** @throws code `usage` for what is missing, does not go together, or is no number */
export function evaluateSettings(
  values: Readonly<Record<string, unknown>>,
  positionals: readonly string[],
): EvaluateSettings {
  if (positionals.length > 0)
    throw usage(`evaluate takes no '${positionals[0]}'; name files with --annotations and so on`);
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const annotations = text('annotations');
  if (annotations === undefined) throw usage('evaluate needs --annotations FILE');
  const configs = Array.isArray(values.config) ? values.config.map(String) : [];
  const results = text('results');
  const images = text('images');
  if (results !== undefined && configs.length > 0)
    throw usage('--results are scored as they are; leave --config out, or score them in another run');
  if (results === undefined && images === undefined) throw usage('evaluate needs --images DIR, or --results FILE');
  const protocol = text('protocol');
  if (protocol !== undefined && protocol !== 'coco' && protocol !== 'lvis')
    throw usage(`--protocol ${protocol}: it is coco or lvis`);
  const limits = (text('k') ?? LIMITS).split(',').map((part) => whole('k', part.trim(), 1, MOST_PROPOSALS));
  const seed = text('seed');
  const subset = text('subset');
  if (seed !== undefined && !/^\d+$/.test(subset ?? '')) throw usage('--seed goes with --subset NUMBER');
  return {
    annotations,
    images,
    configs,
    results,
    subset:
      subset === undefined
        ? undefined
        : /^\d+$/.test(subset)
          ? { count: whole('subset', subset, 1, 2 ** 31), seed: whole('seed', seed ?? '1', 0, 2 ** 32 - 1) }
          : { file: subset },
    limits: [...new Set(limits)].sort((a, b) => a - b),
    protocol,
    models: text('models') ?? 'models',
    model: text('model'),
    out: text('out') ?? 'out/evaluate',
    worst: whole('worst', text('worst') ?? '12', 0, MOST_WORST),
    saveResults: values['save-results'] === true,
    json: values.json === true,
    force: values.force === true,
  };
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw usage(`--${option} ${text}: a whole number from ${least} to ${most} is needed`);
  return value;
}

function usage(message: string): SegEveryError {
  return new SegEveryError('usage', `${message} (segevery evaluate --help)`);
}
