// Where the results of each photo go: paths that are one photo's alone, whatever photos are called.

import { dirname, extname, join, resolve, sep } from 'node:path';

import { SegEveryError } from '../src/runtime/errors.ts';
import type { PhotoFile } from './photos.ts';

/**
 * The stem of each photo's outputs, in the order of the photos: `OUT/NAME` without its extension. Photos whose outputs would
 * meet keep the extension (`a.jpg`, `a.png`), and if they still meet, the folders that tell them apart, and at last a number.
 *
 * @param suffixes endings of the files that a photo gets, e.g. `.json`
 * @param reserved names in the output folder that are taken already
 * @throws code `usage` when an output would replace a photo
 */
export function outputStems(
  photos: readonly PhotoFile[],
  out: string,
  suffixes: readonly string[],
  reserved: readonly string[] = [],
): string[] {
  const plain = photos.map(({ name }) => name.slice(0, name.length - extname(name).length) || name);
  const common = commonFolder(photos.map(({ path }) => path));
  const wider = photos.map(({ path }) => resolve(path).slice(common.length).split(sep).join('/'));
  let names = plain;
  for (const next of [photos.map(({ name }) => name), wider]) {
    const meeting = meetings(names, suffixes, reserved);
    if (meeting.size === 0) break;
    names = names.map((name, i) => (meeting.has(i) ? (next[i] ?? name) : name));
  }
  const stems = numbered(names, suffixes, reserved).map((name) => join(out, name));
  const inputs = new Set(photos.map(({ path }) => resolve(path)));
  for (const stem of stems) {
    const hit = suffixes.find((suffix) => inputs.has(resolve(stem + suffix)));
    if (hit !== undefined)
      throw new SegEveryError('usage', `${stem}${hit} is a photo itself and would be replaced; choose another --out`);
  }
  return stems;
}

/** Indices of names whose outputs meet those of another; case does not tell files apart everywhere. */
function meetings(names: readonly string[], suffixes: readonly string[], reserved: readonly string[]): Set<number> {
  const owners = new Map<string, number>(reserved.map((name) => [name.toLowerCase(), -1]));
  const found = new Set<number>();
  names.forEach((name, i) => {
    for (const suffix of suffixes) {
      const path = (name + suffix).toLowerCase();
      const other = owners.get(path);
      if (other === undefined) owners.set(path, i);
      else if (other !== i) {
        found.add(i);
        found.add(other);
      }
    }
  });
  return found;
}

/** Names whose outputs meet none of another, with numbers where nothing else helps (`a` beside `a.labels`). */
function numbered(names: readonly string[], suffixes: readonly string[], reserved: readonly string[]): string[] {
  const meeting = meetings(names, suffixes, reserved);
  if (meeting.size === 0) return [...names];
  const taken = new Set(reserved.map((name) => name.toLowerCase()));
  const paths = (name: string): string[] => suffixes.map((suffix) => (name + suffix).toLowerCase());
  const take = (name: string): string => {
    for (const path of paths(name)) taken.add(path);
    return name;
  };
  names.forEach((name, i) => {
    if (!meeting.has(i)) take(name);
  });
  return names.map((name, i) => {
    if (!meeting.has(i)) return name;
    let free = name;
    for (let n = 2; paths(free).some((path) => taken.has(path)); n++) free = `${name}-${n}`;
    return take(free);
  });
}

/** The longest folder, ending in a separator, that holds all paths. */
function commonFolder(paths: readonly string[]): string {
  const [first, ...others] = paths.map((path) => dirname(resolve(path)) + sep);
  let common = first ?? '';
  for (const other of others) {
    while (!other.startsWith(common)) common = common.slice(0, common.lastIndexOf(sep, common.length - 2) + 1);
  }
  return common;
}
