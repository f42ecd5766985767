// Checks of values that come out of JSON.

import { check } from '../runtime/errors.ts';
import type { Xywh } from './overlaps.ts';

/** The fields of an object. @throws `usage`, with `place`, for anything else */
export function fieldsOf(value: unknown, place: string): Readonly<Record<string, unknown>> {
  check(typeof value === 'object' && value !== null && !Array.isArray(value), 'usage', `${place} is no object`);
  return value as Readonly<Record<string, unknown>>;
}

export const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** Ids are whole numbers; both libraries index by them. */
export const isId = (value: unknown): value is number => Number.isSafeInteger(value);

/** [x, y, w, h] with w and h not negative. */
export const isXywh = (value: unknown): value is Xywh =>
  Array.isArray(value) && value.length === 4 && value.every(isNumber) && Number(value[2]) >= 0 && Number(value[3]) >= 0;
