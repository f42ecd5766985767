// The detector of a model: boxes of objects in a photo. YOLOv8 with an input of its own, or a head on the image encoder's trunk.
import { compact, SURVIVOR_FLOATS } from '../kernels/compact.ts';
import type { DeviceTensor } from '../runtime/device-tensor.ts';
import type { Engine } from '../runtime/engine.ts';
import { check, SegEveryError } from '../runtime/errors.ts';
import { Graph } from '../runtime/graph.ts';
import { largestBinding, Plan, type PlanBytes, planBytes } from '../runtime/plan.ts';
import type { Precision, Tensor } from '../runtime/tensor.ts';
import { WeightStore } from '../runtime/weight-store.ts';
import { type Letterbox, letterbox, type PhotoFrame } from './coordinates.ts';
import { integer } from './description.ts';
import { type Detection, fromEncoderFrame, fromLetterbox } from './detections.ts';
import { type DetectorView, TRUNK_MAPS, type TrunkMap } from './detector-view.ts';
import type { OpenedPart } from './load.ts';
import { PhotoObjects, type SavedCandidates } from './photo-objects.ts';
import { LetterboxPreprocessor } from './preprocess.ts';
import type { PhotoPixels } from './resample.ts';
import { Weights } from './weights.ts';
import { classCount, decodeLevels, type TrunkMaps, YOLOV8_UNUSED, yolov8, yolov8OnTrunk } from './yolov8.ts';

export interface DetectOptions {
  /** Least score; boxes at exactly this score are left out. From model.json unless said. */
  readonly conf?: number;
  /** Of two boxes with a larger IoU the one with the lower score is left out. From model.json unless said. */
  readonly iou?: number;
  /** At most so many boxes, the best. From model.json, 320 there, unless said. */
  readonly maxBoxes?: number;
  readonly signal?: AbortSignal;
}

/** MobileSAMv2 moves a box's side to the frame's border when it is nearer than so many pixels of the network's input. */
export const SNAP = 20;

const ROWS_READ = 1024; // survivors read with their number; more take a second reading
const PLANS_KEPT = 4; // photos of so many aspect ratios
const MOST_BOXES = 100_000;

/** A detector's settings in model.json. */
export interface DetectorSettings {
  readonly conf: number;
  readonly iou: number;
  readonly maxBoxes: number;
  readonly side: number;
  readonly snap: number;
  readonly bgr: boolean;
}

export class Detector {
  /** Whether it reads the encoder's trunk, so that the encoder's run must keep those maps. */
  readonly onTrunk: boolean;
  readonly settings: DetectorSettings;
  readonly #engine: Engine;
  readonly #precision: Precision;
  readonly #weights: Weights;
  readonly #store = new WeightStore();
  readonly #classes: number;
  readonly #letterbox: LetterboxPreprocessor;
  readonly #plans = new Map<string, Promise<Plan>>();
  #trunkShapes: Readonly<Record<TrunkMap, readonly number[]>> | undefined;

