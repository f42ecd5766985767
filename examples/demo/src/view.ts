// The page's face: everything that the app shows goes through here, and nothing here decides anything.
import type { ErrorCode } from '../../../src/index.ts';
import { byId } from './dom.ts';
import type { Found } from './found.ts';
import { noticeOf, type Task } from './messages.ts';
import type { PromptState } from './prompt-state.ts';
import type { Calls, KernelTime, StageTime } from './protocol.ts';
import { describe, Results, type ResultsEvents } from './results.ts';
import { type Overlay, Stage } from './stage.ts';
import { kernelRows, Times } from './times.ts';

/** Longest side of the picture that cut-outs in the list are made of, pixels. */
const PICTURE = 1280;

export interface Shown {
  readonly prompt: PromptState;
  readonly masks: readonly Found[];
  readonly selected: Found | null;
  readonly hovered: Found | null;
}

export class View {
  readonly stage = new Stage(
    byId('frame', HTMLElement),
    byId('photo', HTMLCanvasElement),
    byId('all', HTMLCanvasElement),
    byId('top', HTMLCanvasElement),
  );
  modelName = '';
  readonly #results: Results;
  readonly #times = new Times(byId('times', HTMLTableSectionElement));
  readonly #status = byId('status', HTMLElement);
  readonly #progress = byId('progress', HTMLProgressElement);
  readonly #run = byId('everything', HTMLButtonElement);
  #overlay: Overlay = { prompt: { points: [], box: null }, draft: null, mask: null, style: 'tint', cross: null };
  #source: 'prompt' | 'everything' = 'prompt';

  constructor(results: ResultsEvents) {
    this.#results = new Results(byId('results', HTMLElement), results);
  }

  /** What the engine is up to, in the header. */
  engine(state: 'loading', now: { readonly stage: string; readonly done: number }): void;
  engine(state: 'ready', now: Calls['start']['give']): void;
  engine(state: 'failed', now: null): void;
  engine(
    state: 'loading' | 'ready' | 'failed',
    now: { stage: string; done: number } | Calls['start']['give'] | null,
  ): void {
    const pill = byId('engine', HTMLElement);
    pill.dataset.state = state;
    if (now === null) pill.textContent = 'No model';
    else if ('stage' in now) pill.textContent = `Model: ${now.stage} ${Math.round(100 * now.done)}%`;
    else {
      const { vendor, architecture, description, software } = now.adapter;
      const name = description || [vendor, architecture].filter(Boolean).join(' ') || 'WebGPU';
      this.modelName = now.model;
      pill.textContent = `${now.model} on ${name}${software ? ' (software)' : ''}`;
      byId('no-timestamps', HTMLElement).hidden = now.timestamps;
      byId('profile', HTMLButtonElement).disabled = !now.timestamps;
      this.#times.set(now.times);
    }
  }

  /** Shows a photo that is not encoded yet. */
  open(picture: ImageBitmap, size: { readonly width: number; readonly height: number }): void {
    document.body.dataset.view = 'work';
    this.stage.open(picture, size);
    const photo = byId('photo', HTMLCanvasElement);
    // The drawn photo serves the list: it is small, and stays when the bitmap is closed.
    this.#results.open(photo, Math.min(photo.width, PICTURE) / size.width);
    picture.close();
    this.stage.frame.ariaBusy = 'true';
    this.#run.disabled = true;
  }

  /** The photo is encoded. */
  ready(size: { readonly width: number; readonly height: number }, times: readonly StageTime[]): void {
    byId('size', HTMLElement).textContent = `${size.width} × ${size.height}`;
    this.#times.forget('prompt', 'first', 'everything');
    this.#times.set(times);
    this.stage.frame.ariaBusy = 'false';
    this.#run.disabled = false;
  }

  /** Back to the page's first view. */
  close(): void {
    document.body.dataset.view = 'welcome';
  }

  add(found: readonly Found[], first: number, from: 'prompt' | 'everything'): void {
    this.#source = from;
    this.#results.add(found);
    if (from === 'everything') this.stage.addMasks(found.map((one, i) => ({ found: one, index: first + i })));
  }

  /** All masks anew, large ones below small ones. */
  redraw(masks: readonly Found[]): void {
    const order = masks.map((found, index) => ({ found, index }));
    this.stage.clearMasks();
    this.stage.addMasks(order.sort((a, b) => b.found.mask.area - a.found.mask.area));
  }

  clearMasks(): void {
    this.stage.clearMasks();
    this.#results.clear();
  }

  show({ prompt, masks, selected, hovered }: Shown): void {
    const mask = hovered ?? selected;
    const style = this.#source === 'everything' ? 'spotlight' : 'tint';
    this.#overlay = { ...this.#overlay, prompt: prompt.now, mask, style };
    this.stage.show(this.#overlay);
    this.#results.mark(selected, hovered);
    byId('undo', HTMLButtonElement).disabled = prompt.empty;
    byId('clear', HTMLButtonElement).disabled = prompt.empty && masks.length === 0;
    for (const id of ['save-json', 'save-all']) byId(id, HTMLButtonElement).disabled = masks.length === 0;
    byId('save-one', HTMLButtonElement).disabled = selected === null || selected.mask.area === 0;
    byId('count', HTMLElement).textContent = masks.length === 0 ? '' : String(masks.length);
    byId('none', HTMLElement).hidden = masks.length > 0;
    byId('about', HTMLElement).textContent = mask === null ? '' : describe(mask, masks.indexOf(mask));
  }

  draft(draft: Overlay['draft'], cross: Overlay['cross']): void {
    this.#overlay = { ...this.#overlay, draft, cross };
    this.stage.show(this.#overlay);
  }

  everythingRuns(runs: boolean): void {
    this.#run.hidden = runs;
    byId('stop', HTMLButtonElement).hidden = !runs;
  }

  /** @param done a share from 0 to 1; none where nobody knows */
  busy(what: string, done?: number): void {
    this.#status.textContent = what;
    this.#progress.hidden = false;
    if (done === undefined) this.#progress.removeAttribute('value');
    else this.#progress.value = done;
  }

  idle(hint: string): void {
    this.#status.textContent = hint;
    this.#progress.hidden = true;
  }

  times(times: readonly StageTime[]): void {
    this.#times.set(times);
  }

  kernels(kernels: readonly KernelTime[]): void {
    byId('kernels', HTMLTableSectionElement).replaceChildren(...kernelRows(kernels));
    byId('kernel-table', HTMLTableElement).hidden = false;
  }

  notice(code: ErrorCode | null, message: string, task: Task): void {
    const { title, text, action } = noticeOf(code, task);
    byId('notice-title', HTMLElement).textContent = title;
    byId('notice-text', HTMLElement).textContent = text;
    byId('notice-detail', HTMLElement).textContent = code === null ? message : `${code}: ${message}`;
    byId('restart', HTMLButtonElement).hidden = action !== 'restart';
    byId('notice', HTMLElement).hidden = false;
  }

  /** A notice of the page itself. */
  advise(text: string): void {
    byId('notice-title', HTMLElement).textContent = 'That is not a photo';
    byId('notice-text', HTMLElement).textContent = text;
    byId('notice-detail', HTMLElement).textContent = '';
    byId('restart', HTMLButtonElement).hidden = true;
    byId('notice', HTMLElement).hidden = false;
  }

  hideNotice(): void {
    byId('notice', HTMLElement).hidden = true;
  }
}
