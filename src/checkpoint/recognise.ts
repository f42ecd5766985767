// Which network a state dict is, by its keys and shapes; and where it is none, what is off, beside the network that comes nearest.

import { SegEveryError } from '../runtime/errors.ts';
import { sameShape } from '../runtime/tensor.ts';
import { efficientVit } from './architectures/efficient-vit.ts';
import { type Config, type Family, FoundShapes, type Part, type Shapes } from './architectures/keys.ts';
import { samDecoder } from './architectures/sam-decoder.ts';
import { tinyVit } from './architectures/tiny-vit.ts';
import { vit } from './architectures/vit.ts';
import { yolov8 } from './architectures/yolov8.ts';

export const FAMILIES: readonly Family[] = [tinyVit, efficientVit, vit, samDecoder, yolov8];

/** A part of a model that was found whole. */
export interface RecognisedPart {
  readonly part: Part;
  readonly family: Family;
  /** Published network of these sizes; undefined for another of the family. */
  readonly official: string | undefined;
  readonly config: Config;
  /** What its keys begin with in the converted file: upstream's names are kept. */
  readonly prefix: string;
  /** Names in the file by names in the converted file, which are upstream's. */
  readonly keys: ReadonlyMap<string, string>;
}

/** How far a list of keys is from what an architecture has. */
export interface Difference {
  readonly missing: readonly string[];
  /** `key [4, 3], expected [4, 2]` */
  readonly misshapen: readonly string[];
  readonly extra: readonly string[];
}

/** Keys outside of every part that say nothing: SAM's constants for the photo. */
const HARMLESS = /^(pixel_mean|pixel_std|mask_threshold)$/;
const LISTED = 12;

/**
 * @param shapes shape by key, as the file has them
 * @param file how messages call it
 * @throws code `checkpoint` with the missing, misshapen and extra keys beside the nearest known architecture
 */
export function recognise(shapes: Shapes, file: string): RecognisedPart[] {
  const names = upstreamNames([...shapes.keys()]);
  const renamed = new Map<string, readonly number[]>();
  for (const [name, own] of names) renamed.set(name, shapes.get(own) ?? []);
  const parts: RecognisedPart[] = [];
  const left = new Set(renamed.keys());
  for (const family of FAMILIES) {
    const found = findFamily(family, renamed, file);
    if (found === undefined) continue;
    const keys = new Map<string, string>();
    for (const name of found.names) {
      left.delete(name);
      const own = names.get(name);
      if (own !== undefined && !isUnused(family, name)) keys.set(name, own);
    }
    const { official, config, prefix } = found;
    parts.push({ part: family.part, family, official, config, prefix, keys });
  }
  if (parts.length === 0) throw unknown(renamed, file);
  const extra = [...left].filter((name) => !HARMLESS.test(name));
  if (extra.length > 0) {
    const known = parts.map((part) => part.official ?? part.family.architecture).join(' and ');
    throw report(file, `it has ${known}, and keys besides that belong to neither`, {
      missing: [],
      misshapen: [],
      extra,
    });
  }
  return parts;
}

/**
 * Names as upstream has them, to names in the file: what wraps a network (`module.`, `model.image_encoder.`) is taken off, and
 * MobileSAMv2's names for the halves of the decoder (its spelling) become SAM's.
 */
function upstreamNames(names: readonly string[]): Map<string, string> {
  const wrapped = names.length > 0 && names.every((name) => name.startsWith('module.'));
  const found = new Map<string, string>();
  for (const own of names) {
    const name = (wrapped ? own.slice('module.'.length) : own)
      .replace(/^.*?\bimage_encoder\./, 'image_encoder.')
      .replace(/^PromtEncoder\./, 'prompt_encoder.')
      .replace(/^MaskDecoder\./, 'mask_decoder.');
    // Two keys of one name: leave both as they are, so that they are reported.
    found.set(found.has(name) ? own : name, own);
  }
  return found;
}

interface Found {
  readonly official: string | undefined;
  readonly config: Config;
  readonly prefix: string;
  /** Keys of this part, prefix included, unused ones too. */
  readonly names: readonly string[];
}

