// YOLOv8 (ultralytics 8.0, models/v8/yolov8.yaml, nn/modules/{conv,block,head}.py): all sizes from the checkpoint's shapes. Also its neck and
// head on an image encoder's trunk, so that one run of the trunk serves masks and boxes.
import { concat } from '../kernels/concat.ts';
import { convTranspose2d } from '../kernels/conv-transpose2d.ts';
import { conv2d } from '../kernels/conv2d.ts';
import { type DetectionTensors, detect } from '../kernels/detect.ts';
import { maxPool2d } from '../kernels/max-pool2d.ts';
import { resize } from '../kernels/resize.ts';
import { check } from '../runtime/errors.ts';
import type { Graph, WeightRef } from '../runtime/graph.ts';
import { channels, dims, type Tensor } from '../runtime/tensor.ts';
import { conv } from './layers.ts';
import { type ConvNames, denseConv, transposedConv, UNUSED_KEYS, type Weights } from './weights.ts';

/** Ultralytics sets it when a model is made; PyTorch's default is 1e-5. */
const BN_EPS = 1e-3;

const STRIDES = [8, 16, 32] as const;

const CONV: ConvNames = { conv: 'conv', norm: 'bn', eps: BN_EPS };

/** Keys that boxes do not need: the bins' numbers, mask coefficients (MobileSAMv2 drops them), mask prototypes. */
export const YOLOV8_UNUSED: readonly RegExp[] = [...UNUSED_KEYS, /\.dfl\.conv\.weight$/, /\.cv4\./, /\.proto\./];

/** The head's maps of one level. */
export interface HeadLevel {
  /** elem [1, h, w, 4 R]: channel side * R + bin; left, top, right, bottom. */
  readonly distances: Tensor;
  /** elem [1, h, w, classes padded to a multiple of 4], before the sigmoid. */
  readonly logits: Tensor;
  /** elem [1, h, w, 32] of a segmentation head, where they were asked for. */
  readonly coefficients?: Tensor;
  /** Pixels a cell. */
  readonly stride: number;
}

export interface HeadOptions {
  /** Compute a segmentation head's mask coefficients too. */
  readonly coefficients?: boolean;
}

/** What a segmentation network gives. */
export interface Segmentation {
  readonly levels: HeadLevel[];
  /** elem [1, H/4, W/4, 32]: masks are the coefficients' sums of them. */
  readonly prototypes: Tensor;
}

/** Maps at strides 8, 16 and 32. */
export interface TrunkMaps {
  readonly f8: Tensor;
  readonly f16: Tensor;
  readonly f32: Tensor;
}

/** Number of classes, from the head's weights. */
export function classCount(w: Weights): number {
  return w.at('model', 22, 'cv3', 0).shape('2.weight', [1, 64, 1, 1])[0] as number;
}

/** image [1, H, W, 4] (H, W multiples of 32; RGB or BGR in 0 to 1, as the checkpoint was trained) -> the head's maps at strides 8, 16, 32. */
export function yolov8(g: Graph, image: Tensor, w: Weights, o: HeadOptions = {}): HeadLevel[] {
  return network(g, image, w, o).levels;
}

/** As `yolov8`, with a segmentation head: coefficients too, and the prototypes of the masks (nn/modules/head.py, Segment). */
export function yolov8Segmentation(g: Graph, image: Tensor, w: Weights): Segmentation {
  const { levels, fine } = network(g, image, w, { coefficients: true });
  return { levels, prototypes: g.scope('proto', () => prototypes(g, fine, w.at('model', 22, 'proto'))) };
}

/** The head's maps, and what its finest level reads. */
function network(g: Graph, image: Tensor, w: Weights, o: HeadOptions): { levels: HeadLevel[]; fine: Tensor } {
  const [, height, width] = dims(image, 4);
  check(height % 32 === 0 && width % 32 === 0, 'shape', `YOLOv8: ${height} x ${width} are not multiples of 32`);
  let x = module(g, image, w, 0, 2);
  x = module(g, x, w, 1, 2);
  x = c2f(g, x, w, 2, true);
  const f8 = c2f(g, module(g, x, w, 3, 2), w, 4, true);
  const f16 = c2f(g, module(g, f8, w, 5, 2), w, 6, true);
  x = c2f(g, module(g, f16, w, 7, 2), w, 8, true);
  return neckAndHead(g, { f8, f16, f32: spatialPyramidPooling(g, x, w) }, w, o);
}

