// The command line as data: what it means, and what is refused with which code.
import { expect, test } from 'vitest';
import { type Command, parseCommand } from '../../cli/arguments.ts';

type Segment = Extract<Command, { name: 'segment' }>;
const segment = (...args: string[]) => parseCommand(['segment', 'a.jpg', ...args]) as Segment;
const refusal = (...args: string[]) => {
  try {
    parseCommand(args);
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error(`'${args.join(' ')}' was accepted`);
};

test('all points and one box are one prompt', () => {
  const { prompts } = segment('--point', '1,2', '--point', '3.5,4e1,0', '--box', '0,0,10,20');
  expect(prompts).toEqual([
    {
      points: [
        [1, 2],
        [3.5, 40],
      ],
      labels: [1, 0],
      box: [0, 0, 10, 20],
    },
  ]);
});

test('several boxes are one prompt each, in their order', () => {
  expect(segment('--box', '0,0,1,1', '--box', '2,2,3,3', '--multimask').prompts).toEqual([
    { box: [0, 0, 1, 1], multimask: true },
    { box: [2, 2, 3, 3], multimask: true },
  ]);
});

test('a coordinate may be negative: whether it lies in the photo is known later', () => {
  expect(segment('--point', '-5,3').prompts).toEqual([{ points: [[-5, 3]], labels: [1] }]);
});

test('results go to out/ unless --json asks for them on standard output', () => {
  expect(segment('--point', '1,2')).toMatchObject({ out: 'out', json: false, host: 'chrome', dtype: 'f32' });
  expect(segment('--point', '1,2', '--json').out).toBeUndefined();
  expect(segment('--point', '1,2', '--json', '--out', 'x')).toMatchObject({ out: 'x', json: true });
});

test.each([
  [['segment'], 'needs a photo'],
  [['segment', 'a.jpg', 'b.jpg', '--point', '1,2'], 'b.jpg'],
  [['segment', 'a.jpg', '--point', '1'], '2 or 3 numbers'],
  [['segment', 'a.jpg', '--point', '1,2,3,4'], '2 or 3 numbers'],
  [['segment', 'a.jpg', '--point', 'NaN,2'], "'NaN' is not a number"],
  [['segment', 'a.jpg', '--point', '1,Infinity'], "'Infinity' is not a number"],
  [['segment', 'a.jpg', '--point', '0x10,2'], "'0x10' is not a number"],
  [['segment', 'a.jpg', '--point', '1e999,2'], "'1e999' is not a number"],
  [['segment', 'a.jpg', '--point', ',2'], "'' is not a number"],
  [['segment', 'a.jpg', '--point', '1,2,7'], 'label'],
  [['segment', 'a.jpg', '--box', '1,2,3'], '4 numbers'],
  [['segment', 'a.jpg', '--point', '1,2', '--box', '0,0,1,1', '--box', '2,2,3,3'], '--prompts'],
  [['segment', 'a.jpg', '--prompts', 'p.json', '--multimask'], '--multimask'],
  [['segment', 'a.jpg', '--point', '1,2', '--host', 'firefox'], 'chrome or dawn'],
  [['segment', 'a.jpg', '--point', '1,2', '--dtype', 'f64'], 'f32 or f16'],
  [['verify', 'dir', '--tiling', 'round'], 'register or workgroup'],
  [['segment', 'a.jpg', '--nonsense'], '--nonsense'],
  [['verify'], 'one folder'],
  [['verify', 'a', 'b'], 'one folder'],
  [['doctor', 'a'], "no 'a'"],
  [['segmnt'], "no command 'segmnt'"],
])('%j is a usage error', (args, message) => {
  expect(refusal(...args)).toMatchObject({ code: 'usage', message: expect.stringContaining(message) as string });
});

test.each([[['--box', '5,0,1,9']], [['--box', '1,5,9,5']], [[]]])('%j is no prompt', (args) => {
  expect(refusal('segment', 'a.jpg', ...args).code).toBe('prompt');
});

test('--case can be repeated', () => {
  const args = ['--case', 'a', '--case', 'b', '--host', 'dawn', '--dtype', 'f16', '--tiling', 'workgroup'];
  expect(parseCommand(['verify', 'dir', ...args])).toEqual({
    name: 'verify',
    folder: 'dir',
    cases: ['a', 'b'],
    tiling: 'workgroup',
    host: 'dawn',
    dtype: 'f16',
    software: false,
  });
});
