// What a photo keeps for its detector: small, since every photo needs it and the detector itself is loaded with the model that has one.
import type { DeviceTensor } from '../runtime/device-tensor.ts';
import type { Engine } from '../runtime/engine.ts';
import type { Plan } from '../runtime/plan.ts';
import type { Precision } from '../runtime/tensor.ts';
import type { Letterbox, PhotoFrame } from './coordinates.ts';
import type { Detector } from './detector.ts';
import type { OpenedPart } from './load.ts';

export type TrunkMap = 'f8' | 'f16' | 'f32';

export const TRUNK_MAPS = ['f8', 'f16', 'f32'] as const satisfies readonly TrunkMap[];

/** What a photo keeps on the GPU for its detector. */
export type DetectorView =
  | { readonly kind: 'trunk'; readonly frame: PhotoFrame; readonly maps: Readonly<Record<TrunkMap, DeviceTensor>> }
  | { readonly kind: 'letterbox'; readonly frame: Letterbox; readonly levels: DeviceTensor };

/** Makes a model's detector; `loadObjects` gives it. */
export type MakeDetector = (engine: Engine, part: OpenedPart, precision: Precision, imageSize: number) => Detector;

/** Binds a photo's maps to the outputs that `keepTrunk` made. */
export function bindTrunk(plan: Plan, view: DetectorView | undefined): void {
  if (view?.kind !== 'trunk') return;
  for (const name of TRUNK_MAPS) plan.bind(`tap:detector/${name}`, view.maps[name]);
}

export function disposeView(view: DetectorView | undefined): void {
  if (view?.kind === 'letterbox') view.levels.dispose();
  else if (view !== undefined) for (const name of TRUNK_MAPS) view.maps[name].dispose();
}
