// From proposals to a run's part of the report.

import type { TruthImage } from '../../src/evaluate/annotations.ts';
import { type Evaluation, Evaluator, type ImageScore } from '../../src/evaluate/evaluator.ts';
import type { Proposal } from '../../src/evaluate/overlaps.ts';
import { throwIfAborted } from '../../src/runtime/errors.ts';
import { duration } from '../progress.ts';
import type { Terminal } from '../terminal.ts';
import { medianStages } from './report.ts';

/** An image's proposals, and what they took. */
export interface Proposed {
  readonly proposals: readonly Proposal[];
  readonly milliseconds?: Readonly<Record<string, number>>;
}

export interface Scored {
  readonly evaluation: Evaluation;
  readonly worst: readonly ImageScore[];
  readonly milliseconds: Readonly<Record<string, number>>;
}

export interface ScoreOptions {
  readonly limits: readonly number[];
  /** How many of the worst images are kept. */
  readonly worst: number;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/**
 * Scores image by image; memory is that of one image's proposals.
 *
 * @param load undefined leaves the image out with its objects
 * @throws code `aborted`, and those of `load`
 */
export async function score(
  images: readonly TruthImage[],
  load: (image: TruthImage) => Promise<Proposed | undefined>,
  { limits, worst, terminal, signal }: ScoreOptions,
): Promise<Scored> {
  const evaluator = new Evaluator(limits);
  const scores: ImageScore[] = [];
  const times: Readonly<Record<string, number>>[] = [];
  let done = 0;
  const begun = performance.now();
  try {
    for (const image of images) {
      throwIfAborted(signal);
      const proposed = await load(image);
      done++;
      const left = duration(((performance.now() - begun) * (images.length - done)) / done);
      terminal.status(`scoring: ${done}/${images.length}, ${left} left`);
      if (!proposed) continue;
      scores.push(evaluator.add(image, proposed.proposals));
      if (scores.length > 4 * worst + 100) scores.splice(0, scores.length, ...worstOf(scores, worst));
      if (proposed.milliseconds) times.push(proposed.milliseconds);
    }
  } finally {
    terminal.status('');
  }
  return { evaluation: evaluator.result(), worst: worstOf(scores, worst), milliseconds: medianStages(times) };
}

/** The lowest recall first; of equals the one with more objects, which says more. */
export function worstOf(scores: readonly ImageScore[], most: number): ImageScore[] {
  const scored = scores.filter(({ recall }) => recall !== null);
  return scored.sort((a, b) => Number(a.recall) - Number(b.recall) || b.objects - a.objects).slice(0, most);
}
