// The list of masks: a small cut-out each, in a list box that arrow keys move through.
import { context2d, make } from './dom.ts';
import type { Found } from './found.ts';

/** Side of a cut-out in the list, pixels of its canvas. */
const SIDE = 96;

export interface ResultsEvents {
  /** The pointer or the focus is on a mask, or has left. */
  onHover(found: Found | null): void;
  onSelect(found: Found): void;
}

export class Results {
  readonly #list: HTMLElement;
  readonly #options = new Map<Found, HTMLElement>();
  #picture: CanvasImageSource | null = null;
  #scale = 1;

  constructor(
    list: HTMLElement,
    readonly events: ResultsEvents,
  ) {
    this.#list = list;
    list.addEventListener('keydown', (event) => this.#key(event));
    list.addEventListener('pointerleave', () => events.onHover(null));
  }

  /** @param scale pixels of the picture for one of the photo */
  open(picture: CanvasImageSource, scale: number): void {
    this.#picture = picture;
    this.#scale = scale;
    this.clear();
  }

  clear(): void {
    this.#options.clear();
    this.#list.replaceChildren();
  }

  add(masks: readonly Found[]): void {
    for (const found of masks) {
      const canvas = make('canvas', { width: SIDE, height: SIDE });
      this.#drawCutOut(context2d(canvas), found);
      const option = make('div', { className: 'option', tabIndex: this.#options.size === 0 ? 0 : -1 }, canvas);
      option.setAttribute('role', 'option');
      option.setAttribute('aria-selected', 'false');
      option.setAttribute('aria-label', describe(found, this.#options.size));
      option.addEventListener('pointerenter', () => this.events.onHover(found));
      option.addEventListener('focus', () => this.events.onHover(found));
      option.addEventListener('blur', () => this.events.onHover(null));
      option.addEventListener('click', () => this.events.onSelect(found));
      this.#options.set(found, option);
      this.#list.append(option);
    }
  }

  /** Marks what is selected and what the pointer is on in the photo. */
  mark(selected: Found | null, hovered: Found | null): void {
    for (const [found, option] of this.#options) {
      option.setAttribute('aria-selected', String(found === selected));
      option.classList.toggle('hovered', found === hovered);
      if (selected !== null) option.tabIndex = found === selected ? 0 : -1;
    }
    const option = selected && this.#options.get(selected);
    if (option) scrollInto(this.#list, option);
  }

  #drawCutOut(draw: CanvasRenderingContext2D, { mask }: Found): void {
    const { box } = mask;
    if (this.#picture === null || mask.area === 0) return;
    const fit = SIDE / Math.max(box.width, box.height);
    const [width, height] = [Math.max(1, Math.round(box.width * fit)), Math.max(1, Math.round(box.height * fit))];
    const [left, top] = [(SIDE - width) >> 1, (SIDE - height) >> 1];
    const shape = new ImageData(SIDE, SIDE);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const inside = mask.contains(box.x + (x + 0.5) / fit, box.y + (y + 0.5) / fit);
        if (inside) shape.data[4 * ((top + y) * SIDE + left + x) + 3] = 255;
      }
    }
    draw.putImageData(shape, 0, 0);
    draw.globalCompositeOperation = 'source-in';
    const [sx, sy, sw, sh] = [box.x, box.y, box.width, box.height].map((v) => v * this.#scale) as Rectangle;
    draw.drawImage(this.#picture, sx, sy, sw, sh, left, top, width, height);
  }

  #key(event: KeyboardEvent): void {
    const options = [...this.#options];
    const at = options.findIndex(([, option]) => option === document.activeElement);
    const current = options[at];
    if (current === undefined) return;
    if (event.key === 'Enter' || event.key === ' ') this.events.onSelect(current[0]);
    else {
      const columns = getComputedStyle(this.#list).gridTemplateColumns.split(' ').length;
      const moves: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
      const ends: Record<string, number> = { Home: 0, End: options.length - 1 };
      const next = ends[event.key] ?? at + (moves[event.key] ?? Number.NaN);
      if (Number.isNaN(next)) return;
      const target = options[Math.min(Math.max(next, 0), options.length - 1)]?.[1];
      if (target === undefined) return;
      for (const [, option] of options) option.tabIndex = option === target ? 0 : -1;
      target.focus();
    }
    event.preventDefault();
  }
}

type Rectangle = [x: number, y: number, width: number, height: number];

/** What is known of a mask, in words. */
export function describe({ mask, predictedIou, detectorScore, candidate }: Found, index: number): string {
  const share = (100 * mask.area) / (mask.width * mask.height);
  const parts = [
    `Mask ${index + 1}`,
    mask.area === 0 ? 'empty' : `${share < 1 ? share.toFixed(1) : share.toFixed(0)}% of the photo`,
    `predicted IoU ${predictedIou.toFixed(2)}`,
  ];
  if (detectorScore !== null) parts.push(`object score ${detectorScore.toFixed(2)}`);
  if (candidate > 0) parts.push(`candidate ${candidate + 1}`);
  return parts.join(', ');
}

/** Only the list scrolls, never the page under the pointer. */
function scrollInto(list: HTMLElement, option: HTMLElement): void {
  const [outer, inner] = [list.getBoundingClientRect(), option.getBoundingClientRect()];
  if (inner.top < outer.top) list.scrollTop -= outer.top - inner.top;
  else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom;
}