/** Proto: a 3x3, a transposed 2x2 that doubles the map, a 3x3, a 1x1; its last convolution has norm and SiLU like the others. */
function prototypes(g: Graph, fine: Tensor, w: Weights): Tensor {
  const x = block(g, fine, w.at('cv1'));
  const { weight, bias } = transposedConv(w, 'upsample', channels(x), channels(x));
  const y = convTranspose2d(g, x, g.weight(weight), bias ? { bias: g.weight(bias) } : {});
  return block(g, block(g, y, w.at('cv2')), w.at('cv3'));
}

/** The default model's detector: a 1x1 convolution in place of the pyramid pooling, then YOLOv8's neck and head on the encoder's trunk. */
export function yolov8OnTrunk(g: Graph, trunk: TrunkMaps, w: Weights): HeadLevel[] {
  return neckAndHead(g, { ...trunk, f32: module(g, trunk.f32, w, 9) }, w, {}).levels;
}

/** Boxes and scores of all anchors, levels one after the other, each by rows. */
export function decodeLevels(g: Graph, levels: readonly HeadLevel[], classes: number): DetectionTensors {
  const anchors = levels.map(({ distances }) => {
    const [, height, width] = dims(distances, 4);
    return height * width;
  });
  const total = anchors.reduce((a, b) => a + b, 0);
  const out: DetectionTensors = {
    boxes: g.tensor('boxes', [total, 4], 'f32'),
    scores: g.tensor('scores', [total], 'f32'),
    classes: g.tensor('classes', [total], 'u32'),
  };
  let first = 0;
  for (const [i, { distances, logits, stride }] of levels.entries()) {
    detect(g, distances, logits, { classes, stride, first, out });
    first += anchors[i] as number;
  }
  return out;
}

/** Top-down, then bottom-up (PANet), then a head a level. */
function neckAndHead(
  g: Graph,
  { f8, f16, f32 }: TrunkMaps,
  w: Weights,
  o: HeadOptions,
): { levels: HeadLevel[]; fine: Tensor } {
  const middle = c2f(g, concat(g, [upsample(g, f32, f16), f16]), w, 12, false);
  const low = c2f(g, concat(g, [upsample(g, middle, f8), f8]), w, 15, false);
  const middle2 = c2f(g, concat(g, [module(g, low, w, 16, 2), middle]), w, 18, false);
  const high = c2f(g, concat(g, [module(g, middle2, w, 19, 2), f32]), w, 21, false);
  return { levels: [low, middle2, high].map((x, i) => headLevel(g, x, w.at('model', 22), i, o)), fine: low };
}

function headLevel(g: Graph, x: Tensor, w: Weights, level: number, o: HeadOptions): HeadLevel {
  // Two 3x3 convolutions with norm, and a 1x1 with a bias.
  const branch = (name: string, fallback: number): Tensor =>
    g.scope(`${name}.${level}`, () => {
      const own = w.at(name, level);
      const y = block(g, block(g, x, own.at(0)), own.at(1));
      const [outputs] = own.shape('2.weight', [fallback, channels(y), 1, 1]) as [number];
      return conv(g, y, own, { conv: '2', bias: true }, outputs, { kernel: 1 });
    });
  const distances = branch('cv2', 64);
  check(channels(distances) % 4 === 0, 'weights', `the head's box branch has ${channels(distances)} channels, not 4 R`);
  return {
    distances,
    logits: branch('cv3', 1),
    ...(o.coefficients === true ? { coefficients: branch('cv4', 32) } : {}),
    stride: STRIDES[level] as number,
  };
}

