// Where a model lies, and what tells one from another.

import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';

import { SegEveryError } from '../src/runtime/errors.ts';
import { packageRoot } from './package-root.ts';

/** The folder of a model, with model.json in it, ending in a separator; the package's own unless named. @throws code `weights` */
export async function modelFolder(named: string | undefined): Promise<string> {
  const folder = resolve(named ?? join(packageRoot(), 'weights'));
  const isFile = await stat(join(folder, 'model.json')).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) throw new SegEveryError('weights', `${folder} has no model.json, so it is no model folder`);
  return folder + sep;
}

/** sha256 of model.json, hexadecimal. It holds the hash of each part, so it stands for all of them. @throws code `weights` */
export async function modelHash(folder: string): Promise<string> {
  const json = await readFile(join(folder, 'model.json')).catch((cause: unknown) => {
    throw new SegEveryError('weights', `${folder}model.json cannot be read`, { cause });
  });
  return createHash('sha256').update(json).digest('hex');
}
