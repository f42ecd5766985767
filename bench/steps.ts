// A long benchmark in steps: what was measured is kept at once, so that a run that was stopped can go on with --resume.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '..', 'node_modules', '.cache', 'segevery');

interface Kept {
  readonly values: Record<string, unknown>;
  /** Load average of the last minute when a step ended; the benchmark itself keeps all cores busy. */
  readonly loads: Record<string, number>;
}

export class Steps {
  readonly #file: string;
  #kept: Kept = { values: {}, loads: {} };

  /** @param resume take what an earlier run has measured */
  constructor(name: string, resume: boolean) {
    this.#file = join(FOLDER, `bench-${name}.json`);
    if (!resume) return;
    try {
      this.#kept = JSON.parse(readFileSync(this.#file, 'utf8')) as Kept;
    } catch {
      console.log('there is nothing to resume');
    }
  }

  get loads(): Readonly<Record<string, number>> {
    return this.#kept.loads;
  }

  /** The step's value: of the earlier run, or measured now. */
  async take<T>(step: string, measure: () => Promise<T>): Promise<T> {
    const { values, loads } = this.#kept;
    if (!(step in values)) {
      values[step] = await measure();
      loads[step] = loadavg()[0] ?? Number.NaN;
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(this.#file, JSON.stringify(this.#kept));
    }
    return values[step] as T;
  }

  /** All is measured: the next run begins anew. */
  forget(): void {
    rmSync(this.#file, { force: true });
  }
}
