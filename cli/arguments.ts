// The command line as data. Every mistake is an error with code `usage` or `prompt`, and exit code 2.

import { parseArgs } from 'node:util';

import type { Prompt } from '../src/index.ts';
import { SegEveryError } from '../src/runtime/errors.ts';
import type { Tiling } from '../src/runtime/graph.ts';
import { EVALUATE_OPTIONS, type EvaluateSettings, evaluateSettings } from './arguments-evaluate.ts';
import {
  channelOrder,
  DETECT_OPTIONS,
  type DetectSettings,
  detectSettings,
  EVERYTHING_OPTIONS,
  type EverythingSettings,
  everythingSettings,
} from './arguments-everything.ts';
import { type Format, parseFormats } from './formats.ts';
import type { ChannelOrder, Dtype } from './host/common.ts';
import { HOSTS, type HostName } from './host/host.ts';

/** Options that every command has. */
export interface Common {
  readonly host: HostName;
  readonly software: boolean;
  readonly dtype: Dtype;
}

/** What the user asked for. */
export type Command =
  | { readonly name: 'help'; readonly about: string | undefined }
  | { readonly name: 'version' }
  | (Common & { readonly name: 'doctor'; readonly model: string | undefined; readonly json: boolean })
  | (Common & { readonly name: 'models'; readonly json: boolean })
  | (Common & { readonly name: 'convert'; readonly files: readonly string[]; readonly out: string })
  | (Common & {
      readonly name: 'verify';
      readonly folder: string;
      readonly cases: readonly string[];
      readonly tiling?: Tiling;
    })
  | (Common & EvaluateSettings & { readonly name: 'evaluate' })
  | (Common & {
      readonly name: 'everything';
      /** Files, folders, patterns; or `-` for standard input. */
      readonly photos: readonly string[];
      readonly settings: EverythingSettings;
      /** A JSON file with SAM's `point_grids`. */
      readonly pointGrids: string | undefined;
      readonly channelOrder: ChannelOrder | undefined;
      readonly model: string | undefined;
      /** As of `segment`. */
      readonly out: string | undefined;
      readonly formats: readonly Format[];
      readonly json: boolean;
      /** Photos that an earlier run has finished are done again. */
      readonly force: boolean;
    })
  | (Common & {
      readonly name: 'detect';
      /** As of `everything`. */
      readonly photos: readonly string[];
      readonly settings: DetectSettings;
      readonly channelOrder: ChannelOrder | undefined;
      readonly model: string | undefined;
      readonly json: boolean;
    })
  | (Common & {
      readonly name: 'segment';
      /** A path, or `-` for standard input. */
      readonly photo: string;
      readonly prompts: readonly Prompt[];
      /** A JSON file with more prompts. */
      readonly promptsFile: string | undefined;
      readonly model: string | undefined;
      /** Folder for the files; undefined where only `--json` was asked for. */
      readonly out: string | undefined;
      readonly formats: readonly Format[];
      readonly json: boolean;
    });

