// GPU memory of MobileSAM at 1024 with a batch of 16 prompts, weights included, as the plans state it before anything is allocated.
import { expect, test } from 'vitest';
import { onHost } from '../browser.ts';

test('MobileSAM at 1024 with 16 prompts takes at most 320 MiB', async () => {
  const bytes = await onHost<{ total: number }>('chrome', 'model/memory:mobileSam', { prompts: 16 });
  expect(bytes.total, JSON.stringify(bytes)).toBeLessThanOrEqual(320 * 2 ** 20);
  expect(bytes.total).toBeGreaterThan(40 * 2 ** 20);
});
