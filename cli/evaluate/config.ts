// Configurations of an evaluation: JSON files that say what is run, and what the paper reports for it.

import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { check, SegEveryError } from '../../src/runtime/errors.ts';
import {
  channelOrder,
  EVERYTHING_OPTIONS,
  type EverythingSettings,
  everythingSettings,
} from '../arguments-everything.ts';
import type { ChannelOrder } from '../host/common.ts';
import { packageRoot } from '../package-root.ts';

/** What a mask is ranked by. */
export type Ranking = 'detector' | 'predicted-iou' | 'predicted-iou-and-stability';

/** A row of a table of the paper (arXiv:2312.09579), in its own words and units. */
export interface PaperRow {
  readonly table: number;
  readonly row: string;
  /** Rows of one table with the same group are averaged below it, as the paper's table 4 does. */
  readonly group?: string;
  /** AR@K in per cent for objects of all sizes, small, medium and large; K is the number of masks that are counted. */
  readonly k?: number;
  readonly recall?: readonly [number, number, number, number];
  /** Milliseconds on the authors' machine. */
  readonly milliseconds?: Readonly<Record<string, number>>;
}

export interface EvaluateConfig {
  /** What its outputs are called by. */
  readonly name: string;
  readonly title: string;
  /** Name of a folder with model.json below `--models`; the default model where none is named. */
  readonly model: string | undefined;
  /** How that folder comes about, for those who do not have it. */
  readonly weights: string | undefined;
  /** Options of `segevery everything`, under its names. */
  readonly options: Readonly<Record<string, string | number>>;
  readonly settings: EverythingSettings;
  readonly channelOrder: ChannelOrder | undefined;
  /** Why the engine cannot run this; the row is left out and the report says it. */
  readonly unsupported: string | undefined;
  readonly rank: Ranking;
  /** Masks of an image that are kept, the best. */
  readonly keep: number;
  readonly paper: readonly PaperRow[];
}

const KEYS = new Set(['name', 'title', 'model', 'weights', 'options', 'rank', 'keep', 'paper', 'unsupported']);
/** Options of the command that have no place here: they name files, or change the form of its documents alone. */
const FOREIGN = new Set(['point-grids', 'output-mode']);
/** The name that stands for the package's own configurations of the paper's tables. */
const PAPER = 'paper';
const ROW_KEYS = new Set(['table', 'row', 'group', 'k', 'recall', 'milliseconds']);
const RANKINGS: readonly Ranking[] = ['detector', 'predicted-iou', 'predicted-iou-and-stability'];
/** LVIS and the paper count at most so many. */
const KEEP = 1000;
const MOST_KEPT = 100_000;
const LIMIT_BYTES = 2 ** 20;

/** The package's own model, by objects. */
export const defaultConfig = (): EvaluateConfig =>
  parseConfig({ name: 'default', options: { mode: 'objects' } }, 'default');

/**
 * Reads the files, and all `.json` files of the folders, sorted. `paper` is the package's bench/paper where nothing else is called so.
 *
 * @throws code `io` for what cannot be read, `usage` for what is wrong in it and for names that occur twice
 */
export async function readConfigs(paths: readonly string[]): Promise<EvaluateConfig[]> {
  const files = (await Promise.all(paths.map(filesOf))).flat();
  const configs = await Promise.all(files.map(readConfig));
  const names = new Set<string>();
  for (const { name } of configs) {
    check(!names.has(name.toLowerCase()), 'usage', `two configurations are called '${name}'; their results would meet`);
    names.add(name.toLowerCase());
  }
  return configs;
}

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch((cause: unknown) => {
    if (path === PAPER) return undefined;
    throw new SegEveryError('io', `the configuration ${path} cannot be read: there is no such file`, { cause });
  });
  if (found === undefined) return filesOf(join(packageRoot(), 'bench', 'paper'));
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name.endsWith('.json')).sort();
  check(names.length > 0, 'usage', `${path} has no configuration: no file there ends in .json`);
  return names.map((name) => join(path, name));
}

async function readConfig(path: string): Promise<EvaluateConfig> {
  const { size } = await stat(path);
  check(size <= LIMIT_BYTES, 'usage', `${path}: ${size} bytes; a configuration has at most ${LIMIT_BYTES}`);
  const text = await readFile(path, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new SegEveryError('usage', `${path} is no JSON: ${cause instanceof Error ? cause.message : ''}`, { cause });
  }
  return parseConfig(value, path);
}

