// Keys and shapes of the official architectures for a case's constructor hyper-parameters.
import { type EfficientVitConfig, efficientVitKeys } from '../../src/checkpoint/architectures/efficient-vit.ts';
import type { Shapes } from '../../src/checkpoint/architectures/keys.ts';
import { type TinyVitConfig as FullTinyVitConfig, tinyVitKeys } from '../../src/checkpoint/architectures/tiny-vit.ts';
import { type VitConfig, vitKeys } from '../../src/checkpoint/architectures/vit.ts';
import { scaled, type Yolov8Scale, yolov8Keys } from '../../src/checkpoint/architectures/yolov8.ts';

export { type DecoderShapeConfig, decoderShapes } from '../../src/self-test/decoder-shapes.ts';
export type { EfficientVitConfig, Shapes, VitConfig };

/** As its constructor takes it: the width of the neck has a default, and the side of the input changes no shape. */
export type TinyVitConfig = Omit<FullTinyVitConfig, 'out_chans'> & {
  readonly img_size: number;
  readonly out_chans?: number;
};

/** A detector of a case. */
export interface Yolov8Config {
  readonly variant: string;
  readonly num_classes: number;
  readonly reg_max: number;
}

const prefixed = (keys: Shapes, prefix: string): Shapes =>
  new Map([...keys].map(([key, shape]) => [prefix + key, shape]));

export function tinyVitShapes(c: TinyVitConfig, prefix = 'image_encoder.'): Shapes {
  return prefixed(tinyVitKeys({ ...c, out_chans: c.out_chans ?? 256 }), prefix);
}

export function vitShapes(c: VitConfig, prefix = 'image_encoder.'): Shapes {
  return prefixed(vitKeys(c), prefix);
}

export function efficientVitShapes(c: EfficientVitConfig, prefix = 'image_encoder.'): Shapes {
  return prefixed(efficientVitKeys(c), prefix);
}

/** With a detection head, or one for masks too, with or without their prototypes. */
export function yolov8Shapes(c: Yolov8Config, segment: boolean, prototypes = false): Shapes {
  const { num_classes, reg_max } = c;
  const masks = prototypes ? 'all' : segment ? 'drop' : 'none';
  return yolov8Keys(scaled(c.variant as Yolov8Scale, { num_classes, reg_max }, masks));
}
