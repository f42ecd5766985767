// From a checkpoint to masks: the golden case of a small MobileSAM, its weights saved as torch saves them, converted in the page from a
// File, loaded as a model folder, and run by the engine; PyTorch's numbers judge.
import { expect, test } from 'vitest';
import { onHost } from '../browser.ts';

test('a converted checkpoint gives the masks of PyTorch', async () => {
  const { parts, lines } = await onHost<{
    parts: { part: string; network: string }[];
    lines: { output: string; error: number; tolerance: number }[];
  }>('chrome', 'checkpoint/run:mini');
  expect(parts.map(({ part, network }) => `${part} ${network}`)).toEqual([
    'encoder tiny_vit',
    'decoder prompt_guided_mask_decoder',
  ]);
  expect(lines.length).toBeGreaterThan(5);
  expect(lines.filter(({ error, tolerance }) => !(error <= tolerance))).toEqual([]);
});