/** @param where begins the messages. @throws code `usage` */
export function parseConfig(value: unknown, where: string): EvaluateConfig {
  const fields = record(value, where);
  const unknown = Object.keys(fields).find((key) => !KEYS.has(key));
  check(unknown === undefined, 'usage', `${where} has '${unknown}'; known are ${[...KEYS].join(', ')}`);
  const {
    name = basename(where, '.json'),
    title = name,
    model,
    weights,
    rank,
    keep = KEEP,
    paper = [],
    unsupported,
  } = fields;
  check(typeof name === 'string' && /^[\w][\w.-]*$/.test(name), 'usage', `${where}: name is letters, digits, - and _`);
  check(typeof title === 'string', 'usage', `${where}: title is a text`);
  check(
    optionalText(model) && !/(^|[\\/])\.\.([\\/]|$)/.test(model ?? ''),
    'usage',
    `${where}: model is a folder's name`,
  );
  check(optionalText(weights), 'usage', `${where}: weights is a text`);
  check(optionalText(unsupported), 'usage', `${where}: unsupported is a text`);
  check(
    Number.isInteger(keep) && Number(keep) > 0 && Number(keep) <= MOST_KEPT,
    'usage',
    `${where}: keep is a whole number from 1 to ${MOST_KEPT}`,
  );
  check(Array.isArray(paper), 'usage', `${where}: paper is a list of rows`);
  const options = readOptions(fields.options ?? {}, where);
  const settings = settingsOf(options, where);
  const ranking = rank ?? (settings.mode === 'objects' ? 'detector' : 'predicted-iou-and-stability');
  check(isRanking(ranking), 'usage', `${where}: rank is ${RANKINGS.join(', or ')}`);
  check(ranking !== 'detector' || settings.mode === 'objects', 'usage', `${where}: a grid has no detector to rank by`);
  return {
    name,
    title,
    model,
    weights,
    options,
    settings,
    channelOrder: channelOrder(options),
    unsupported,
    rank: ranking,
    keep: Number(keep),
    paper: paper.map((row: unknown, i) => readRow(row, `${where}: paper[${i}]`)),
  };
}

const optionalText = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string';
const isRanking = (value: unknown): value is Ranking => RANKINGS.some((one) => one === value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

function record(value: unknown, where: string): Readonly<Record<string, unknown>> {
  check(typeof value === 'object' && value !== null && !Array.isArray(value), 'usage', `${where} is no object`);
  return value as Readonly<Record<string, unknown>>;
}

function readOptions(value: unknown, where: string): Readonly<Record<string, string | number>> {
  const options: Record<string, string | number> = {};
  for (const [key, one] of Object.entries(record(value, `${where}: options`))) {
    const known = Object.hasOwn(EVERYTHING_OPTIONS, key) && !FOREIGN.has(key);
    check(known, 'usage', `${where}: there is no option '${key}'; known are those of 'segevery everything'`);
    check(typeof one === 'string' || isNumber(one), 'usage', `${where}: options.${key} is a text or a number`);
    options[key] = one;
  }
  return options;
}

/** The options as the command line would give them, so that there is one set of names, ranges and messages. */
function settingsOf(options: Readonly<Record<string, string | number>>, where: string): EverythingSettings {
  try {
    return everythingSettings(Object.fromEntries(Object.entries(options).map(([key, value]) => [key, String(value)])));
  } catch (cause) {
    if (!(cause instanceof SegEveryError)) throw cause;
    throw new SegEveryError(cause.code, `${where}: ${cause.message}`, { cause });
  }
}

function readRow(value: unknown, where: string): PaperRow {
  const fields = record(value, where);
  const unknown = Object.keys(fields).find((key) => !ROW_KEYS.has(key));
  check(unknown === undefined, 'usage', `${where} has '${unknown}'; known are ${[...ROW_KEYS].join(', ')}`);
  const { table, row, group, k, recall, milliseconds } = fields;
  check(Number.isInteger(table) && typeof row === 'string', 'usage', `${where}: table is a number and row a text`);
  check(optionalText(group), 'usage', `${where}: group is a text`);
  check((k === undefined) === (recall === undefined), 'usage', `${where}: k and recall go together`);
  check(k === undefined || (Number.isInteger(k) && Number(k) > 0), 'usage', `${where}: k is a whole number above 0`);
  check(
    recall === undefined || isFour(recall),
    'usage',
    `${where}: recall has four numbers: all, small, medium, large`,
  );
  const times = milliseconds === undefined ? {} : record(milliseconds, `${where}: milliseconds`);
  check(Object.values(times).every(isNumber), 'usage', `${where}: milliseconds are numbers by stage`);
  return {
    table: Number(table),
    row,
    ...(group === undefined ? {} : { group }),
    ...(recall ? { k: Number(k), recall } : {}),
    ...(milliseconds === undefined ? {} : { milliseconds: times as Record<string, number> }),
  };
}

function isFour(value: unknown): value is [number, number, number, number] {
  return Array.isArray(value) && value.length === 4 && value.every(isNumber);
}
