// Keys and shapes of YOLOv8's variants (reference: models/v8/yolov8.yaml), with a detection or a segmentation head, with or without prototypes.
import type { Shapes } from './shapes.ts';

export interface Yolov8Config {
  readonly variant: string;
  readonly num_classes: number;
  readonly reg_max: number;
}

/** depth, width, max_channels. */
const VARIANTS: Readonly<Record<string, readonly [number, number, number]>> = {
  n: [0.33, 0.25, 1024],
  s: [0.33, 0.5, 1024],
  m: [0.67, 0.75, 768],
  l: [1, 1, 512],
  x: [1, 1.25, 512],
};

const COEFFICIENTS = 32;
const PROTOTYPES = 256; // channels before the prototypes, of a network of width 1

export function yolov8Shapes(c: Yolov8Config, segment: boolean, prototypes = false): Shapes {
  const variant = VARIANTS[c.variant];
  if (variant === undefined) throw new Error(`no YOLOv8 is called ${c.variant}`);
  const [depth, width, most] = variant;
  const shapes: Shapes = new Map();
  const set = (key: string, ...shape: number[]): void => void shapes.set(`model.${key}`, shape);
  const conv = (key: string, out: number, inputs: number, k: number): number => {
    set(`${key}.conv.weight`, out, inputs, k, k);
    for (const stat of ['weight', 'bias', 'running_mean', 'running_var']) set(`${key}.bn.${stat}`, out);
    return out;
  };
  const c2f = (index: number, out: number, inputs: number, repeats: number): number => {
    const n = Math.max(Math.round(repeats * depth), 1);
    const half = out / 2;
    conv(`${index}.cv1`, out, inputs, 1);
    conv(`${index}.cv2`, out, (2 + n) * half, 1);
    for (let i = 0; i < n; i++) for (const part of ['cv1', 'cv2']) conv(`${index}.m.${i}.${part}`, half, half, 3);
    return out;
  };
  const [p1, p2, p3, p4, p5] = [64, 128, 256, 512, 1024].map((n) => Math.ceil((Math.min(n, most) * width) / 8) * 8) as [
    number,
    number,
    number,
    number,
    number,
  ];
  conv('0', p1, 3, 3);
  c2f(2, conv('1', p2, p1, 3), p2, 3);
  c2f(4, conv('3', p3, p2, 3), p3, 6);
  c2f(6, conv('5', p4, p3, 3), p4, 6);
  c2f(8, conv('7', p5, p4, 3), p5, 3);
  conv('9.cv1', p5 / 2, p5, 1);
  conv('9.cv2', p5, 2 * p5, 1);
  c2f(12, p4, p5 + p4, 3);
  c2f(15, p3, p4 + p3, 3);
  conv('16', p3, p3, 3);
  c2f(18, p4, p3 + p4, 3);
  conv('19', p4, p4, 3);
  c2f(21, p5, p4 + p5, 3);
  const widths = [p3, p4, p5];
  const branch = (name: string, hidden: number, out: number): void => {
    for (const [i, inputs] of widths.entries()) {
      conv(`22.${name}.${i}.0`, hidden, inputs, 3);
      conv(`22.${name}.${i}.1`, hidden, hidden, 3);
      set(`22.${name}.${i}.2.weight`, out, hidden, 1, 1);
      set(`22.${name}.${i}.2.bias`, out);
    }
  };
  branch('cv2', Math.max(16, Math.floor(p3 / 4), 4 * c.reg_max), 4 * c.reg_max);
  branch('cv3', Math.max(p3, c.num_classes), c.num_classes);
  set('22.dfl.conv.weight', 1, c.reg_max, 1, 1);
  if (segment) branch('cv4', Math.max(Math.floor(p3 / 4), COEFFICIENTS), COEFFICIENTS);
  if (prototypes) {
    const hidden = Math.ceil((Math.min(PROTOTYPES, most) * width) / 8) * 8;
    conv('22.proto.cv1', hidden, p3, 3);
    set('22.proto.upsample.weight', hidden, hidden, 2, 2);
    set('22.proto.upsample.bias', hidden);
    conv('22.proto.cv2', hidden, hidden, 3);
    conv('22.proto.cv3', COEFFICIENTS, hidden, 1);
  }
  return shapes;
}
