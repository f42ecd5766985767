// How far a command is: a bar where standard error is a terminal, a line now and then where it is a file.

import type { Terminal } from './terminal.ts';

const BAR_CELLS = 24;
/** Milliseconds between two looks of the bar, and between two lines. */
const REDRAW = 100;
const LINES = 10_000;

/** How much of a photo's time each stage takes, roughly; the rest is the stage of the masks. */
const ENCODE = 0.3;

/** Progress over `total` photos, which come one after the other. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #total: number;
  readonly #now: () => number;
  readonly #begun: number;
  #done = 0;
  #name = '';
  #last: number;

  constructor(terminal: Terminal, total: number, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#total = total;
    this.#now = now;
    this.#begun = now();
    this.#last = now();
  }

  start(name: string): void {
    this.#name = name;
    this.#draw(0, 'decode', 0);
  }

  /** @param done share of the stage, 0 to 1 */
  stage(stage: string, done: number): void {
    const share = stage === 'encode' ? ENCODE * done : ENCODE + (1 - ENCODE) * done;
    const now = this.#now();
    if (now - this.#last < (this.#terminal.live ? REDRAW : LINES)) return;
    this.#last = now;
    if (this.#terminal.live) this.#draw(share, stage, done);
    else this.#terminal.say(`${this.#name}: ${stage} ${percent(done)}`);
  }

  finish(): void {
    this.#done++;
  }

  /** Takes the bar away. */
  end(): void {
    this.#terminal.status('');
  }

  #draw(share: number, stage: string, done: number): void {
    const all = (this.#done + share) / this.#total;
    const cells = Math.round(BAR_CELLS * all);
    const bar = '#'.repeat(cells) + '.'.repeat(BAR_CELLS - cells);
    const left = all > 0 ? ((this.#now() - this.#begun) * (1 - all)) / all : undefined;
    const rest = left === undefined ? '' : `, ${duration(left)} left`;
    const count = `${this.#done + 1}/${this.#total}`;
    this.#terminal.status(`[${bar}] ${count} ${this.#name}: ${stage} ${percent(done)}${rest}`);
  }
}

const percent = (share: number): string => `${Math.floor(100 * share)}%`;

/** Milliseconds in words. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