/** Layer `model.N`, a convolution with norm and SiLU. */
function module(g: Graph, x: Tensor, w: Weights, index: number, stride = 1): Tensor {
  return g.scope(`model.${index}`, () => block(g, x, w.at('model', index), stride));
}

/** Convolution, BatchNorm, SiLU, and `residual` behind them; padding is half the kernel. */
function block(g: Graph, x: Tensor, w: Weights, stride = 1, residual?: Tensor): Tensor {
  const [outputs, inputs, kernel] = w.shape('conv.weight', [channels(x), channels(x), 3, 3]) as [
    number,
    number,
    number,
  ];
  return conv(g, x, w, CONV, outputs, {
    kernel,
    stride,
    padding: kernel >> 1,
    activation: 'silu',
    // The first layer's three channels lie in four.
    ...(inputs === 3 ? { inputs } : {}),
    ...(residual ? { residual, residualAfter: true } : {}),
  });
}

/** C2f: halves a and b of a 1x1 convolution, b through bottlenecks in sequence, and a 1x1 convolution over all of them side by side. */
function c2f(g: Graph, x: Tensor, model: Weights, index: number, shortcut: boolean): Tensor {
  return g.scope(`model.${index}`, () => {
    const w = model.at('model', index);
    const [both] = w.shape('cv1.conv.weight', [channels(x), channels(x), 1, 1]) as [number];
    const half = both / 2;
    check(half % 4 === 0, 'weights', `${w.path}cv1.conv.weight: ${both} outputs are not a multiple of 8`);
    const { weight, bias } = denseConv(w.at('cv1'), CONV, [both, channels(x), 1, 1]);
    // Two convolutions rather than one and a split: the halves are needed apart, and in the end beside the others.
    const parts = [0, half].map((from) =>
      conv2d(g, x, g.weight(outputsOf(weight, from, half)), {
        activation: 'silu',
        ...(bias ? { bias: g.weight(outputsOf(bias, from, half)) } : {}),
      }),
    );
    const bottlenecks = w.count('m', 'cv1.conv.weight');
    for (let i = 0; i < Math.max(1, bottlenecks); i++) {
      const y = parts.at(-1) as Tensor;
      const own = w.at('m', i);
      parts.push(block(g, block(g, y, own.at('cv1')), own.at('cv2'), 1, shortcut ? y : undefined));
    }
    return block(g, concat(g, parts), w.at('cv2'));
  });
}

/** SPPF: three 5x5 maxima, each over the one before, beside their input. */
function spatialPyramidPooling(g: Graph, x: Tensor, model: Weights): Tensor {
  return g.scope('model.9', () => {
    const w = model.at('model', 9);
    const parts = [block(g, x, w.at('cv1'))];
    for (let i = 0; i < 3; i++) parts.push(maxPool2d(g, parts[i] as Tensor, { kernel: 5, stride: 1, padding: 2 }));
    return block(g, concat(g, parts), w.at('cv2'));
  });
}

/** Nearest neighbour to the size of `like`. */
function upsample(g: Graph, x: Tensor, like: Tensor): Tensor {
  const [, height, width] = dims(like, 4);
  return resize(g, x, { height, width, mode: 'nearest' });
}

/** `count` outputs of a weight or bias, which are its last axis, from output `from` on. */
function outputsOf(ref: WeightRef, from: number, count: number): WeightRef {
  const all = ref.shape.at(-1) as number;
  const { from: origin } = ref;
  const keys = origin?.layout ? [...origin.keys, origin.layout.key] : (origin?.keys ?? []);
  return {
    ...ref,
    ...(origin ? { from: { file: origin.file, keys } } : {}),
    key: `${ref.key}[${from}]`,
    shape: [...ref.shape.slice(0, -1), count],
    read: async () => {
      const source = await ref.read();
      const out = new Float32Array((source.length / all) * count);
      for (let row = 0; row * all < source.length; row++) {
        out.set(source.subarray(row * all + from, row * all + from + count), row * count);
      }
      return out;
    },
  };
}
