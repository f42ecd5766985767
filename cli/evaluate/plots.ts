// Plots as SVG: lines and points over two axes with round ticks.

import { escaped } from './text.ts';

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface PlotOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** Ticks at powers of ten. */
  readonly logX?: boolean;
  /** Points alone, each with the name of its series. */
  readonly scatter?: boolean;
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [560, 345, 60, 18, 36, 57];
/** Of a label beside a point. */
const [LETTER, LINE] = [6, 13];
/** Of more series than these, points have numbers, which the legend explains. */
export const MOST_NAMES = 6;
/** Okabe and Ito's colours, which most colour-blind readers tell apart; their blue is lighter and their black the colour of the text, for dark grounds. */
const COLOURS = ['#1f86d0', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', 'currentColor'];
const DASHES = ['', '6 3', '2 3'];

/** Colour of the n-th series; beyond the seventh, lines are dashed. */
const colourOf = (n: number): string => COLOURS[n % COLOURS.length] ?? 'currentColor';

/** How the n-th series is drawn, as attributes. */
function strokeOf(n: number): string {
  const dash = DASHES[Math.floor(n / COLOURS.length) % DASHES.length] ?? '';
  return `fill="none" stroke="${colourOf(n)}" stroke-width="2"${dash === '' ? '' : ` stroke-dasharray="${dash}"`}`;
}

/** A piece of the n-th line, for a legend. */
export const swatch = (n: number): string =>
  `<svg class="swatch" viewBox="0 0 24 12" aria-hidden="true"><path d="M0 6H24" ${strokeOf(n)}/></svg>`;

/** A whole `<svg>`; '' where no series has a point. */
export function plot(series: readonly Series[], { title, x, y, logX = false, scatter = false }: PlotOptions): string {
  const points = series.flatMap((one) => one.points).filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b));
  if (points.length === 0) return '';
  const xs = points.map(([a]) => a);
  const [low, high] = logX ? [Math.min(...xs), Math.max(...xs)] : [scatter ? 0 : Math.min(...xs), Math.max(...xs)];
  const ticksX = logX ? decades(low, high) : roundTicks(low, high);
  const ticksY = roundTicks(0, Math.max(...points.map(([, b]) => b), 1e-6));
  const [x0, x1] = [Math.min(low, ticksX[0] ?? low), Math.max(high, ticksX.at(-1) ?? high)];
  const y1 = ticksY.at(-1) ?? 1;
  const at = (value: number): number => {
    const share = logX ? Math.log(value / x0) / (Math.log(x1 / x0) || 1) : (value - x0) / (x1 - x0 || 1);
    return LEFT + (WIDTH - LEFT - RIGHT) * share;
  };
  const up = (value: number): number => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / y1;
  const place = ([a, b]: readonly [number, number]): string => `${at(a).toFixed(1)},${up(b).toFixed(1)}`;
  const grid = [
    ...ticksX.map((tick) => {
      const where = at(tick).toFixed(1);
      return `<path d="M${where} ${TOP}V${HEIGHT - BOTTOM}"/><text x="${where}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${label(tick)}</text>`;
    }),
    ...ticksY.map((tick) => {
      const where = up(tick).toFixed(1);
      return `<path d="M${LEFT} ${where}H${WIDTH - RIGHT}"/><text x="${LEFT - 6}" y="${where}" dy="4" text-anchor="end">${label(tick)}</text>`;
    }),
  ];
  const marks = series.map(({ name, points: own }, n) => {
    const dots = own.map((point) => dot(point, place(point), n, name, scatter)).join('');
    const line = `<polyline points="${own.map(place).join(' ')}" ${strokeOf(n)}/>`;
    return `<g>${scatter ? '' : line}${dots}</g>`;
  });
  const shown = (name: string, n: number): string => (series.length > MOST_NAMES ? String(n + 1) : name);
  const names = scatter
    ? labels(
        series.flatMap(({ name, points: own }, n) => own.map((p) => [shown(name, n), at(p[0]), up(p[1])] as const)),
      )
    : [];
  const words = [
    `<text x="${WIDTH / 2}" y="18" text-anchor="middle" class="title">${escaped(title)}</text>`,
    `<text x="${WIDTH / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escaped(x)}</text>`,
    `<text transform="translate(14 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`,
  ];
  const axes = `<path class="axes" d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}"/>`;
  const body = [`<g class="grid">${grid.join('')}</g>`, axes, ...marks, ...names, ...words].join('\n');
  return `<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">\n${body}\n</svg>`;
}

function dot([x, y]: readonly [number, number], place: string, n: number, name: string, large: boolean): string {
  const [cx, cy] = place.split(',');
  const hint = `<title>${escaped(name)}: ${label(x)}, ${label(y)}</title>`;
  return `<circle cx="${cx}" cy="${cy}" r="${large ? 4.5 : 2.5}" fill="${colourOf(n)}">${hint}</circle>`;
}

/** Names beside their points, on the side that has room, moved down where they would lie on one another. */
function labels(points: readonly (readonly [name: string, x: number, y: number])[]): string[] {
  const taken: { left: number; right: number; y: number }[] = [];
  return [...points]
    .sort((a, b) => a[2] - b[2])
    .map(([name, x, top]) => {
      const width = LETTER * name.length;
      const toLeft = x + 8 + width > WIDTH && x - 8 - width > 0;
      const [left, right] = toLeft ? [x - 8 - width, x - 8] : [x + 8, x + 8 + width];
      let y = top + 4;
      for (let moved = true; moved; ) {
        const other = taken.find((one) => one.left < right && left < one.right && Math.abs(one.y - y) < LINE);
        moved = other !== undefined;
        if (other) y = other.y + LINE;
      }
      taken.push({ left, right, y });
      const anchor = toLeft ? ' text-anchor="end"' : '';
      const where = `x="${(toLeft ? x - 8 : x + 8).toFixed(1)}" y="${y.toFixed(1)}"`;
      return `<text ${where}${anchor} class="small">${escaped(name)}</text>`;
    });
}

/** Five or so multiples of 1, 2 or 5 times a power of ten that cover the range. */
export function roundTicks(low: number, high: number): number[] {
  const span = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = ([1, 2, 5, 10].find((factor) => span / (factor * power) <= 5) ?? 10) * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: Math.max(1, last - first) + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function decades(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.ceil(Math.log10(high) - 1e-9);
  return Array.from({ length: Math.max(1, last - first) + 1 }, (_, i) => 10 ** (first + i));
}

const label = (value: number): string => String(Number(value.toPrecision(4)));
