// What was found wrong with the data and did not stop the evaluation: counted, with examples.

/** One kind of finding. */
export interface Finding {
  readonly kind: FindingKind;
  readonly count: number;
  /** The first of them, at most 20. */
  readonly examples: readonly string[];
}

/** Kinds, and what each means for the result. */
export const FINDINGS = {
  'image-missing': 'images that are not in the folder; left out with their objects',
  'image-failed': 'images that could not be worked on; left out with their objects',
  'short-polygon': 'polygons with fewer than three points; left out of their object',
  'object-without-mask': 'objects of which no polygon is left; left out',
  'unknown-image': 'annotations of images that the file does not list; left out',
  'result-of-unknown-image': 'results for images that the annotation file does not list; left out',
  'image-without-results': 'images without a result; their objects count as not found',
} as const;

export type FindingKind = keyof typeof FINDINGS;

const EXAMPLES = 20;

/** Counts findings; holds at most 20 examples of each kind. */
export class Findings {
  readonly #found = new Map<FindingKind, { count: number; examples: string[] }>();

  add(kind: FindingKind, example: string): void {
    const found = this.#found.get(kind) ?? { count: 0, examples: [] };
    this.#found.set(kind, found);
    found.count++;
    if (found.examples.length < EXAMPLES) found.examples.push(example);
  }

  count(kind: FindingKind): number {
    return this.#found.get(kind)?.count ?? 0;
  }

  list(): Finding[] {
    return [...this.#found].map(([kind, { count, examples }]) => ({ kind, count, examples: [...examples] }));
  }
}
