// What the page does: one photo, one engine in a worker, and the masks that were found last.
import { Client, WorkerError } from './client.ts';
import { cutOut, cutOutsZip } from './cut-out.ts';
import { save } from './dom.ts';
import { type Found, mostSure, received, smallestAt } from './found.ts';
import type { GivenPhoto } from './photo-input.ts';
import type { Tool } from './pointing.ts';
import { PromptState } from './prompt-state.ts';
import type { EverythingMode, MaskMessage } from './protocol.ts';
import { toDocument } from './records.ts';
import type { View } from './view.ts';

interface OpenPhoto extends GivenPhoto {
  readonly width: number;
  readonly height: number;
}

export class App {
  readonly prompt = new PromptState();
  readonly #model: string;
  readonly #view: View;
  #client: Client;
  #started: Promise<string>;
  #photo: OpenPhoto | null = null;
  /** Resolves once the photo is encoded. */
  #opened: Promise<void> = Promise.resolve();
  #masks: Found[] = [];
  #selected: Found | null = null;
  #hovered: Found | null = null;
  /** What runs and would be replaced by the next: a prompt, or everything. */
  #job = new AbortController();
  #opening = new AbortController();

  /** @param model address of the model folder */
  constructor(model: string, view: View) {
    this.#model = model;
    this.#view = view;
    [this.#client, this.#started] = this.#start();
  }

  get photo(): { readonly width: number; readonly height: number } | null {
    return this.#photo;
  }

  /** A new worker, engine and model; the photo, if there is one, is encoded again. */
  async restart(): Promise<void> {
    this.#client.close();
    this.#view.hideNotice();
    [this.#client, this.#started] = this.#start();
    if (this.#photo !== null) await this.open(this.#photo);
  }

  /** Shows a photo and has it encoded. */
  async open(given: GivenPhoto): Promise<void> {
    this.#opening.abort();
    this.#opening = new AbortController();
    const { signal } = this.#opening;
    this.clear();
    this.#view.hideNotice();
    this.#view.busy('Reading the photo');
    this.#opened = this.#encode(given, signal);
    try {
      await this.#opened;
      if (!signal.aborted) this.#view.idle('Click the thing that you want, or drag a box around it.');
    } catch (error) {
      this.#fail(error, 'open');
      if (!signal.aborted && error instanceof WorkerError && /^image/.test(error.code ?? '')) {
        this.#photo = null;
        this.#view.close();
      }
    }
  }

  async #encode(given: GivenPhoto, signal: AbortSignal): Promise<void> {
    // The worker decides what is a photo: a browser shows damaged files without a word. The picture is for the eyes alone.
    const picture = createImageBitmap(given.file).catch(() => null);
    void picture.then((shown) => {
      if (shown === null || signal.aborted) return;
      this.#photo = { ...given, width: shown.width, height: shown.height };
      this.#view.open(shown, shown);
    });
    await this.#started.catch((error: unknown) => {
      throw error instanceof WorkerError && error.code !== 'aborted'
        ? new WorkerError('aborted', error.message)
        : error;
    });
    const onProgress = (_stage: string, done: number): void => this.#view.busy('Encoding the photo', done);
    const { width, height, times } = await this.#client.call('open', { photo: given.file }, { signal, onProgress });
    const shown = await picture;
    if (signal.aborted) throw new WorkerError('aborted', 'another photo came in');
    if (shown === null) throw new WorkerError('image', 'the browser cannot show this photo');
    this.#photo = { ...given, width, height };
    this.#view.ready({ width, height }, times);
  }

  /** Masks of the points and the box that are set, or none of them. */
  async segment(): Promise<void> {
    this.#stop();
    this.#forgetMasks();
    const { signal } = this.#job;
    const asked = this.prompt.toPrompt();
    this.#show();
    if (asked === null) return;
    try {
      await this.#opened;
      this.#view.busy('Decoding the mask');
      const { masks, milliseconds } = await this.#client.call('segment', { prompt: asked }, { signal });
      if (signal.aborted) return;
      const found = this.#take(masks, 'prompt');
      this.#selected = mostSure(found);
      this.#view.idle(found.length > 1 ? 'Three candidates; click again or drag a box to be clearer.' : '');
      this.#view.times([['prompt', milliseconds]]);
      this.#show();
    } catch (error) {
      this.#fail(error, 'masks');
    }
  }

