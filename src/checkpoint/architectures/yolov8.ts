// YOLOv8 (ultralytics 8.0, models/v8/yolov8.yaml and yolov8-seg.yaml), FastSAM, and MobileSAMv2's object-aware model.
import { type Config, type Family, type FoundShapes, KeyList, type Shapes, UNUSED } from './keys.ts';

export interface Yolov8Config {
  /** Channels at strides 2, 4, 8, 16, 32. */
  readonly widths: readonly number[];
  /** Bottlenecks of the C2f layers 2, 4, 6, 8, 12, 15, 18, 21. */
  readonly repeats: readonly number[];
  readonly num_classes: number;
  readonly reg_max: number;
  /** Mask coefficients of a segmentation head; 0 for none. */
  readonly coefficients: number;
  /** Channels of the mask prototypes' branch; 0 for none. */
  readonly prototypes: number;
}

/** Depth, width, max_channels of yolov8.yaml. */
const SCALES = {
  n: [0.33, 0.25, 1024],
  s: [0.33, 0.5, 1024],
  m: [0.67, 0.75, 768],
  l: [1, 1, 512],
  x: [1, 1.25, 512],
} as const;

export type Yolov8Scale = keyof typeof SCALES;

const C2F = [2, 4, 6, 8, 12, 15, 18, 21] as const;
const COEFFICIENTS = 32;

/** A published size. @param masks without a head for masks, with one whose prototypes were dropped, or with all of it */
export function scaled(
  scale: Yolov8Scale,
  head: Pick<Yolov8Config, 'num_classes' | 'reg_max'>,
  masks: 'none' | 'drop' | 'all',
): Yolov8Config {
  const [depth, width, most] = SCALES[scale];
  const channels = (n: number): number => Math.ceil((Math.min(n, most) * width) / 8) * 8;
  return {
    ...head,
    widths: [64, 128, 256, 512, 1024].map(channels),
    repeats: [3, 6, 6, 3, 3, 3, 3, 3].map((n) => Math.max(1, Math.round(n * depth))),
    coefficients: masks === 'none' ? 0 : COEFFICIENTS,
    prototypes: masks === 'all' ? channels(256) : 0,
  };
}

/** Keys and shapes of these sizes, as the network’s own file names them. */
export function yolov8Keys(c: Yolov8Config): Shapes {
  const list = new KeyList();
  const [p1 = 0, p2 = 0, p3 = 0, p4 = 0, p5 = 0] = c.widths;
  const conv = (key: string, outputs: number, inputs: number, k: number): void =>
    list.convNorm(`model.${key}.conv`, `model.${key}.bn`, outputs, inputs, k);
  const c2f = (layer: (typeof C2F)[number], outputs: number, inputs: number): void => {
    const repeats = c.repeats[C2F.indexOf(layer)] ?? 0;
    const half = outputs / 2;
    conv(`${layer}.cv1`, outputs, inputs, 1);
    conv(`${layer}.cv2`, outputs, (2 + repeats) * half, 1);
    for (let i = 0; i < repeats; i++) {
      conv(`${layer}.m.${i}.cv1`, half, half, 3);
      conv(`${layer}.m.${i}.cv2`, half, half, 3);
    }
  };
  for (const [layer, outputs, inputs] of [
    [0, p1, 3],
    [1, p2, p1],
    [3, p3, p2],
    [5, p4, p3],
    [7, p5, p4],
    [16, p3, p3],
    [19, p4, p4],
  ] as const) {
    conv(`${layer}`, outputs, inputs, 3);
  }
  c2f(2, p2, p2);
  c2f(4, p3, p3);
  c2f(6, p4, p4);
  c2f(8, p5, p5);
  conv('9.cv1', p5 / 2, p5, 1);
  conv('9.cv2', p5, 2 * p5, 1);
  c2f(12, p4, p5 + p4);
  c2f(15, p3, p4 + p3);
  c2f(18, p4, p3 + p4);
  c2f(21, p5, p4 + p5);
  const branch = (name: string, hidden: number, outputs: number): void => {
    for (const [i, inputs] of [p3, p4, p5].entries()) {
      conv(`22.${name}.${i}.0`, hidden, inputs, 3);
      conv(`22.${name}.${i}.1`, hidden, hidden, 3);
      list.conv(`model.22.${name}.${i}.2`, outputs, hidden, 1, true);
    }
  };
  branch('cv2', Math.max(16, Math.floor(p3 / 4), 4 * c.reg_max), 4 * c.reg_max);
  branch('cv3', Math.max(p3, c.num_classes), c.num_classes);
  list.set('model.22.dfl.conv.weight', 1, c.reg_max, 1, 1);
  if (c.coefficients > 0) branch('cv4', Math.max(Math.floor(p3 / 4), c.coefficients), c.coefficients);
  if (c.prototypes > 0) {
    conv('22.proto.cv1', c.prototypes, p3, 3);
    list.conv('model.22.proto.upsample', c.prototypes, c.prototypes, 2, true);
    conv('22.proto.cv2', c.prototypes, c.prototypes, 3);
    conv('22.proto.cv3', c.coefficients, c.prototypes, 1);
  }
  return list.shapes;
}

function derive(shapes: FoundShapes): { config: Config; keys: Shapes } {
  const outputs = (key: string, fallback: number): number => shapes.size(`model.${key}.conv.weight`, 0, fallback);
  const first = outputs('0', 16);
  const has = (branch: string): boolean => shapes.has(`model.22.${branch}.weight`);
  const coefficients = has('cv4.0.2') || has('cv4.1.2') ? shapes.size('model.22.cv4.0.2.weight', 0, COEFFICIENTS) : 0;
  const config: Yolov8Config = {
    widths: [
      first,
      outputs('1', 2 * first),
      outputs('3', 4 * first),
      outputs('5', 8 * first),
      outputs('7', 16 * first),
    ],
    repeats: C2F.map((layer) => shapes.count(`model.${layer}.m`, 'cv1.conv.weight', 'cv2.conv.weight')),
    num_classes: shapes.size('model.22.cv3.0.2.weight', 0, 1),
    reg_max: shapes.size('model.22.cv2.0.2.weight', 0, 64) / 4,
    coefficients,
    prototypes: has('proto.cv1.conv') || has('proto.cv2.conv') ? outputs('22.proto.cv1', 4 * first) : 0,
  };
  return { config: { ...config }, keys: yolov8Keys(config) };
}

const STOCK = { num_classes: 80, reg_max: 16 } as const;
const OFFICIAL: Readonly<Record<string, Yolov8Config>> = {
  object_aware_model: scaled('x', { num_classes: 1, reg_max: 26 }, 'drop'),
  fastsam_s: scaled('s', { num_classes: 1, reg_max: 16 }, 'all'),
  fastsam_x: scaled('x', { num_classes: 1, reg_max: 16 }, 'all'),
  yolov8n: scaled('n', STOCK, 'none'),
  yolov8s: scaled('s', STOCK, 'none'),
  yolov8m: scaled('m', STOCK, 'none'),
  yolov8l: scaled('l', STOCK, 'none'),
  yolov8x: scaled('x', STOCK, 'none'),
};

export const yolov8: Family = {
  architecture: 'yolov8',
  part: 'detector',
  signature: 'model.22.cv2.0.2.weight',
  // Ultralytics sets it when a model is made; torch's default is 1e-5.
  normEps: 1e-3,
  unused: UNUSED,
  derive,
  official: Object.entries(OFFICIAL).map(([name, config]) => ({
    name,
    config: { ...config },
    keys: () => yolov8Keys(config),
  })),
};
