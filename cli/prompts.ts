// The file of `--prompts`: a JSON list of `{"points", "labels", "box", "multimask"}` in pixels of the photo.

import { open } from 'node:fs/promises';

import type { Prompt } from '../src/index.ts';
import { check, SegEveryError } from '../src/runtime/errors.ts';

/** 100,000 prompts of some hundred bytes. */
const LIMIT_BYTES = 16 * 2 ** 20;
const KEYS = new Set(['points', 'labels', 'box', 'multimask']);

/** Reads and checks the file. Throws code `io` when it cannot be read, `prompt` for what is wrong in it. */
export async function readPrompts(path: string): Promise<Prompt[]> {
  return parsePrompts(await readLimited(path), path);
}

async function readLimited(path: string): Promise<string> {
  const file = await open(path).catch((cause: unknown) => {
    throw new SegEveryError('io', `the prompts file ${path} cannot be read`, { cause });
  });
  try {
    const { size } = await file.stat();
    check(size <= LIMIT_BYTES, 'prompt', `${path}: ${size} bytes; a prompts file has at most ${LIMIT_BYTES}`);
    return await file.readFile('utf8').catch((cause: unknown) => {
      throw new SegEveryError('io', `the prompts file ${path} cannot be read`, { cause });
    });
  } finally {
    await file.close();
  }
}

/** Prompts of a JSON text; `where` begins the messages. Throws code `prompt`. */
export function parsePrompts(json: string, where: string): Prompt[] {
  let list: unknown;
  try {
    list = JSON.parse(json.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new SegEveryError('prompt', `${where} is not JSON: ${cause instanceof Error ? cause.message : ''}`, {
      cause,
    });
  }
  check(Array.isArray(list), 'prompt', `${where}: a list of prompts is needed, [{"points": [[x, y]]}, …]`);
  check(list.length > 0, 'prompt', `${where} has no prompt`);
  return list.map((item: unknown, index) => parsePrompt(item, `${where}: prompt ${index}`));
}

function parsePrompt(item: unknown, where: string): Prompt {
  check(typeof item === 'object' && item !== null && !Array.isArray(item), 'prompt', `${where} is not an object`);
  const unknown = Object.keys(item).find((key) => !KEYS.has(key));
  check(unknown === undefined, 'prompt', `${where} has '${unknown}'; known are ${[...KEYS].join(', ')}`);
  const { points, labels, box, multimask } = item as Readonly<Record<string, unknown>>;
  check(points !== undefined || (box !== undefined && box !== null), 'prompt', `${where} has neither points nor a box`);
  check(points === undefined || isList(points, isPoint), 'prompt', `${where}: points are a list of [x, y]`);
  check(labels === undefined || isList(labels, isLabel), 'prompt', `${where}: labels are a list of 0 and 1`);
  check(
    labels === undefined || labels.length === (points?.length ?? 0),
    'prompt',
    `${where}: ${labels?.length} labels for ${points?.length ?? 0} points`,
  );
  check(
    box === undefined || box === null || isBox(box),
    'prompt',
    `${where}: a box is [x1, y1, x2, y2] with x1 < x2, y1 < y2`,
  );
  check(multimask === undefined || typeof multimask === 'boolean', 'prompt', `${where}: multimask is true or false`);
  return {
    ...(points && points.length > 0 ? { points, ...(labels ? { labels } : {}) } : {}),
    ...(box ? { box } : {}),
    ...(multimask === undefined ? {} : { multimask }),
  };
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isLabel = (value: unknown): value is 0 | 1 => value === 0 || value === 1;
const isPoint = (value: unknown): value is [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every(isNumber);

function isList<T>(value: unknown, is: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(is);
}

function isBox(value: unknown): value is [number, number, number, number] {
  if (!Array.isArray(value) || value.length !== 4 || !value.every(isNumber)) return false;
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = value;
  return x1 < x2 && y1 < y2;
}
