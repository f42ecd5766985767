// The objects of one photo: what the detector found is kept, so that other thresholds cost a suppression and not another run.
import { SURVIVOR_FLOATS } from '../kernels/compact.ts';
import { check, SegEveryError, throwIfAborted } from '../runtime/errors.ts';
import type { Plan } from '../runtime/plan.ts';
import type { Letterbox, PhotoFrame } from './coordinates.ts';
import type { Detection } from './detections.ts';
import type { DetectOptions, Detector } from './detector.ts';
import { type DetectorView, disposeView } from './detector-view.ts';

/** Rows of `compact` with a score above `conf`, in the order of the anchors. */
interface Candidates {
  readonly conf: number;
  readonly rows: readonly Float32Array[];
}

/** Column of the score. */
const SCORE = 4;
const MOST_ROWS = 2 ** 20;

export class PhotoObjects {
  readonly #detector: Detector;
  readonly #frame: PhotoFrame | Letterbox;
  /** What the detector looks at; none for a restored photo. */
  readonly view: DetectorView | undefined;
  #known: Candidates | undefined;
  /** The last answer: what a photo was opened with is usually what is asked of it. */
  #answer: { readonly key: string; readonly detections: readonly Detection[] } | undefined;

  constructor(detector: Detector, frame: PhotoFrame | Letterbox, view?: DetectorView) {
    this.#detector = detector;
    this.#frame = frame;
    this.view = view;
  }

  /** Objects from `candidates` of a saved photo. @throws `weights` where they are none */
  static restored(detector: Detector, frame: PhotoFrame | Letterbox, saved: SavedCandidates): PhotoObjects {
    const { shape, data } = saved;
    const [count = -1, width] = shape;
    check(
      shape.length === 2 && width === SURVIVOR_FLOATS && count <= MOST_ROWS && data.every(Number.isFinite),
      'weights',
      `embedding: candidates [${shape.join(', ')}] are not finite rows of ${SURVIVOR_FLOATS}`,
    );
    const objects = new PhotoObjects(detector, frame);
    const rows = Array.from({ length: count }, (_, i) => data.subarray(i * SURVIVOR_FLOATS, (i + 1) * SURVIVOR_FLOATS));
    objects.#known = { conf: 0, rows };
    return objects;
  }

  /** The detector's plan, so that `detect` can submit at once. */
  async prepare(): Promise<Plan | undefined> {
    return this.view && this.#detector.plan(this.view);
  }

  /**
   * Boxes by descending score. With the plan at hand the detector's run is in the queue when this returns its promise.
   *
   * @throws codes `usage`, `model-mismatch`, `aborted`, `device-lost`
   */
  async detect(options: DetectOptions, plan?: Plan): Promise<Detection[]> {
    const settings = this.#detector.checked(options);
    const { conf, iou, maxBoxes } = settings;
    const key = `${conf} ${iou} ${maxBoxes}`;
    if (this.#answer?.key !== key) {
      const rows = await this.#candidates(conf, options.signal, plan);
      throwIfAborted(options.signal);
      this.#answer = { key, detections: this.#detector.place(rows, this.#frame, settings) };
    }
    return [...this.#answer.detections];
  }

  /** Every candidate, for a file. */
  async save(): Promise<SavedCandidates> {
    const rows = await this.#candidates(0, undefined, undefined);
    const data = new Float32Array(rows.length * SURVIVOR_FLOATS);
    for (const [i, row] of rows.entries()) data.set(row, i * SURVIVOR_FLOATS);
    return { shape: [rows.length, SURVIVOR_FLOATS], data };
  }

  dispose(): void {
    disposeView(this.view);
  }

  async #candidates(
    conf: number,
    signal: AbortSignal | undefined,
    plan: Plan | undefined,
  ): Promise<readonly Float32Array[]> {
    let known = this.#known;
    if (known === undefined || conf < known.conf) {
      const { view } = this;
      if (view === undefined) {
        throw new SegEveryError('model-mismatch', 'a restored photo has no features for the detector');
      }
      const detector = this.#detector;
      const rows = plan
        ? await detector.candidates(plan, view, conf, signal)
        : await detector.candidates(await detector.plan(view), view, conf, signal);
      known = { conf, rows };
      this.#known = known;
    }
    // As the GPU compares.
    const least = Math.fround(conf);
    return known.rows.filter((row) => (row[SCORE] ?? 0) > least);
  }
}

/** Candidates as a file holds them: rows of `compact`. */
export interface SavedCandidates {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
