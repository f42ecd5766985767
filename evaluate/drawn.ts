// A pack of drawn scenes for machines without photos: shapes on a shaded ground, whose regions are known exactly. It shows that the engine
// and PyTorch measure the same; how good the model is only photos tell.

import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

const WIDTH = 512;
const HEIGHT = 384;
const SCENES = 4;
const SHAPES = 8;
/** Changes when the drawing does, so that a folder drawn before is not taken for it. */
const EDITION = 1;

/** Numbers in 0..1, the same on every machine (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Whether a point lies in the shape, in coordinates of its own box, -1 to 1. */
const INSIDE: readonly ((u: number, v: number) => boolean)[] = [
  (u, v) => u * u + v * v <= 1,
  (u, v) => Math.abs(u) <= 1 && Math.abs(v) <= 1,
  (u, v) => v <= 1 && v >= 2 * Math.abs(u) - 1,
  (u, v) => Math.abs(u) + Math.abs(v) <= 1,
];

/** Draws one scene: RGB pixels and the label of each. Later shapes cover earlier ones. */
function drawScene(seed: number): { pixels: Uint8Array; labels: Uint8Array } {
  const random = randomNumbers(seed);
  const pixels = new Uint8Array(3 * WIDTH * HEIGHT);
  const labels = new Uint8Array(WIDTH * HEIGHT);
  const ground = [60 + 120 * random(), 60 + 120 * random(), 60 + 120 * random()];
  const shapes = Array.from({ length: SHAPES }, (_, i) => ({
    inside: INSIDE[i % INSIDE.length] as (u: number, v: number) => boolean,
    x: WIDTH * (0.1 + 0.8 * random()),
    y: HEIGHT * (0.1 + 0.8 * random()),
    w: 20 + 70 * random(),
    h: 20 + 70 * random(),
    colour: [255 * random(), 255 * random(), 255 * random()],
    shade: 0.6 * (random() - 0.5),
  }));
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const at = y * WIDTH + x;
      const own = shapes.findLastIndex((shape) => shape.inside((x - shape.x) / shape.w, (y - shape.y) / shape.h));
      const shape = shapes[own];
      const light = shape ? 1 + (shape.shade * (y - shape.y)) / shape.h : 0.8 + (0.4 * x) / WIDTH;
      const grain = 12 * (random() - 0.5);
      labels[at] = own + 1;
      for (let c = 0; c < 3; c++) {
        const base = (shape ? shape.colour : ground)[c] ?? 0;
        pixels[3 * at + c] = Math.min(255, Math.max(0, Math.round(base * light + grain)));
      }
    }
  }
  return { pixels, labels };
}

/** Draws the pack into a folder and returns it; drawn before, it stays. */
export async function drawPack(folder: string): Promise<string> {
  const target = `${folder}-${EDITION}`;
  const part = `${target}.${process.pid}.part`;
  const source = join(part, 'heldout', 'drawn');
  await mkdir(source, { recursive: true });
  for (let scene = 0; scene < SCENES; scene++) {
    const { pixels, labels } = drawScene(scene + 1);
    const size = { width: WIDTH, height: HEIGHT };
    const photo = sharp(pixels, { raw: { ...size, channels: 3 } }).jpeg({ quality: 95, chromaSubsampling: '4:4:4' });
    await writeFile(join(source, `scene${scene}.jpg`), await photo.toBuffer());
    const map = sharp(labels, { raw: { ...size, channels: 1 } })
      .toColourspace('b-w')
      .png();
    await writeFile(join(source, `scene${scene}_0.png`), await map.toBuffer());
  }
  await mkdir(dirname(target), { recursive: true });
  await rm(target, { recursive: true, force: true });
  await rename(part, target);
  return target;
}
