// model.json: what a model folder holds. Checked field by field, since folders come from anywhere.
import { check, SegEveryError } from '../runtime/errors.ts';

/** One part of a model: a safetensors file and what it is. */
export interface PartDescription {
  readonly file: string;
  readonly sha256?: string;
  readonly bytes?: number;
  readonly architecture: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Prefix of the part's keys in the file, e.g. `image_encoder.`. */
  readonly prefix: string;
}

export type PartName = 'encoder' | 'decoder' | 'detector';

export interface ModelDescription {
  readonly name: string;
  /** Side of the model's square input, pixels. */
  readonly imageSize: number;
  /** RGB, in levels. */
  readonly pixelMean: readonly [number, number, number];
  readonly pixelStd: readonly [number, number, number];
  readonly maskThreshold: number;
  readonly licence: string;
  readonly parts: Readonly<Partial<Record<PartName, PartDescription>>>;
}

const MAX_SIDE = 4096;

/** @throws code `weights` with the field that is off. */
export function parseModelDescription(json: unknown, where = 'model.json'): ModelDescription {
  const root = record(json, where);
  check(root.format === 1, 'weights', `${where}: format is ${String(root.format)}; this version reads format 1`);
  const imageSize = integer(root.image_size, `${where}: image_size`, 32, MAX_SIDE);
  check(imageSize % 32 === 0, 'weights', `${where}: image_size ${imageSize} is not a multiple of 32`);
  const parts: Partial<Record<PartName, PartDescription>> = {};
  const listed = record(root.parts, `${where}: parts`);
  for (const name of ['encoder', 'decoder', 'detector'] as const) {
    if (listed[name] !== undefined) parts[name] = part(listed[name], `${where}: parts.${name}`);
  }
  // A detector alone may be FastSAM.
  const { encoder, decoder, detector } = parts;
  check(
    encoder === undefined ? decoder === undefined && detector !== undefined : decoder !== undefined,
    'weights',
    `${where}: parts needs an encoder and a decoder`,
  );
  return {
    name: text(root.name, `${where}: name`),
    imageSize,
    pixelMean: triple(root.pixel_mean, `${where}: pixel_mean`),
    pixelStd: triple(root.pixel_std, `${where}: pixel_std`, Number.MIN_VALUE),
    maskThreshold: finite(root.mask_threshold ?? 0, `${where}: mask_threshold`),
    licence: root.licence === undefined ? 'unknown' : text(root.licence, `${where}: licence`),
    parts,
  };
}

function part(json: unknown, where: string): PartDescription {
  const fields = record(json, where);
  const file = text(fields.file, `${where}.file`);
  // The file is fetched beside model.json: a name, never a path or an address.
  check(/^[\w][\w.-]*$/.test(file), 'weights', `${where}.file: "${file}" is not a plain file name`);
  const sha256 = fields.sha256;
  if (sha256 !== undefined) {
    check(
      typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256),
      'weights',
      `${where}.sha256 is not 64 hexadecimal digits`,
    );
  }
  return {
    file,
    ...(typeof sha256 === 'string' ? { sha256 } : {}),
    ...(fields.bytes === undefined ? {} : { bytes: integer(fields.bytes, `${where}.bytes`, 8, 2 ** 40) }),
    architecture: text(fields.architecture, `${where}.architecture`),
    config: fields.config === undefined ? {} : record(fields.config, `${where}.config`),
    prefix:
      fields.prefix === undefined
        ? ''
        : typeof fields.prefix === 'string'
          ? fields.prefix
          : text(fields.prefix, `${where}.prefix`),
  };
}

function record(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SegEveryError('weights', `${where} is not an object`);
  }
  return value as Record<string, unknown>;
}

function text(value: unknown, where: string): string {
  if (typeof value !== 'string' || value.length === 0) throw new SegEveryError('weights', `${where} is not a text`);
  return value;
}

/** A number of a config between bounds; `fallback` where the config leaves it out. */
export function integer(value: unknown, where: string, low: number, high: number, fallback?: number): number {
  if (value === undefined && fallback !== undefined) return fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
    throw new SegEveryError('weights', `${where} is ${String(value)}, not a whole number from ${low} to ${high}`);
  }
  return value;
}

export function finite(value: unknown, where: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new SegEveryError('weights', `${where} is not a number`);
  return value;
}

function triple(value: unknown, where: string, least = Number.NEGATIVE_INFINITY): [number, number, number] {
  if (!Array.isArray(value) || value.length !== 3) throw new SegEveryError('weights', `${where} is not three numbers`);
  const [r, g, b] = value.map((v) => finite(v, where)) as [number, number, number];
  check(Math.min(r, g, b) >= least, 'weights', `${where} holds a number that is not positive`);
  return [r, g, b];
}
