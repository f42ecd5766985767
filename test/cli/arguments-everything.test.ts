import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Command, parseCommand } from '../../cli/arguments.ts';
import { EVERYTHING_OPTIONS } from '../../cli/arguments-everything.ts';
import { FORMATS } from '../../cli/formats.ts';
import { helpText } from '../../cli/help.ts';

type Everything = Extract<Command, { name: 'everything' }>;
const everything = (...args: string[]) => parseCommand(['everything', 'a.jpg', ...args]) as Everything;

test('defaults are the library’s: nothing is said that the user did not say', () => {
  expect(everything()).toEqual({
    name: 'everything',
    photos: ['a.jpg'],
    settings: { mode: 'objects' },
    pointGrids: undefined,
    channelOrder: undefined,
    model: undefined,
    out: 'out',
    formats: ['json', 'overlay'],
    json: false,
    force: false,
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

test('every option of SAM’s generator goes by its name', () => {
  const options = [
    ['--points-per-side', '8'],
    ['--points-per-batch', '16'],
    ['--pred-iou-thresh', '0.5'],
    ['--stability-score-thresh', '0.25'],
    ['--stability-score-offset', '2'],
    ['--box-nms-thresh', '0.75'],
    ['--crop-n-layers', '1'],
    ['--crop-nms-thresh', '0.125'],
    ['--crop-overlap-ratio', '0.5'],
    ['--crop-n-points-downscale-factor', '2'],
    ['--min-mask-region-area', '100'],
  ].flat();
  expect(everything('--mode', 'grid', ...options).settings).toEqual({
    mode: 'grid',
    pointsPerSide: 8,
    pointsPerBatch: 16,
    predIouThresh: 0.5,
    stabilityScoreThresh: 0.25,
    stabilityScoreOffset: 2,
    boxNmsThresh: 0.75,
    cropNLayers: 1,
    cropNmsThresh: 0.125,
    cropOverlapRatio: 0.5,
    cropNPointsDownscaleFactor: 2,
    minMaskRegionArea: 100,
  });
  expect(everything('--mode', 'grid', '--point-grids', 'grids.json').pointGrids).toBe('grids.json');
});

test('filters are SAM’s two thresholds, and either may be told apart', () => {
  const { settings } = everything('--filters', 'on', '--pred-iou-thresh', '0.7');
  expect(settings).toEqual({ mode: 'objects', predIouThresh: 0.7, stabilityScoreThresh: 0.95 });
  expect(everything('--mode', 'grid', '--filters', 'off').settings).toEqual({
    mode: 'grid',
    predIouThresh: 0,
    stabilityScoreThresh: 0,
  });
});

test('what both modes share, and what the command itself understands', () => {
  const { settings, channelOrder, photos, force, formats } = everything(
    ...['b.jpg', '--batch', '4', '--memory-budget', '256', '--output-mode', 'binary_mask', '--mask-threshold', '-0.5'],
    ...['--channel-order', 'bgr', '--force', '--format', 'svg,coco', '--format', 'masks'],
  );
  expect(settings).toEqual({
    mode: 'objects',
    maskThreshold: -0.5,
    outputMode: 'binary_mask',
    batch: 4,
    memoryBudget: 256 * 2 ** 20,
  });
  expect({ channelOrder, photos, force }).toEqual({ channelOrder: 'bgr', photos: ['a.jpg', 'b.jpg'], force: true });
  expect(formats).toEqual(['json', 'coco', 'svg', 'masks']);
  expect(everything('--format', 'all').formats.length).toBe(10);
});

test('detect takes what the detector takes', () => {
  expect(parseCommand(['detect', 'a.jpg', 'b.jpg', '--conf', '.3', '--max-boxes', '7', '--json'])).toMatchObject({
    name: 'detect',
    photos: ['a.jpg', 'b.jpg'],
    settings: { conf: 0.3, maxBoxes: 7 },
    json: true,
  });
});

const MISTAKES: readonly (readonly [readonly string[], string])[] = [
  [['everything'], 'needs a photo'],
  [['detect'], 'needs a photo'],
  [['detect', 'a.jpg', '--mode', 'grid'], '--mode'],
  [['detect', 'a.jpg', '--iou', '1.5'], 'from 0 to 1'],
  [['everything', 'a.jpg', '--conf', '1.01'], 'from 0 to 1'],
  [['everything', 'a.jpg', '--conf', '-1'], 'from 0 to 1'],
  [['everything', 'a.jpg', '--max-boxes', '0'], 'from 1 to'],
  [['everything', 'a.jpg', '--mode', 'grid', '--crop-n-layers', '7'], 'from 0 to 6'],
  [['everything', 'a.jpg', '--mode', 'grid', '--crop-overlap-ratio', '1'], 'from 0 to less than 1'],
  [['everything', 'a.jpg', '--mode', 'grid', '--box-nms-thresh', '-0.1'], 'from 0 to 1'],
  [
    ['everything', 'a.jpg', '--mode', 'grid', '--crop-n-layers', '3', '--crop-n-points-downscale-factor', '4'],
    'none for layer 3',
  ],
  [['everything', 'a.jpg', '--mode', 'grid', '--points-per-side', '2', '--point-grids', 'x'], 'not both'],
  [['everything', 'a.jpg', '--stability-score-offset', '-1'], 'not below 0'],
  [['everything', 'a.jpg', '--pred-iou-thresh', '1e999'], 'from 0 to 1'],
  [['everything', 'a.jpg', '--batch', '5'], '1 or 4 or 16 or 32'],
  [['everything', 'a.jpg', '--channel-order', 'grb'], 'rgb or bgr'],
  [['everything', 'a.jpg', '--format', 'gif'], '--format gif'],
  [['everything', 'a.jpg', '--json', '--format', 'svg'], '--out'],
  [['everything', 'a.jpg', '--mode', 'grid', '--channel-order', 'rgb'], '--mode grid'],
  [['everything', 'a.jpg', '--mode', 'grid', '--prompt', 'centre'], '--mode grid'],
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

test('every option and every format stands in the help and in docs/everything.md', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../docs/everything.md'), 'utf8');
  const help = helpText('everything');
  const options = Object.keys(EVERYTHING_OPTIONS);
  expect(options.length).toBeGreaterThan(20);
  for (const option of options) {
    expect(docs, option).toContain(`\`--${option} `);
    expect(help, option).toMatch(new RegExp(`^  --${option}\\b`, 'm'));
  }
  for (const [format, end] of Object.entries(FORMATS)) {
    expect(docs).toMatch(new RegExp(`^\\| \`${format}\` \\| \`PHOTO${end.replaceAll('.', '\\.')}[\`/]`, 'm'));
    expect(help, format).toMatch(new RegExp(`\\b${format}\\b`));
  }
});