  /** Masks of everything, as they come. */
  async everything(mode: EverythingMode): Promise<void> {
    this.clear();
    const { signal } = this.#job;
    this.#view.everythingRuns(true);
    const begun = performance.now();
    try {
      await this.#opened;
      this.#view.busy('Looking for everything', 0);
      const onProgress = (_stage: string, done: number): void =>
        this.#view.busy(masksOf(this.#masks.length), Math.min(done, 1));
      const onMasks = (masks: readonly MaskMessage[]): void => {
        if (signal.aborted) return;
        if (this.#masks.length === 0) this.#view.times([['first', performance.now() - begun]]);
        this.#take(masks, 'everything');
        this.#show();
      };
      const { milliseconds } = await this.#client.call('everything', { mode }, { signal, onProgress, onMasks });
      if (signal.aborted) return;
      this.#view.times([['everything', milliseconds]]);
      this.#view.redraw(this.#masks);
      const count = this.#masks.length;
      this.#view.idle(
        count === 0 ? 'Nothing was found. Click a thing instead.' : `${masksOf(count)}. Hover to see each.`,
      );
    } catch (error) {
      if (!this.#fail(error, 'masks') && this.#job.signal === signal) this.#stopped();
    } finally {
      if (this.#job.signal === signal) this.#view.everythingRuns(false);
    }
  }

  /** Ends what runs; masks that came already stay. */
  cancel(): void {
    this.#job.abort();
    this.#stopped();
  }

  #stopped(): void {
    this.#view.everythingRuns(false);
    this.#view.idle(`Stopped: ${masksOf(this.#masks.length)}.`);
    this.#view.redraw(this.#masks);
  }

  /** No prompt and no masks. */
  clear(): void {
    this.#stop();
    this.prompt.clear();
    this.#forgetMasks();
    this.#show();
    this.#view.idle('');
  }

  /** @param at pixels of the photo, or a mask of the list */
  hover(at: readonly [number, number] | Found | null, tool: Tool): void {
    const found = at === null ? null : 'mask' in at ? at : tool === 'select' ? smallestAt(this.#masks, ...at) : null;
    if (found === this.#hovered) return;
    this.#hovered = found;
    this.#show();
  }

  /** Selects, or takes a selection back. */
  select(found: Found | null): void {
    this.#selected = found === this.#selected ? null : found;
    this.#show();
  }

  pick(x: number, y: number): void {
    this.select(smallestAt(this.#masks, x, y));
  }

  saveJson(): void {
    if (this.#photo === null) return;
    const { name, width, height } = this.#photo;
    const document = toDocument({ file: name, width, height }, this.#view.modelName, this.#masks);
    save(new Blob([`${JSON.stringify(document)}\n`], { type: 'application/json' }), `${stem(name)}.json`);
  }

  /** The selected mask's cut-out, or a ZIP of all. */
  async saveCutOut(which: 'selected' | 'all'): Promise<void> {
    if (this.#photo === null) return;
    const name = stem(this.#photo.name);
    // The photo at its own size, which is not kept: it may take hundreds of megabytes.
    const picture = await createImageBitmap(this.#photo.file);
    try {
      if (which === 'all') {
        const masks = this.#masks.map(({ mask }) => mask);
        save(await cutOutsZip(picture, masks, name), `${name}-cut-outs.zip`);
      } else if (this.#selected !== null) {
        const png = await cutOut(picture, this.#selected.mask);
        if (png !== null) save(png, `${name}-${this.#masks.indexOf(this.#selected) + 1}.png`);
      }
    } finally {
      picture.close();
    }
  }

  async profile(): Promise<void> {
    this.#view.busy('Timing every kernel');
    try {
      await this.#started;
      const { kernels } = await this.#client.call('profile', {});
      this.#view.kernels(kernels);
      this.#view.idle('');
    } catch (error) {
      this.#fail(error, 'profile');
    }
  }

  #start(): [Client, Promise<string>] {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'segevery' });
    const client = new Client(worker, (error) => this.#fail(error, 'start'));
    const load = async (): Promise<string> => {
      const onProgress = (stage: string, done: number): void => this.#view.engine('loading', { stage, done });
      const given = await client.call('start', { model: this.#model }, { onProgress });
      this.#view.engine('ready', given);
      return given.model;
    };
    const started = load();
    started.catch((error: unknown) => {
      this.#view.engine('failed', null);
      this.#fail(error, 'start');
    });
    return [client, started];
  }

  #take(messages: readonly MaskMessage[], from: 'prompt' | 'everything'): Found[] {
    const { photo } = this;
    if (photo === null) return [];
    const found = messages.map((message) => received(message, photo));
    this.#view.add(found, this.#masks.length, from);
    this.#masks.push(...found);
    return found;
  }

  #forgetMasks(): void {
    this.#masks = [];
    this.#selected = null;
    this.#hovered = null;
    this.#view.clearMasks();
  }

  #stop(): void {
    this.#job.abort();
    this.#job = new AbortController();
    this.#view.everythingRuns(false);
  }

  #show(): void {
    this.#view.show({
      prompt: this.prompt,
      masks: this.#masks,
      selected: this.#selected,
      hovered: this.#hovered,
    });
  }

  /** Says what went wrong; false for what was cancelled on purpose. */
  #fail(error: unknown, task: 'start' | 'open' | 'masks' | 'profile'): boolean {
    const code = error instanceof WorkerError ? error.code : null;
    if (code === 'aborted') return false;
    this.#view.idle('');
    this.#view.notice(code, error instanceof Error ? error.message : String(error), task);
    return true;
  }
}

function stem(name: string): string {
  return name.replace(/\.[^.]*$/, '') || 'photo';
}

function masksOf(count: number): string {
  return count === 1 ? '1 mask' : `${count} masks`;
}
