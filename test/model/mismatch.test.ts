// An encoder whose embedding does not fit the decoder is refused before anything is on a GPU: there is none here.
import { expect, test } from 'vitest';
import { FAMILIES } from '../../src/checkpoint/recognise.ts';
import type { OpenedModel, OpenedPart } from '../../src/model/load.ts';
import { Model } from '../../src/model/model.ts';
import { MORE_ENCODERS } from '../../src/model/more-encoders.ts';
import type { Engine } from '../../src/runtime/engine.ts';

const PRECISION = { activations: 'f32', weights: 'f32' } as const;

function part(network: string, change: (shapes: Map<string, readonly number[]>) => void = () => {}): OpenedPart {
  const family = FAMILIES.find(({ official }) => official.some(({ name }) => name === network));
  const found = family?.official.find(({ name }) => name === network);
  if (family === undefined || found === undefined) throw new Error(`no ${network}`);
  const shapes = new Map(found.keys());
  change(shapes);
  const { architecture } = family;
  return {
    description: { file: `${network}.safetensors`, architecture, config: found.config, prefix: '' },
    source: {
      names: [...shapes.keys()],
      has: (name) => shapes.has(name),
      shape: (name) => shapes.get(name) ?? [],
      read: async () => expect.unreachable('weights are read'),
    },
    sha256: '',
  };
}

function model(encoder: OpenedPart): Model {
  const parts = { encoder, decoder: part('prompt_guided_mask_decoder') };
  const description = {
    name: 'mixed',
    imageSize: 1024,
    pixelMean: [0, 0, 0],
    pixelStd: [1, 1, 1],
    maskThreshold: 0,
    licence: 'none',
    parts: {},
  } as const;
  const opened: OpenedModel = { description, parts };
  return new Model({} as Engine, opened, PRECISION, MORE_ENCODERS);
}

test('another width of the embedding', () => {
  const narrow = part('mobile_sam', (shapes) => {
    for (const [key, shape] of shapes)
      if (key.startsWith('neck.'))
        shapes.set(
          key,
          shape.map((n) => (n === 256 ? 128 : n)),
        );
  });
  expect(() => model(narrow)).toThrow(
    expect.objectContaining({
      code: 'model-mismatch',
      message: expect.stringMatching(/embedding has 128 channels, the decoder takes 256/),
    }),
  );
});

test('a key that would tell the width is missing', () => {
  const broken = part('mobile_sam', (shapes) => shapes.delete('neck.0.weight'));
  expect(() => model(broken)).toThrow(expect.objectContaining({ code: 'weights' }));
});
