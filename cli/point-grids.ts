// The file of `--point-grids`: SAM's `point_grids` as JSON, a list of [x, y] for each layer of crops, from 0 to 1.

import { readFile, stat } from 'node:fs/promises';

import { check, SegEveryError } from '../src/runtime/errors.ts';

const LIMIT_BYTES = 64 * 2 ** 20;

type Grid = readonly (readonly [number, number])[];

/**
 * Reads and checks the file.
 *
 * @param layers of crops; the photo itself is one more grid
 * @throws code `io` when it cannot be read, `usage` for what is wrong in it
 */
export async function readPointGrids(path: string, layers: number): Promise<readonly Grid[]> {
  const unreadable = (cause: unknown): never => {
    throw new SegEveryError('io', `the file of point grids ${path} cannot be read`, { cause });
  };
  const { size } = await stat(path).catch(unreadable);
  check(size <= LIMIT_BYTES, 'usage', `${path}: ${size} bytes; a file of point grids has at most ${LIMIT_BYTES}`);
  const grids = parsePointGrids(await readFile(path, 'utf8').catch(unreadable), path);
  const needed = `${layers + 1} are needed, one for the photo and one for each layer of --crop-n-layers`;
  check(grids.length === layers + 1, 'usage', `${path} has ${grids.length} grids; ${needed}`);
  return grids;
}

/** Point grids of a JSON text; `where` begins the messages. @throws code `usage` */
export function parsePointGrids(json: string, where: string): readonly Grid[] {
  let grids: unknown;
  try {
    grids = JSON.parse(json.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new SegEveryError('usage', `${where} is not JSON`, { cause });
  }
  check(Array.isArray(grids) && grids.length > 0, 'usage', `${where}: a list of grids is needed, [[[x, y]]]`);
  for (const [i, grid] of grids.entries())
    check(
      Array.isArray(grid) && grid.length > 0 && grid.every(isPoint),
      'usage',
      `${where}: grid ${i} is not a list of [x, y], each from 0 to 1`,
    );
  return grids as Grid[];
}

function isPoint(value: unknown): boolean {
  const inside = (v: unknown): boolean => typeof v === 'number' && v >= 0 && v <= 1;
  return Array.isArray(value) && value.length === 2 && value.every(inside);
}
