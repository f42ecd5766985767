// Where a model lies, and what tells one from another.

import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';

import { SegEveryError } from '../src/runtime/errors.ts';
import { packageRoot } from './package-root.ts';

/** Published files by the name that a folder made of them is likely to have. */
const PUBLISHED: Readonly<Record<string, string>> = {
  'fastsam-s': 'FastSAM-s.pt',
  'fastsam-x': 'FastSAM-x.pt',
  'mobile-sam': 'mobile_sam.pt',
  'sam-vit-b': 'sam_vit_b_01ec64.pth',
  'sam-vit-l': 'sam_vit_l_0b3195.pth',
  'sam-vit-h': 'sam_vit_h_4b8939.pth',
};

/** The folder of a model, with model.json in it, ending in a separator; the package's own unless named. @throws code `weights` */
export async function modelFolder(named: string | undefined): Promise<string> {
  const folder = resolve(named ?? join(packageRoot(), 'weights'));
  const isFile = await stat(join(folder, 'model.json')).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) {
    const published = PUBLISHED[named?.toLowerCase() ?? ''];
    const how =
      published === undefined
        ? ''
        : `; get ${published} (docs/weights.md) and convert it: segevery convert ${published} --out ${named}`;
    throw new SegEveryError('weights', `${folder} has no model.json, so it is no model folder${how}`);
  }
  return folder + sep;
}

/** sha256 of model.json, hexadecimal. It holds the hash of each part, so it stands for all of them. @throws code `weights` */
export async function modelHash(folder: string): Promise<string> {
  const json = await readFile(join(folder, 'model.json')).catch((cause: unknown) => {
    throw new SegEveryError('weights', `${folder}model.json cannot be read`, { cause });
  });
  return createHash('sha256').update(json).digest('hex');
}
