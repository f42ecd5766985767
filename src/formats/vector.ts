// Outlines of masks for other programs: SVG, GeoJSON, YOLO's label lines, Label Studio's polygons.

import type { MaskBits } from './bits.ts';
import { maskColor } from './overlay.ts';
import { type Ring, type TracedPolygon, traceMask } from './trace.ts';

/** What is written beside an outline, e.g. predicted IoU; strings and numbers only. */
export type Properties = Readonly<Record<string, string | number>>;

const ringsOf = (polygons: readonly TracedPolygon[]): Ring[] =>
  polygons.flatMap(({ outer, holes }) => [outer, ...holes]);

/** Corners of a ring as pairs. */
function corners(ring: Ring): [number, number][] {
  return Array.from({ length: ring.length / 2 }, (_, i) => [ring[2 * i] ?? 0, ring[2 * i + 1] ?? 0]);
}

/** Text for XML: the five characters that mean something are written as entities, controls are dropped. */
function escapeXml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
  // XML 1.0 has no way to write most control characters.
  const written = [...text].filter((c) => c >= ' ' || c === '\t' || c === '\n');
  return written.map((c) => entities[c] ?? c).join('');
}

/** The path data of a mask, in pixels; every edge is horizontal or vertical. */
export function svgPath(mask: MaskBits): string {
  return ringsOf(traceMask(mask))
    .map((ring) => {
      const [start, ...rest] = corners(ring);
      const edges = rest.map(([x, y], i) => (y === ring[2 * i + 1] ? `H${x}` : `V${y}`));
      return `M${start?.join(' ')}${edges.join('')}Z`;
    })
    .join('');
}

/** Options of `svgDocument`. */
export interface SvgOptions {
  /** Address of the photo, shown under the masks. */
  href?: string;
  /** 0 to 1. */
  opacity?: number;
  /** `data-*` attributes of each mask. */
  properties?: readonly Properties[];
}

/** One path a mask, filled by the even-odd rule so that holes stay open; drawn in the order given. */
export function svgDocument(
  masks: readonly MaskBits[],
  width: number,
  height: number,
  { href, opacity = 0.5, properties = [] }: SvgOptions = {},
): string {
  const image = href === undefined ? [] : [`<image href="${escapeXml(href)}" width="${width}" height="${height}"/>`];
  const paths = masks.map((mask, i) => {
    const data = Object.entries(properties[i] ?? {}).map(
      // Names of attributes are letters, digits and hyphens.
      ([key, value]) => ` data-${key.toLowerCase().replace(/[^a-z0-9]+/g, '-')}="${escapeXml(String(value))}"`,
    );
    return `<path id="mask-${i}" fill="rgb(${maskColor(i)})" d="${svgPath(mask)}"${data.join('')}/>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    ...image,
    `<g fill-rule="evenodd" fill-opacity="${opacity}" shape-rendering="crispEdges">`,
    ...paths,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** A GeoJSON feature of one mask. */
export interface MaskFeature {
  readonly type: 'Feature';
  readonly geometry: { readonly type: 'MultiPolygon'; readonly coordinates: [number, number][][][] };
  readonly properties: Properties;
}

/** A GeoJSON document. */
export interface MaskFeatures {
  readonly type: 'FeatureCollection';
  readonly features: MaskFeature[];
}

/**
 * GeoJSON (RFC 7946) with one MultiPolygon a mask. Coordinates are pixels of the photo, y downwards; outer rings are
 * counterclockwise and holes clockwise by those numbers, and each ring ends with its first corner, as the RFC asks.
 *
 * @param transform takes pixels elsewhere, e.g. to longitude and latitude
 */
export function geoJson(
  masks: readonly MaskBits[],
  properties: readonly Properties[] = [],
  transform: (x: number, y: number) => [number, number] = (x, y) => [x, y],
): MaskFeatures {
  const close = (ring: Ring) => {
    const placed = corners(ring).map(([x, y]) => transform(x, y));
    return [...placed, ...placed.slice(0, 1)];
  };
  const features = masks.map((mask, i): MaskFeature => {
    const coordinates = traceMask(mask).map(({ outer, holes }) => [outer, ...holes].map(close));
    return { type: 'Feature', geometry: { type: 'MultiPolygon', coordinates }, properties: properties[i] ?? {} };
  });
  return { type: 'FeatureCollection', features };
}

/**
 * All rings of a mask as one closed line, for formats that know one ring an object: from the first corner a bridge leads to
 * each further ring and back again, so filling by the even-odd rule still gives the mask.
 */
export function joinRings(polygons: readonly TracedPolygon[]): [number, number][] {
  const [first, ...others] = ringsOf(polygons).map(corners);
  if (!first) return [];
  const bridges = others.flatMap((ring) => [...ring, ...ring.slice(0, 1), ...first.slice(0, 1)]);
  return others.length ? [...first, ...first.slice(0, 1), ...bridges] : first;
}

/**
 * YOLO's segmentation labels: a line for each mask that is not empty, `class x y x y ..` with coordinates divided by the
 * photo's width and height. Holes and parts are joined to one line by bridges, since the format has no other way.
 *
 * @param classes class index of each mask; 0 unless told
 */
export function yoloLabels(masks: readonly MaskBits[], classes: readonly number[] = []): string {
  const lines = masks.flatMap((mask, i) => {
    const line = joinRings(traceMask(mask));
    // Six decimals: a hundredth of a pixel at 10,000.
    const numbers = line.flatMap(([x, y]) => [(x / mask.width).toFixed(6), (y / mask.height).toFixed(6)]);
    return numbers.length ? [`${classes[i] ?? 0} ${numbers.join(' ')}\n`] : [];
  });
  return lines.join('');
}

/** A prediction of Label Studio. */
export interface LabelStudioResult {
  readonly id: string;
  readonly type: 'polygonlabels';
  readonly from_name: string;
  readonly to_name: string;
  readonly original_width: number;
  readonly original_height: number;
  readonly image_rotation: 0;
  readonly value: {
    readonly points: [number, number][];
    readonly closed: true;
    readonly polygonlabels: readonly string[];
  };
  readonly score?: number;
}

/** Options of `labelStudioResults`. */
export interface LabelStudioOptions {
  /** Names of the tags in the labelling configuration. */
  fromName?: string;
  toName?: string;
  /** Label of each mask; `object` unless told. */
  labels?: readonly string[];
  scores?: readonly number[];
}

/**
 * Label Studio's `result` list of polygons, in percent of the photo; a task's prediction is `{ result }`. Holes and parts
 * are joined by bridges as in `yoloLabels`.
 */
export function labelStudioResults(masks: readonly MaskBits[], options: LabelStudioOptions = {}): LabelStudioResult[] {
  const { fromName = 'label', toName = 'image', labels = [], scores = [] } = options;
  return masks.flatMap((mask, i) => {
    const percent = ([x, y]: [number, number]): [number, number] => [(100 * x) / mask.width, (100 * y) / mask.height];
    const points = joinRings(traceMask(mask)).map(percent);
    const score = scores[i];
    if (points.length === 0) return [];
    return [
      {
        id: `mask-${i}`,
        type: 'polygonlabels',
        from_name: fromName,
        to_name: toName,
        original_width: mask.width,
        original_height: mask.height,
        image_rotation: 0,
        value: { points, closed: true, polygonlabels: [labels[i] ?? 'object'] },
        ...(score === undefined ? {} : { score }),
      },
    ];
  });
}
