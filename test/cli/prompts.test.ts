// The prompts file: what it holds, and that nothing doubtful is guessed at.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parsePrompts, readPrompts } from '../../cli/prompts.ts';

test('prompts keep their order and what they hold', () => {
  const prompts = [{ points: [[1, 2]], labels: [0], multimask: false }, { box: [0, 0.5, 3, 4] }];
  expect(parsePrompts(JSON.stringify(prompts), 'p')).toEqual(prompts);
});

test.each([
  ['', 'not JSON'],
  ['{"points": [[1, 2]]}', 'a list of prompts'],
  ['[]', 'no prompt'],
  ['[null]', 'prompt 0 is not an object'],
  ['[{"box": [0,0,1,1]}, {}]', 'prompt 1 has neither'],
  ['[{"point": [1, 2]}]', "'point'"],
  ['[{"points": [1, 2]}]', 'points are a list'],
  ['[{"points": [[1, "2"]]}]', 'points are a list'],
  ['[{"points": [[1, 1e999]]}]', 'points are a list'],
  ['[{"points": [[1, null]]}]', 'points are a list'],
  ['[{"points": [[1, 2]], "labels": [2]}]', 'labels are'],
  ['[{"points": [[1, 2]], "labels": []}]', '0 labels for 1 points'],
  ['[{"box": [0,0,1,1], "labels": [1]}]', '1 labels for 0 points'],
  ['[{"box": [5,0,1,1]}]', 'x1 < x2'],
  ['[{"box": [1,1,1,2]}]', 'x1 < x2'],
  ['[{"box": [1,1,2]}]', 'x1 < x2'],
  ['[{"box": [0,0,1,1], "multimask": 1}]', 'true or false'],
])('%s is refused', (json, message) => {
  expect(() => parsePrompts(json, 'p')).toThrow(
    expect.objectContaining({ code: 'prompt', message: expect.stringContaining(message) as string }) as Error,
  );
});

test('a file that is not there is an error of reading', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'segevery-prompts-'));
  await expect(readPrompts(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'io' });
  await expect(readPrompts(folder)).rejects.toMatchObject({ code: 'io' });
  await writeFile(join(folder, 'large.json'), ' '.repeat(17 * 2 ** 20));
  await expect(readPrompts(join(folder, 'large.json'))).rejects.toMatchObject({ code: 'prompt' });
  await rm(folder, { recursive: true });
});
