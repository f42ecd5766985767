// Photos on Node against pixels that Pillow and the formats' own libraries made.

import { describe, expect, test } from 'vitest';
import { decodePhotoNode } from '../../cli/host/decode-node.ts';
import { verifyPhoto } from '../../cli/verify/photo.ts';
import { goldenReader } from './golden.ts';

const verdicts = await verifyPhoto(await goldenReader(), (bytes) => decodePhotoNode(bytes));

describe('golden photos on Node', () => {
  test.each(verdicts)('$id', ({ id, passed, error, tolerance, reason }) => {
    expect(passed, `${id}: ${error}/${tolerance} ${reason}`).toBe(true);
  });
});
