// Stage times and the kernel table: what people who come for speed want to see.
import { duration, make } from './dom.ts';
import type { KernelTime, StageTime } from './protocol.ts';

/** Names of the library's stages as people read them. */
const STAGES: Readonly<Record<string, string>> = {
  adapter: 'Adapter and device',
  model: 'Model: download, upload, compile',
  decode: 'Photo: decode file',
  prepare: 'Encoder: prepare',
  preprocess: 'Photo: resize, normalise',
  encode: 'Image encoder',
  'image side': 'Decoder: image side, once',
  prompt: 'Mask decoder, last prompt',
  first: 'Everything: first masks',
  everything: 'Everything: all masks',
};

export class Times {
  readonly #times = new Map<string, number>();

  constructor(readonly body: HTMLTableSectionElement) {}

  set(times: readonly StageTime[]): void {
    for (const [name, milliseconds] of times) this.#times.set(name, milliseconds);
    const rows = Object.entries(STAGES).flatMap(([name, label]) => {
      const milliseconds = this.#times.get(name);
      return milliseconds === undefined ? [] : [row(label, duration(milliseconds))];
    });
    this.body.replaceChildren(...rows);
  }

  /** A stage that belongs to something that is gone. */
  forget(...names: readonly string[]): void {
    for (const name of names) this.#times.delete(name);
    this.set([]);
  }
}

/** Rows of the kernel table, the longest first as they come. */
export function kernelRows(kernels: readonly KernelTime[]): HTMLTableRowElement[] {
  return kernels.map(({ plan, shader, launches, milliseconds, gflops }) =>
    row(shader, duration(milliseconds), gflops === null ? '–' : gflops.toFixed(1), String(launches), plan),
  );
}

function row(head: string, ...cells: string[]): HTMLTableRowElement {
  const first = make('th', { scope: 'row' }, head);
  return make('tr', {}, first, ...cells.map((cell) => make('td', {}, cell)));
}
