// What was clicked so far: points and a box, with undo. Coordinates are pixels of the photo.
import type { BoxCorners, Prompt } from '../../../src/index.ts';

export interface PlacedPoint {
  readonly x: number;
  readonly y: number;
  /** 1 belongs to the object, 0 does not. */
  readonly label: 0 | 1;
}

export interface PromptStep {
  readonly points: readonly PlacedPoint[];
  readonly box: BoxCorners | null;
}

const NOTHING: PromptStep = { points: [], box: null };

export class PromptState {
  /** Every step since the last `clear`; undo takes the last one back. */
  #steps: PromptStep[] = [];

  get now(): PromptStep {
    return this.#steps.at(-1) ?? NOTHING;
  }

  get empty(): boolean {
    return this.#steps.length === 0;
  }

  addPoint(point: PlacedPoint): void {
    this.#steps.push({ ...this.now, points: [...this.now.points, point] });
  }

  /** A second box takes the place of the first: the model takes one. */
  setBox(box: BoxCorners): void {
    this.#steps.push({ ...this.now, box });
  }

  undo(): void {
    this.#steps.pop();
  }

  clear(): void {
    this.#steps = [];
  }

  /** The library's prompt; null while nothing says where the object is. */
  toPrompt(): Prompt | null {
    const { points, box } = this.now;
    if (box === null && !points.some(({ label }) => label === 1)) return null;
    return {
      ...(points.length > 0
        ? { points: points.map(({ x, y }) => [x, y]), labels: points.map(({ label }) => label) }
        : {}),
      ...(box === null ? {} : { box }),
    };
  }
}
