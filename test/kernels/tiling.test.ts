import { expect, test } from 'vitest';
import { onHost } from '../browser.ts';

// SwiftShader runs a workgroup's threads one after the other, and each barrier switches between them (docs/decisions.md).
test('register tiles win on SwiftShader', async () => {
  const found = await onHost<{ tiling: string; software: boolean }>('chrome', 'kernels/tiling:measure');
  expect(found).toEqual({ tiling: 'register', software: true });
});
