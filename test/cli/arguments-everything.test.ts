import { expect, test } from 'vitest';
import { type Command, parseCommand } from '../../cli/arguments.ts';

type Everything = Extract<Command, { name: 'everything' }>;
const everything = (...args: string[]) => parseCommand(['everything', 'a.jpg', ...args]) as Everything;

test('defaults are the library’s: nothing is said that the user did not say', () => {
  expect(everything()).toEqual({
    name: 'everything',
    photo: 'a.jpg',
    settings: { mode: 'objects' },
    model: undefined,
    out: 'out',
    json: false,
    host: 'chrome',
    dtype: 'f32',
    software: false,
  });
  expect(everything('--json').out).toBeUndefined();
});

test('options of both modes', () => {
  expect(
    everything('--conf', '0.4', '--iou=.9', '--max-boxes', '64', '--prompt', 'centre', '--masks', 'best').settings,
  ).toEqual({ mode: 'objects', conf: 0.4, iou: 0.9, maxBoxes: 64, prompt: 'centre', masks: 'best' });
  expect(
    everything('--mode', 'grid', '--points-per-side', '16', '--pred-iou-thresh', '0', '--min-mask-region-area', '100')
      .settings,
  ).toEqual({ mode: 'grid', pointsPerSide: 16, predIouThresh: 0, minMaskRegionArea: 100 });
});

const MISTAKES: readonly (readonly [readonly string[], string])[] = [
  [['everything'], 'needs a photo'],
  [['everything', 'a.jpg', 'b.jpg'], 'b.jpg'],
  [['everything', 'a.jpg', '--mode', 'all'], 'objects or grid'],
  [['everything', 'a.jpg', '--conf', 'high'], '--conf high'],
  [['everything', 'a.jpg', '--conf', 'NaN'], '--conf NaN'],
  [['everything', 'a.jpg', '--max-boxes', '3.5'], 'a whole number'],
  [['everything', 'a.jpg', '--points-per-side', '16'], '--mode objects'],
  [['everything', 'a.jpg', '--mode', 'grid', '--conf', '0.4'], '--mode grid'],
  [['everything', 'a.jpg', '--masks', 'two'], 'single or best or all'],
];

for (const [args, message] of MISTAKES) {
  test(`mistake: ${args.join(' ')}`, () => {
    expect(() => parseCommand(args)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) }),
    );
  });
}

test('help', () => {
  expect(parseCommand(['everything', '--help'])).toEqual({ name: 'help', about: 'everything' });
});
