// The report as one HTML page without scripts: tables, curves, and the worst photos with what was found and what was missed.

import type { Recall } from '../../src/evaluate/recall.ts';
import { remarksOf, summaryOf, type Table, tablesOf } from './markdown.ts';
import { MOST_NAMES, plot, type Series, swatch } from './plots.ts';
import type { Report, RunReport } from './report.ts';
import { escaped } from './text.ts';
import type { WorstImage } from './worst.ts';

const STYLE = `
:root { color-scheme: light dark; --ink: #1c1c1c; --ground: #fff; --rule: #ddd; --soft: #666; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --ground: #161616; --rule: #3a3a3a; --soft: #a0a0a0; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1180px; margin: 1.5rem auto; padding: 0 1rem; color: var(--ink); background: var(--ground); overflow-wrap: anywhere; }
h1, h2 { line-height: 1.25; }
h2 { font-size: 1.2rem; margin: 2rem 0 0.5rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.15rem 0.7rem; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.plots, .worst { display: flex; flex-wrap: wrap; gap: 1.2rem; }
.plot { width: 560px; max-width: 100%; font-size: 12px; fill: currentColor; }
.plot .title { font-size: 14px; font-weight: 600; }
.plot .small { font-size: 11px; }
.grid path { stroke: var(--rule); }
.axes { fill: none; stroke: var(--soft); }
.legend span { display: inline-block; margin-right: 1.2rem; }
.swatch { width: 24px; height: 12px; margin-right: 0.4em; vertical-align: -0.1em; }
.note { color: var(--soft); }
details { margin-top: 2rem; }
summary { font-size: 1.2rem; font-weight: 600; cursor: pointer; }
figure { margin: 0; width: 370px; max-width: 100%; }
figure > div { background: #444 center / 100% 100% no-repeat; }
figure svg { display: block; width: 100%; height: auto; }
.object { fill-opacity: 0.35; stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.found { fill: #009e73; stroke: #009e73; }
.missed { fill: #d55e00; stroke: #d55e00; }
.proposal { fill: none; stroke: #fff; stroke-width: 1.5; stroke-dasharray: 4 3; vector-effect: non-scaling-stroke; }
@media (max-width: 600px) { .plot { font-size: 17px; } .plot .title { font-size: 19px; } .plot .small { font-size: 15px; } th, td { padding: 0.15rem 0.45rem; } td:first-child { white-space: normal; min-width: 7em; } }
`;

/** The page needs nothing but itself: whatever a name in it might try, nothing is loaded and no script runs. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** IoU from which an object counts as found at the lowest threshold. */
const FOUND = 0.5;