  /** @throws code `weights` for an architecture or a config that is not known. */
  constructor(engine: Engine, part: OpenedPart, precision: Precision, imageSize: number) {
    const { architecture, prefix } = part.description;
    if (architecture !== 'yolov8' && architecture !== 'yolov8_on_trunk') {
      throw new SegEveryError(
        'weights',
        `no detector is called "${architecture}"; there are yolov8 and yolov8_on_trunk`,
      );
    }
    this.onTrunk = architecture === 'yolov8_on_trunk';
    this.#engine = engine;
    this.#precision = precision;
    this.#weights = Weights.of(part.source, prefix);
    this.#classes = classCount(this.#weights);
    this.settings = detectorSettings(part.description.config, this.onTrunk, imageSize, this.#weights);
    this.#letterbox = new LetterboxPreprocessor(engine, {
      side: this.settings.side,
      bgr: this.settings.bgr,
      precision,
    });
  }

  /** Keeps the maps that the detector reads: call it at the end of the encoder's graph. */
  keepTrunk(g: Graph, trunk: TrunkMaps): void {
    for (const name of TRUNK_MAPS) g.keep(`detector/${name}`, trunk[name]);
    this.#trunkShapes = { f8: trunk.f8.shape, f16: trunk.f16.shape, f32: trunk.f32.shape };
  }

  /** @throws code `weights` where keys are missing, misshapen or too many. */
  assertComplete(part: OpenedPart): void {
    const complete = (): void =>
      this.#weights.assertComplete(part.description.file, part.description.prefix, YOLOV8_UNUSED);
    try {
      this.graph();
    } catch (error) {
      complete(); // keys that are missing or misshapen explain a graph that does not fit together
      throw error;
    }
    complete();
  }

  /** Uploads the weights. */
  prepare(signal?: AbortSignal): Promise<void> {
    return this.#store.upload(this.#engine, this.graph().weights.values(), this.#precision, signal);
  }

  /** Bytes of the plan for a square photo, the largest there is, and its largest binding. */
  requirements(): { bytes: PlanBytes; largest: { readonly name: string; readonly bytes: number } } {
    const graph = this.graph();
    return { bytes: planBytes(graph, this.#precision), largest: largestBinding(graph, this.#precision) };
  }

  /** Memory for the trunk's maps of a photo, for the encoder's plan to fill. */
  trunkView(frame: PhotoFrame): DetectorView {
    const shapes = this.#trunkShapes;
    check(shapes !== undefined, 'shape', 'detector: the encoder keeps no maps');
    const make = (name: TrunkMap): DeviceTensor =>
      this.#engine.createTensor(`detector/${name}`, shapes[name], 'elem', this.#precision);
    return { kind: 'trunk', frame, maps: { f8: make('f8'), f16: make('f16'), f32: make('f32') } };
  }

  /** The photo as the detector wants it, resized; four bytes a pixel. */
  async letterboxView(pixels: PhotoPixels, signal?: AbortSignal): Promise<DetectorView> {
    const levels = await this.#letterbox.levels(pixels, signal ? { signal } : {});
    return { kind: 'letterbox', frame: this.#letterbox.geometry(pixels), levels };
  }

  /** The objects of a photo with this view. */
  objects(view: DetectorView): PhotoObjects {
    return new PhotoObjects(this, view.frame, view);
  }

  /** The objects of a photo from a file. @throws code `weights` for candidates that are none. */
  restoredObjects(frame: PhotoFrame, saved: SavedCandidates): PhotoObjects {
    return PhotoObjects.restored(this, this.onTrunk ? frame : this.#letterbox.geometry(frame.photo), saved);
  }

  /** Options with the model's own where they are silent. @throws code `usage`. */
  checked(options: DetectOptions): Required<Omit<DetectOptions, 'signal'>> {
    return checkedOptions(options, this.settings);
  }

  /** Boxes of objects from candidates, by descending score; an empty list where there are none. */
  place(
    rows: readonly Float32Array[],
    frame: PhotoFrame | Letterbox,
    { iou, maxBoxes }: { readonly iou: number; readonly maxBoxes: number },
  ): Detection[] {
    return 'padded' in frame
      ? fromLetterbox(rows, frame, iou, maxBoxes, this.settings.snap)
      : fromEncoderFrame(rows, frame, iou, maxBoxes);
  }

  dispose(): void {
    for (const plan of this.#plans.values()) disposeLater(plan);
    this.#plans.clear();
    this.#store.dispose();
  }

  /** The plan's graph for a view, or for the largest there can be. */
  graph(view?: DetectorView): Graph {
    const g = new Graph({ tiling: this.#engine.tiling });
    let levels: ReturnType<typeof yolov8>;
    if (this.onTrunk) {
      const shapes = this.#trunkShapes;
      check(shapes !== undefined, 'model-mismatch', 'this detector reads an encoder’s trunk, and the encoder has none');
      const map = (name: TrunkMap): Tensor => g.input(name, shapes[name]);
      levels = yolov8OnTrunk(g, { f8: map('f8'), f16: map('f16'), f32: map('f32') }, this.#weights);
    } else {
      const { side } = this.settings;
      const frame = view?.kind === 'letterbox' ? view.frame : letterbox(side, side, side);
      const image = this.#letterbox.input(g, frame);
      levels = yolov8(g, image, this.#weights);
    }
    const decoded = decodeLevels(g, levels, this.#classes);
    const survivors = g.output('survivors', [1 + (decoded.scores.shape[0] as number), SURVIVOR_FLOATS], 'f32');
    compact(g, decoded, g.input('threshold', [4], 'f32'), { out: survivors });
    return g;
  }

  /** Rows of `compact` above the score, in the order of the anchors. The run is in the queue when this returns its promise. */
  async candidates(
    plan: Plan,
    view: DetectorView,
    conf: number,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array[]> {
    const engine = this.#engine;
    const { shape, dtype } = plan.graph.bound.get('survivors') as Tensor;
    // This call's own: another may run the same plan before these are read.
    const survivors = engine.createTensor('detector/survivors', shape, dtype, this.#precision);
    try {
      await engine.run(plan, {
        before: () => {
          if (view.kind === 'trunk') for (const name of TRUNK_MAPS) plan.bind(name, view.maps[name]);
          else plan.bind('levels', view.levels);
          plan.bind('survivors', survivors);
          engine.write(plan.tensor('threshold'), new Float32Array([conf, 0, 0, 0]));
        },
        ...(signal ? { signal } : {}),
      });
      let rows = await engine.read(survivors, Math.min(survivors.elements, (1 + ROWS_READ) * SURVIVOR_FLOATS));
      const count = rows[0] ?? 0;
      if (count > ROWS_READ) rows = await engine.read(survivors, (1 + count) * SURVIVOR_FLOATS);
      return Array.from({ length: count }, (_, i) =>
        rows.subarray((1 + i) * SURVIVOR_FLOATS, (2 + i) * SURVIVOR_FLOATS),
      );
    } finally {
      survivors.dispose();
    }
  }

  /** The plan for a view's size, compiled once. */
  plan(view: DetectorView): Promise<Plan> {
    const key = view.kind === 'trunk' ? 'trunk' : JSON.stringify(view.frame);
    const known = this.#plans.get(key);
    if (known !== undefined) {
      this.#plans.delete(key); // to the end: the first of the map is the one used longest ago
      this.#plans.set(key, known);
      return known;
    }
    const job = Plan.build(this.#engine, this.graph(view), { weights: this.#store, precision: this.#precision });
    this.#plans.set(key, job);
    job.catch(() => this.#plans.delete(key));
    if (this.#plans.size > PLANS_KEPT) {
      const [oldest, plan] = this.#plans.entries().next().value as [string, Promise<Plan>];
      this.#plans.delete(oldest);
      plan.then(
        (p) => this.#engine.exclusive(async () => p.dispose()),
        () => {},
      );
    }
    return job;
  }
}

function disposeLater(plan: Promise<Plan>): void {
  plan.then(
    (p) => p.dispose(),
    () => {},
  );
}

/** Options with a model's settings where they are silent. @throws code `usage`. */
export function checkedOptions(
  options: DetectOptions,
  settings: Pick<DetectorSettings, 'conf' | 'iou' | 'maxBoxes'>,
): Required<Omit<DetectOptions, 'signal'>> {
  const { conf = settings.conf, iou = settings.iou, maxBoxes = settings.maxBoxes } = options;
  check(conf >= 0 && conf <= 1, 'usage', `conf is ${conf}; it must be from 0 to 1`);
  check(iou >= 0 && iou <= 1, 'usage', `iou is ${iou}; it must be from 0 to 1`);
  check(
    Number.isInteger(maxBoxes) && maxBoxes >= 1 && maxBoxes <= MOST_BOXES,
    'usage',
    `maxBoxes is ${maxBoxes}; it must be a whole number from 1 to ${MOST_BOXES}`,
  );
  return { conf, iou, maxBoxes };
}

/** model.json's settings; the paper's where it is silent. */
export function detectorSettings(
  config: Readonly<Record<string, unknown>>,
  onTrunk: boolean,
  imageSize: number,
  w: Weights,
): DetectorSettings {
  const where = 'detector config: ';
  const inputs = onTrunk ? ['encoder'] : ['letterbox-rgb', 'letterbox-bgr'];
  const input = config.input ?? inputs[0];
  check(
    typeof input === 'string' && inputs.includes(input),
    'weights',
    `${where}input is ${String(input)}, not ${inputs.join(' or ')}`,
  );
  // MobileSAMv2's model is a segmentation network whose prototypes are gone.
  const objectAware = w.has('model.22.cv4.0.2.weight') && !w.has('model.22.proto.cv1.conv.weight');
  return {
    conf: share(config.conf, `${where}conf`, 0.4),
    iou: share(config.iou, `${where}iou`, 0.9),
    maxBoxes: integer(config.max_boxes, `${where}max_boxes`, 1, MOST_BOXES, 320),
    side: integer(config.image_size, `${where}image_size`, 32, 4096, imageSize),
    snap: integer(config.snap, `${where}snap`, 0, 4096, objectAware ? SNAP : 0),
    bgr: input === 'letterbox-bgr',
  };
}

function share(value: unknown, where: string, fallback: number): number {
  if (value === undefined) return fallback;
  check(typeof value === 'number' && value >= 0 && value <= 1, 'weights', `${where} is ${String(value)}, not 0 to 1`);
  return value;
}
