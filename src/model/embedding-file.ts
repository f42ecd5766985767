// A photo's embedding as a file: safetensors with the encoder's fingerprint and the photo's geometry, so that a decoder that does not fit
// it is refused. Fine maps are saved with it.
import { check, SegEveryError } from '../runtime/errors.ts';
import { openSafetensorsBytes, type TensorData, writeSafetensors } from '../runtime/safetensors.ts';
import type { PhotoFrame } from './coordinates.ts';
import { photoFrame } from './coordinates.ts';
import type { SavedCandidates } from './photo-objects.ts';

const FORMAT = 'segevery-embedding-1';

export interface SavedEmbedding {
  /** sha256 of the encoder's weights. */
  readonly encoder: string;
  readonly frame: PhotoFrame;
  /** `embedding`, and `s0`, `s1` where the model has fine features; as stored on the GPU, channels last. */
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
  /** What a detector found, with the sha256 of its weights. */
  readonly detector?: { readonly sha256: string; readonly candidates: SavedCandidates };
}

const CANDIDATES = 'candidates';

/** Float16 unless `float32` asks for all bits: half the size, and the masks differ in the odd pixel. */
export function writeEmbedding(saved: SavedEmbedding, float32 = false): Uint8Array<ArrayBuffer> {
  const dtype = float32 ? ('F32' as const) : ('F16' as const);
  const tensors = new Map<string, TensorData>(
    [...saved.tensors].map(([name, t]) => [name, { shape: t.shape, data: t.data, dtype }]),
  );
  const { detector } = saved;
  // Scores decide by their last bit.
  if (detector) tensors.set(CANDIDATES, { ...detector.candidates, dtype: 'F32' });
  return writeSafetensors(tensors, {
    format: FORMAT,
    encoder: saved.encoder,
    side: String(saved.frame.side),
    width: String(saved.frame.photo.width),
    height: String(saved.frame.photo.height),
    ...(detector ? { detector: detector.sha256 } : {}),
  });
}

/** @throws code `weights` for a file that is none, `model-mismatch` for one of another encoder. */
export async function readEmbedding(bytes: Uint8Array, encoder: string, side: number): Promise<SavedEmbedding> {
  const file = await openSafetensorsBytes(bytes, 'embedding');
  check(file.metadata.get('format') === FORMAT, 'weights', `embedding: not a saved embedding of format ${FORMAT}`);
  const made = file.metadata.get('encoder') ?? '';
  if (made !== encoder || Number(file.metadata.get('side')) !== side) {
    throw new SegEveryError(
      'model-mismatch',
      `embedding: made by an encoder with sha256 ${made.slice(0, 12)}… at side ${file.metadata.get('side')}; this model's encoder is ${encoder.slice(0, 12)}… at side ${side}`,
    );
  }
  const [width, height] = ['width', 'height'].map((key) => Number(file.metadata.get(key))) as [number, number];
  const sane = (n: number): boolean => Number.isInteger(n) && n > 0 && n <= 2 ** 24;
  check(sane(width) && sane(height), 'weights', `embedding: a photo of ${width} x ${height} pixels is not possible`);
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const name of file.names) tensors.set(name, { shape: file.info(name).shape, data: await file.readF32(name) });
  const sha256 = file.metadata.get('detector');
  const candidates = tensors.get(CANDIDATES);
  tensors.delete(CANDIDATES);
  const detector = sha256 !== undefined && candidates ? { detector: { sha256, candidates } } : {};
  return { encoder, frame: photoFrame(width, height, side), tensors, ...detector };
}