/** @param worst images to show, by the name of the run */
export function pageOf(report: Report, worst: ReadonlyMap<string, readonly WorstImage[]>): string {
  const runs = report.runs.filter(({ evaluation }) => evaluation !== undefined);
  const remarks = remarksOf(report);
  const photos = new Map([...worst.values()].flat().flatMap(({ id, photo }) => (photo ? [[id, photo] as const] : [])));
  // A photo is in the page once, however many runs show it.
  const backgrounds = [...photos].map(([id, photo]) => `.photo-${id} { background-image: url(${photo}); }`);
  const parts = [
    '<h1>Average recall</h1>',
    `<p>${escaped(summaryOf(report))}</p>`,
    ...tablesOf(report).map(tableOf),
    runs.length > 0 ? `<h2>Curves</h2>\n${legendOf(runs)}\n<div class="plots">\n${plotsOf(runs)}\n</div>` : '',
    ...runs.map((run, i) => worstOf(run, worst.get(run.name) ?? [], i === 0)),
    remarks.length > 0
      ? `<h2>Left out</h2>\n<ul>${remarks.map((text) => `<li>${escaped(text)}</li>`).join('')}</ul>`
      : '',
  ].filter((part) => part !== '');
  const head = [
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>Average recall: ${escaped(report.annotations)}</title>`,
    `<style>${STYLE}${backgrounds.join('\n')}</style>`,
  ];
  return `<!doctype html>\n<html lang="en"><head>${head.join('\n')}</head>\n<body>\n${parts.join('\n')}\n</body></html>\n`;
}

function tableOf({ title, head, rows }: Table): string {
  const cells = (tag: string, row: readonly string[]) =>
    row.map((text) => `<${tag}>${escaped(text)}</${tag}>`).join('');
  const body = rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n');
  return `<h2>${escaped(title)}</h2>\n<div class="table"><table><thead><tr>${cells('th', head)}</tr></thead>\n<tbody>${body}</tbody></table></div>`;
}

function legendOf(runs: readonly RunReport[]): string {
  const number = (n: number): string => (runs.length > MOST_NAMES ? `${n + 1} ` : '');
  const entries = runs.map(({ title }, n) => `<span>${swatch(n)}${number(n)}${escaped(title)}</span>`);
  return `<p class="legend">${entries.join('')}</p>`;
}

function plotsOf(runs: readonly RunReport[]): string {
  const kinds = ['masks', 'boxes'] as const;
  const against = (of: (typeof kinds)[number], curve: (recall: Recall) => Series['points']): Series[] =>
    runs.map(({ title, evaluation }) => ({ name: title, points: evaluation ? curve(evaluation[of]) : [] }));
  const words = { masks: 'Mask', boxes: 'Box' } as const;
  const curves = kinds.flatMap((of) => [
    plot(against(of, recallByK), {
      title: `${words[of]} AR against K`,
      x: 'proposals a photo at most, K (logarithmic)',
      y: 'AR (per cent of objects)',
      logX: true,
    }),
    plot(against(of, recallByIou), {
      title: `${words[of]} recall against IoU, at the largest K`,
      x: 'least IoU of a match',
      y: 'recall (per cent of objects)',
    }),
  ]);
  const times = runs.map(({ title, evaluation, milliseconds }): Series => {
    const recall = evaluation?.masks.sizes.all?.average.at(-1);
    const time = milliseconds?.total;
    return { name: title, points: time === undefined || typeof recall !== 'number' ? [] : [[time, 100 * recall]] };
  });
  const labels = {
    title: 'Time against mask AR, at the largest K',
    x: 'time a photo (milliseconds, median)',
    y: 'AR (per cent of objects)',
  };
  return [...curves, plot(times, { ...labels, scatter: true })].filter((one) => one !== '').join('\n');
}

function recallByK({ limits, sizes }: Recall): Series['points'] {
  return limits.flatMap((k, i) => {
    const value = sizes.all?.average[i];
    return typeof value === 'number' ? [[k, 100 * value] as const] : [];
  });
}

/** At the largest K. */
function recallByIou({ thresholds, sizes }: Recall): Series['points'] {
  return thresholds.flatMap((iou, t) => {
    const value = sizes.all?.recall.at(-1)?.[t];
    return typeof value === 'number' ? [[iou, 100 * value] as const] : [];
  });
}

function worstOf({ title }: RunReport, images: readonly WorstImage[], open: boolean): string {
  if (images.length === 0) return '';
  const caption = `Green: objects that a proposal meets at IoU ${FOUND}. Red: missed. Dashed: the best proposal of each.`;
  const figures = images.map(figureOf).join('\n');
  const heading = `<summary>The photos of lowest recall: ${escaped(title)}</summary>`;
  return `<details${open ? ' open' : ''}>${heading}\n<p class="note">${caption}</p>\n<div class="worst">\n${figures}\n</div></details>`;
}

function figureOf({ id, name, width, height, photo, objects, outlines, nearest, recall, best }: WorstImage): string {
  const shapes = [
    ...outlines.map(({ path, iou }) => {
      const met = iou >= FOUND ? 'found' : 'missed';
      return `<path class="object ${met}" fill-rule="evenodd" d="${path}"><title>IoU ${iou.toFixed(2)}</title></path>`;
    }),
    ...nearest.map((path) => `<path class="proposal" d="${path}"/>`),
  ];
  const found = best.filter((iou) => iou >= FOUND).length;
  const absent = photo === undefined ? ' (the photo is not shown)' : '';
  const words = `${name}: ${found} of ${objects} objects met, AR ${(100 * (recall ?? 0)).toFixed(1)}${absent}`;
  const drawing = `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(name)}">${shapes.join('')}</svg>`;
  const under = photo === undefined ? '' : ` class="photo-${id}"`;
  return `<figure><div${under}>${drawing}</div><figcaption>${escaped(words)}</figcaption></figure>`;
}
