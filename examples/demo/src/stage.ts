// The photo with what lies over it: three canvases of one size, for the photo, for all masks, and for what changes with every move.
import type { BoxCorners } from '../../../src/index.ts';
import { context2d } from './dom.ts';
import type { Found } from './found.ts';
import type { PromptStep } from './prompt-state.ts';
import { colorOf, paint, type Rgb, rasterise } from './raster.ts';

/** Longest side of the canvases, pixels: sharp on a dense screen, and quick to draw masks on. */
const LONGEST = 1280;
const WHITE: Rgb = [255, 255, 255];
const ACCENT: Rgb = [77, 171, 247];

/** What the top canvas shows. */
export interface Overlay {
  readonly prompt: PromptStep;
  /** A box that is being drawn. */
  readonly draft: BoxCorners | null;
  readonly mask: Found | null;
  /** `spotlight` darkens everything but the mask, `tint` colours the mask. */
  readonly style: 'spotlight' | 'tint';
  /** The keyboard's cross, pixels of the photo. */
  readonly cross: readonly [number, number] | null;
}

export class Stage {
  readonly #photo: CanvasRenderingContext2D;
  readonly #all: CanvasRenderingContext2D;
  readonly #top: CanvasRenderingContext2D;
  #scale = 1;
  #overlay: Overlay | undefined;

  constructor(
    readonly frame: HTMLElement,
    photo: HTMLCanvasElement,
    all: HTMLCanvasElement,
    readonly canvas: HTMLCanvasElement,
  ) {
    this.#photo = context2d(photo);
    this.#all = context2d(all);
    this.#top = context2d(canvas);
    // Marks keep their size on the screen.
    new ResizeObserver(() => this.#overlay && this.show(this.#overlay)).observe(canvas);
  }

  /** Shows a photo, without masks. `picture` may be smaller than the photo, whose size in pixels is given. */
  open(picture: ImageBitmap, size: { readonly width: number; readonly height: number }): void {
    this.#scale = LONGEST / Math.max(size.width, size.height);
    const width = Math.max(1, Math.round(size.width * this.#scale));
    const height = Math.max(1, Math.round(size.height * this.#scale));
    for (const { canvas } of [this.#photo, this.#all, this.#top]) Object.assign(canvas, { width, height });
    this.frame.style.aspectRatio = `${width} / ${height}`;
    this.frame.style.setProperty('--ratio', String(width / height));
    this.#photo.imageSmoothingQuality = 'high';
    this.#photo.drawImage(picture, 0, 0, width, height);
  }

  /** Pixel of the photo under a pointer. */
  toPhoto(event: MouseEvent): [number, number] {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const { canvas } = this.#top;
    const limit = (value: number, end: number): number => Math.min(Math.max(value, 0), end - 0.01) / this.#scale;
    return [
      limit(((event.clientX - left) / width) * canvas.width, canvas.width),
      limit(((event.clientY - top) / height) * canvas.height, canvas.height),
    ];
  }

  clearMasks(): void {
    this.#all.clearRect(0, 0, this.#all.canvas.width, this.#all.canvas.height);
  }

  /** Draws masks over those that are there; `index` gives each its colour. */
  async addMasks(masks: readonly { readonly found: Found; readonly index: number }[]): Promise<void> {
    for (const { found, index } of masks) {
      const color = colorOf(index);
      this.#draw(this.#all, found, { color, opacity: 0.45 }, { color, opacity: 0.95 });
    }
  }

  show(overlay: Overlay): void {
    this.#overlay = overlay;
    const { canvas } = this.#top;
    const { mask, style, prompt, draft, cross } = overlay;
    this.#top.clearRect(0, 0, canvas.width, canvas.height);
    this.#all.canvas.classList.toggle('faint', mask !== null);
    if (mask !== null && style === 'spotlight') {
      this.#top.fillStyle = 'rgb(8 10 14 / 62%)';
      this.#top.fillRect(0, 0, canvas.width, canvas.height);
      this.#top.globalCompositeOperation = 'destination-out';
      this.#draw(this.#top, mask, { color: WHITE, opacity: 1 }, { color: WHITE, opacity: 1 });
      this.#top.globalCompositeOperation = 'source-over';
    }
    const opacity = style === 'tint' ? 0.5 : 0;
    if (mask !== null) this.#draw(this.#top, mask, { color: ACCENT, opacity }, { color: WHITE, opacity: 1 });
    if (prompt.box !== null) this.#box(prompt.box);
    if (draft !== null) this.#box(draft);
    for (const { x, y, label } of prompt.points) this.#point(x, y, label);
    if (cross !== null) this.#cross(...cross);
  }

  #draw(target: CanvasRenderingContext2D, { mask }: Found, ...fills: Fills): void {
    if (mask.area === 0) return;
    const raster = rasterise(mask, this.#scale, Math.max(1, Math.round(1.5 * this.#unit)));
    const shape = new OffscreenCanvas(raster.width, raster.height);
    shape.getContext('2d')?.putImageData(new ImageData(paint(raster, ...fills), raster.width), 0, 0);
    target.drawImage(shape, raster.x, raster.y);
  }

  /** Pixels of the canvas for one of the page. */
  get #unit(): number {
    return this.canvas.width / Math.max(1, this.canvas.clientWidth);
  }

  #box([x0, y0, x1, y1]: BoxCorners): void {
    const rectangle = [x0, y0, x1 - x0, y1 - y0].map((v) => v * this.#scale) as [number, number, number, number];
    this.#stroke('rgb(0 0 0 / 60%)', 4, () => this.#top.strokeRect(...rectangle));
    this.#stroke('#fff', 2, () => this.#top.strokeRect(...rectangle));
  }

  /** A disc with a plus or a minus: not told apart by colour alone. */
  #point(x: number, y: number, label: 0 | 1): void {
    const [cx, cy] = [x * this.#scale, y * this.#scale];
    const radius = 8 * this.#unit;
    const top = this.#top;
    top.beginPath();
    top.arc(cx, cy, radius, 0, 2 * Math.PI);
    top.fillStyle = label === 1 ? '#12a150' : '#e03131';
    top.fill();
    this.#stroke('#fff', 2, () => top.stroke());
    this.#stroke('#fff', 2, () => {
      const arm = radius / 2;
      top.beginPath();
      top.moveTo(cx - arm, cy);
      top.lineTo(cx + arm, cy);
      if (label === 1) {
        top.moveTo(cx, cy - arm);
        top.lineTo(cx, cy + arm);
      }
      top.stroke();
    });
  }

  #cross(x: number, y: number): void {
    const [cx, cy, arm] = [x * this.#scale, y * this.#scale, 14 * this.#unit];
    const lines = (): void => {
      this.#top.beginPath();
      this.#top.moveTo(cx - arm, cy);
      this.#top.lineTo(cx + arm, cy);
      this.#top.moveTo(cx, cy - arm);
      this.#top.lineTo(cx, cy + arm);
      this.#top.stroke();
    };
    this.#stroke('rgb(0 0 0 / 70%)', 5, lines);
    this.#stroke('#fff', 2, lines);
  }

  #stroke(style: string, width: number, draw: () => void): void {
    this.#top.strokeStyle = style;
    this.#top.lineWidth = width * this.#unit;
    draw();
  }
}

type Fills = [inside: Parameters<typeof paint>[1], edge: Parameters<typeof paint>[2]];