function findFamily(family: Family, shapes: Shapes, file: string): Found | undefined {
  const prefix = (family.part === 'encoder' ? ['image_encoder.', ''] : ['']).find((one) =>
    shapes.has(one + family.signature),
  );
  if (prefix === undefined) return undefined;
  const names = [...shapes.keys()].filter((name) => belongs(family, name, prefix));
  const own = new Map(names.map((name) => [name, shapes.get(name) ?? []]));
  const { config, keys } = family.derive(new FoundShapes(shapes, prefix));
  const difference = compare(family, own, keys, prefix);
  const size = count(difference);
  if (size === 0) {
    const official = family.official.find((network) => sameKeys(network.keys(), keys));
    return { official: official?.name, config: official?.config ?? config, prefix, names };
  }
  // The sizes derived from a few keys, or a published network: what explains the file with the fewest differences.
  let nearest = { name: `${family.architecture} with ${JSON.stringify(config)}`, difference, size };
  for (const network of family.official) {
    const other = compare(family, own, network.keys(), prefix);
    if (count(other) <= nearest.size) nearest = { name: network.name, difference: other, size: count(other) };
  }
  throw report(file, `nearest known architecture: ${nearest.name}`, nearest.difference);
}

/** Whether a key is of a family's part: below its prefix, or where it has none, not of another part of SAM. */
function belongs(family: Family, name: string, prefix: string): boolean {
  if (family.part === 'decoder') return /^(prompt_encoder|mask_decoder)\./.test(name);
  if (family.part === 'detector') return name.startsWith('model.');
  return prefix === ''
    ? !/^(prompt_encoder|mask_decoder)\./.test(name) && !HARMLESS.test(name)
    : name.startsWith(prefix);
}

function isUnused(family: Family, name: string): boolean {
  return family.unused.some((pattern) => pattern.test(name));
}

function compare(family: Family, own: Shapes, expected: Shapes, prefix: string): Difference {
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const [key, shape] of expected) {
    const found = own.get(prefix + key);
    if (found === undefined) missing.push(prefix + key);
    else if (!sameShape(found, shape))
      misshapen.push(`${prefix}${key} [${found.join(', ')}], expected [${shape.join(', ')}]`);
  }
  const extra = [...own.keys()].filter((name) => !expected.has(name.slice(prefix.length)) && !isUnused(family, name));
  return { missing, misshapen, extra };
}

const count = ({ missing, misshapen, extra }: Difference): number => missing.length + misshapen.length + extra.length;

function sameKeys(a: Shapes, b: Shapes): boolean {
  return a.size === b.size && [...a].every(([key, shape]) => sameShape(b.get(key) ?? [-1], shape));
}

function report(file: string, what: string, { missing, misshapen, extra }: Difference): SegEveryError {
  const lines = [
    ...misshapen.map((line) => `misshapen ${line}`),
    ...missing.map((key) => `missing ${key}`),
    ...extra.map((key) => `extra ${key}`),
  ];
  const shown = lines.slice(0, LISTED).map((line) => line.slice(0, 300));
  if (lines.length > LISTED) shown.push(`and ${lines.length - LISTED} more`);
  return new SegEveryError(
    'checkpoint',
    `${file}: not the weights of an architecture that is known here; ${what}: ${missing.length} keys missing, ${misshapen.length} misshapen, ${extra.length} extra\n  ${shown.join('\n  ')}`,
  );
}

/** No signature was found: the nearest network is the one that shares most keys. */
function unknown(shapes: Shapes, file: string): SegEveryError {
  let best: { name: string; shared: number; difference: Difference } | undefined;
  for (const family of FAMILIES) {
    for (const network of family.official) {
      for (const prefix of family.part === 'encoder' ? ['image_encoder.', ''] : ['']) {
        const keys = network.keys();
        const shared = [...keys.keys()].filter((key) => shapes.has(prefix + key)).length;
        if (shared > (best?.shared ?? 0))
          best = { name: network.name, shared, difference: compare(family, shapes, keys, prefix) };
      }
    }
  }
  if (best !== undefined)
    return report(file, `nearest known architecture: ${best.name}, with ${best.shared} of its keys`, best.difference);
  const first = [...shapes.keys()].slice(0, 3).join(', ');
  return new SegEveryError(
    'checkpoint',
    `${file}: not the weights of an architecture that is known here; none of its ${shapes.size} keys (${first.slice(0, 300)}, …) is one of SAM, MobileSAM, EfficientViT-SAM, YOLOv8 or FastSAM`,
  );
}
