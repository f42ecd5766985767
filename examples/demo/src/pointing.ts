// Pointer and keyboard over the photo become points, boxes and picks, in pixels of the photo.
import type { BoxCorners } from '../../../src/index.ts';
import type { Stage } from './stage.ts';

export type Tool = 'include' | 'exclude' | 'box' | 'select';

export interface PointingEvents {
  tool(): Tool;
  size(): { readonly width: number; readonly height: number };
  onPoint(x: number, y: number, label: 0 | 1): void;
  onBox(box: BoxCorners): void;
  /** A click with the select tool. */
  onPick(x: number, y: number): void;
  /** The pointer, or null when it has left. */
  onHover(at: readonly [number, number] | null): void;
  /** A box that is being drawn, and the keyboard's cross. */
  onDraft(draft: BoxCorners | null, cross: readonly [number, number] | null): void;
}

/** A drag is a move of so many pixels of the page; less is an unsteady click. */
const DRAG = 5;
/** Steps of the arrow keys as a share of the photo's longer side, plain and with shift. */
const STEP = { plain: 0.02, shift: 0.1 };
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Listens on the stage until the page ends. */
export function listen(stage: Stage, events: PointingEvents): void {
  byPointer(stage, events);
  byKeyboard(stage.frame, events);
}

function byPointer(stage: Stage, events: PointingEvents): void {
  const { canvas } = stage;
  let down: { readonly page: readonly [number, number]; readonly photo: [number, number]; dragged: boolean } | null =
    null;

  canvas.addEventListener('contextmenu', (event) => event.preventDefault());
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button > 2 || event.button === 1) return;
    down = { page: [event.clientX, event.clientY], photo: stage.toPhoto(event), dragged: false };
    // So that a box may end outside the photo.
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    const at = stage.toPhoto(event);
    if (down === null || events.tool() === 'select') {
      if (event.pointerType !== 'touch') events.onHover(at);
      return;
    }
    down.dragged ||= Math.hypot(event.clientX - down.page[0], event.clientY - down.page[1]) > DRAG;
    if (down.dragged) events.onDraft(corners(down.photo, at), null);
  });
  canvas.addEventListener('pointerup', (event) => {
    const begun = down;
    down = null;
    if (begun === null) return;
    const tool = events.tool();
    const [x, y] = begun.photo;
    if (tool === 'select') events.onPick(x, y);
    else if (begun.dragged) {
      events.onDraft(null, null);
      const box = corners(begun.photo, stage.toPhoto(event));
      if (hasArea(box)) events.onBox(box);
    } else if (tool !== 'box' || event.button === 2 || event.shiftKey) {
      events.onPoint(x, y, tool === 'exclude' || event.button === 2 || event.shiftKey ? 0 : 1);
    }
  });
  const leave = (): void => {
    if (down?.dragged) events.onDraft(null, null);
    down = null;
    events.onHover(null);
  };
  canvas.addEventListener('pointercancel', leave);
  canvas.addEventListener('pointerleave', () => down === null && leave());
}

/** Arrows move a cross; Enter or Space does there what a click does, with shift for the background; a box takes two of them. */
function byKeyboard(frame: HTMLElement, events: PointingEvents): void {
  let cross: [number, number] | null = null;
  let corner: [number, number] | null = null;
  const draft = (): BoxCorners | null => (corner && cross ? corners(corner, cross) : null);

  frame.tabIndex = 0;
  frame.addEventListener('keydown', (event) => {
    const { width, height } = events.size();
    cross ??= [width / 2, height / 2];
    const arrow = ARROWS[event.key];
    if (arrow !== undefined) {
      const step = Math.max(width, height) * (event.shiftKey ? STEP.shift : STEP.plain);
      const limit = (value: number, end: number): number => Math.min(Math.max(value, 0), end - 0.01);
      cross = [limit(cross[0] + arrow[0] * step, width), limit(cross[1] + arrow[1] * step, height)];
      if (events.tool() === 'select') events.onHover(cross);
    } else if (event.key === 'Enter' || event.key === ' ') {
      const tool = events.tool();
      if (tool === 'select') events.onPick(...cross);
      else if (tool !== 'box') events.onPoint(...cross, tool === 'exclude' || event.shiftKey ? 0 : 1);
      else if (corner === null) corner = cross;
      else {
        const box = corners(corner, cross);
        corner = null;
        if (hasArea(box)) events.onBox(box);
      }
    } else if (event.key === 'Escape' && corner !== null) {
      corner = null;
      event.stopPropagation();
    } else return;
    event.preventDefault();
    events.onDraft(draft(), cross);
  });
  frame.addEventListener('blur', () => {
    cross = null;
    corner = null;
    events.onDraft(null, null);
  });
}

function corners(a: readonly [number, number], b: readonly [number, number]): BoxCorners {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
}

function hasArea([x0, y0, x1, y1]: BoxCorners): boolean {
  return x1 - x0 >= 1 && y1 - y0 >= 1;
}