const COMMON = {
  host: { type: 'string' },
  software: { type: 'boolean' },
  dtype: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

function usage(message: string): SegEveryError {
  return new SegEveryError('usage', `${message} (segevery --help)`);
}

/** @param args what follows the command's name. @throws codes `usage`, `prompt`. */
export function parseCommand(args: readonly string[]): Command {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help')
    return { name: 'help', about: rest[0] };
  if (name === '--version' || name === '-V' || name === 'version') return { name: 'version' };
  switch (name) {
    case 'segment':
      return parseSegment(rest);
    case 'everything':
      return parseEverything(rest);
    case 'detect': {
      const { values, positionals } = parse(rest, {
        ...DETECT_OPTIONS,
        model: { type: 'string' },
        json: { type: 'boolean' },
      });
      if (values.help) return { name: 'help', about: name };
      if (positionals.length === 0) throw usage('detect needs a photo');
      const order = channelOrder(values);
      const settings = detectSettings(values);
      const json = values.json === true;
      return {
        name,
        ...common(values),
        photos: positionals,
        settings,
        channelOrder: order,
        model: text(values.model),
        json,
      };
    }
    case 'doctor': {
      const { values, positionals } = parse(rest, { model: { type: 'string' }, json: { type: 'boolean' } });
      if (values.help) return { name: 'help', about: name };
      if (positionals.length > 0) throw usage(`doctor takes no '${positionals[0]}'`);
      return { name, ...common(values), model: text(values.model), json: values.json === true };
    }
    case 'evaluate': {
      const { values, positionals } = parse(rest, EVALUATE_OPTIONS);
      if (values.help) return { name: 'help', about: name };
      return { name, ...common(values), ...evaluateSettings(values, positionals) };
    }
    case 'models': {
      const { values, positionals } = parse(rest, { json: { type: 'boolean' } });
      if (values.help) return { name: 'help', about: name };
      if (positionals.length > 0) throw usage(`models takes no '${positionals[0]}'`);
      return { name, ...common(values), json: values.json === true };
    }
    case 'convert': {
      const { values, positionals: files } = parse(rest, { out: { type: 'string' } });
      if (values.help) return { name: 'help', about: name };
      const out = text(values.out);
      if (files.length === 0 || out === undefined) throw usage('convert needs files and --out DIR');
      return { name, ...common(values), files, out };
    }
    case 'verify': {
      const { values, positionals } = parse(rest, {
        case: { type: 'string', multiple: true },
        tiling: { type: 'string' },
      });
      if (values.help) return { name: 'help', about: name };
      const [folder, extra] = positionals;
      if (folder === undefined || extra !== undefined) throw usage('verify takes one folder');
      const { tiling } = values;
      if (tiling !== undefined && !isOneOf(tiling, ['register', 'workgroup'] as const))
        throw usage(`--tiling is register or workgroup, not '${String(tiling)}'`);
      return { name, ...common(values), folder, cases: list(values.case), ...(tiling ? { tiling } : {}) };
    }
    default:
      throw usage(`there is no command '${name}'`);
  }
}

function parseEverything(args: readonly string[]): Command {
  const { values, positionals } = parse(args, {
    ...EVERYTHING_OPTIONS,
    ...OUTPUT,
    force: { type: 'boolean' },
  });
  if (values.help) return { name: 'help', about: 'everything' };
  if (positionals.length === 0) throw usage('everything needs a photo');
  return {
    name: 'everything',
    ...common(values),
    ...output(values),
    photos: positionals,
    settings: everythingSettings(values),
    pointGrids: text(values['point-grids']),
    channelOrder: channelOrder(values),
    force: values.force === true,
  };
}

/** Options of commands that write masks. */
const OUTPUT = {
  model: { type: 'string' },
  out: { type: 'string' },
  format: { type: 'string', multiple: true },
  json: { type: 'boolean' },
} as const;

function output(values: Values) {
  const json = values.json === true;
  const out = text(values.out) ?? (json ? undefined : 'out');
  if (out === undefined && values.format !== undefined)
    throw usage('--format is for files: with --json it needs --out too');
  return { model: text(values.model), out, formats: parseFormats(list(values.format)), json };
}

function parseSegment(args: readonly string[]): Command {
  const { values, positionals } = parse(args, {
    point: { type: 'string', multiple: true },
    box: { type: 'string', multiple: true },
    multimask: { type: 'boolean' },
    prompts: { type: 'string' },
    ...OUTPUT,
  });
  if (values.help) return { name: 'help', about: 'segment' };
  const [photo, extra] = positionals;
  if (photo === undefined) throw usage('segment needs a photo');
  if (extra !== undefined) throw usage(`segment takes one photo; what is '${extra}'?`);
  const prompts = promptsOf(list(values.point), list(values.box), values.multimask === true);
  const promptsFile = text(values.prompts);
  if (promptsFile !== undefined && values.multimask === true)
    throw usage('--multimask is for --point and --box; in a prompts file each prompt has its own');
  if (prompts.length === 0 && promptsFile === undefined)
    throw new SegEveryError('prompt', 'segment needs a prompt: --point X,Y or --box X1,Y1,X2,Y2 or --prompts FILE');
  return { name: 'segment', ...common(values), ...output(values), photo, prompts, promptsFile };
}

type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

function parse(
  args: readonly string[],
  options: Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly multiple?: boolean }>>,
): { values: Values; positionals: readonly string[] } {
  try {
    // Values that begin with a minus sign (`--point -5,3`) are values: they fail later with a better message.
    const joined = joinNegative(args);
    return parseArgs({ args: joined, options: { ...COMMON, ...options }, allowPositionals: true, strict: true });
  } catch (cause) {
    throw usage(cause instanceof Error ? (cause.message.split('. ')[0] ?? '') : String(cause));
  }
}

function joinNegative(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const last = joined.at(-1);
    if (/^-[\d.]/.test(arg) && last !== undefined && /^--[a-z-]+$/.test(last))
      joined[joined.length - 1] = `${last}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

const text = (value: Values[string]): string | undefined => (typeof value === 'string' ? value : undefined);
const list = (value: Values[string]): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

function common(values: Values): Common {
  const host = values.host ?? 'chrome';
  const dtype = values.dtype ?? 'f32';
  if (!isOneOf(host, HOSTS)) throw usage(`--host is ${HOSTS.join(' or ')}, not '${String(host)}'`);
  if (!isOneOf(dtype, ['f32', 'f16'] as const)) throw usage(`--dtype is f32 or f16, not '${String(dtype)}'`);
  return { host, dtype, software: values.software === true };
}

function isOneOf<T extends string>(value: unknown, names: readonly T[]): value is T {
  return names.some((name) => name === value);
}

/** All points and one box are one prompt; several boxes are one prompt each. */
function promptsOf(points: readonly string[], boxes: readonly string[], multimask: boolean): Prompt[] {
  if (points.length > 0 && boxes.length > 1)
    throw usage('points go with one box; for several boxes with points of their own use --prompts FILE');
  const parsed = points.map((point) => {
    const [x = 0, y = 0, label = 1] = numbers('--point', point, [2, 3]);
    if (label !== 0 && label !== 1) throw usage(`--point ${point}: the label is 1 (foreground) or 0 (background)`);
    return { at: [x, y] as const, label };
  });
  const withPoints =
    parsed.length > 0 ? { points: parsed.map(({ at }) => at), labels: parsed.map(({ label }) => label) } : {};
  const asked = multimask ? { multimask } : {};
  const corners = boxes.map((box) => {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = numbers('--box', box, [4]);
    if (x2 <= x1 || y2 <= y1) throw new SegEveryError('prompt', `--box ${box}: X1 < X2 and Y1 < Y2 are needed`);
    return [x1, y1, x2, y2] as const;
  });
  if (corners.length > 0) return corners.map((box) => ({ ...withPoints, box, ...asked }));
  return parsed.length > 0 ? [{ ...withPoints, ...asked }] : [];
}

/** Finite decimal numbers with commas between; nothing that JavaScript would also take (hex, empty, NaN, Infinity). */
function numbers(option: string, value: string, counts: readonly number[]): number[] {
  const parts = value.split(',').map((part) => part.trim());
  if (!counts.includes(parts.length)) throw usage(`${option} ${value}: ${counts.join(' or ')} numbers are needed`);
  return parts.map((part) => {
    const number = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(part) ? Number(part) : Number.NaN;
    if (!Number.isFinite(number)) throw usage(`${option} ${value}: '${part}' is not a number`);
    return number;
  });
}
