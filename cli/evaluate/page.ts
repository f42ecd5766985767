// The report as one HTML page without scripts: tables, curves, and the worst photos with what was found and what was missed.

import type { Recall } from '../../src/evaluate/recall.ts';
import { remarksOf, summaryOf, type Table, tablesOf } from './markdown.ts';
import { colourOf, escaped, plot, type Series } from './plots.ts';
import type { Report, RunReport } from './report.ts';
import type { WorstImage } from './worst.ts';

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1180px; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff; }
table { border-collapse: collapse; margin: 0.5rem 0 1.5rem; }
th, td { padding: 0.15rem 0.7rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; }
.plots, .worst { display: flex; flex-wrap: wrap; gap: 1rem; }
.plot { width: 560px; max-width: 100%; font-size: 12px; }
.plot .title { font-size: 14px; font-weight: 600; }
.plot .small { font-size: 10px; }
.grid path { stroke: #ddd; }
.legend span { margin-right: 1.2rem; white-space: nowrap; }
.legend i { display: inline-block; width: 0.9em; height: 0.9em; margin-right: 0.4em; vertical-align: -0.1em; }
figure { margin: 0; width: 370px; max-width: 100%; }
figure > div { position: relative; background: #444; }
figure img { display: block; width: 100%; height: 100%; }
figure svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.object { fill-opacity: 0.35; stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.found { fill: #009e73; stroke: #009e73; }
.missed { fill: #d55e00; stroke: #d55e00; }
.proposal { fill: none; stroke: #fff; stroke-width: 1.5; stroke-dasharray: 4 3; vector-effect: non-scaling-stroke; }
`;

/** IoU from which an object counts as found at the lowest threshold. */
const FOUND = 0.5;

/** @param worst images to show, by the name of the run */
export function pageOf(report: Report, worst: ReadonlyMap<string, readonly WorstImage[]>): string {
  const runs = report.runs.filter(({ evaluation }) => evaluation !== undefined);
  const remarks = remarksOf(report);
  const parts = [
    '<h1>Average recall</h1>',
    `<p>${escaped(summaryOf(report))}</p>`,
    ...tablesOf(report).map(tableOf),
    runs.length > 0 ? `<h2>Curves</h2>\n${legendOf(runs)}\n<div class="plots">\n${plotsOf(runs)}\n</div>` : '',
    ...runs.map((run) => worstOf(run, worst.get(run.name) ?? [])),
    remarks.length > 0
      ? `<h2>Left out</h2>\n<ul>${remarks.map((text) => `<li>${escaped(text)}</li>`).join('')}</ul>`
      : '',
  ].filter((part) => part !== '');
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Average recall</title><style>${STYLE}</style>`;
  return `<!doctype html>\n<html lang="en"><head>${head}</head>\n<body>\n${parts.join('\n')}\n</body></html>\n`;
}

function tableOf({ title, head, rows }: Table): string {
  const cells = (tag: string, row: readonly string[]) =>
    row.map((text) => `<${tag}>${escaped(text)}</${tag}>`).join('');
  const body = rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n');
  return `<h2>${escaped(title)}</h2>\n<table><thead><tr>${cells('th', head)}</tr></thead>\n<tbody>${body}</tbody></table>`;
}

function legendOf(runs: readonly RunReport[]): string {
  const entries = runs.map(({ title }, n) => `<span><i style="background:${colourOf(n)}"></i>${escaped(title)}</span>`);
  return `<p class="legend">${entries.join('')}</p>`;
}

function plotsOf(runs: readonly RunReport[]): string {
  const kinds = ['masks', 'boxes'] as const;
  const against = (of: (typeof kinds)[number], curve: (recall: Recall) => Series['points']): Series[] =>
    runs.map(({ title, evaluation }) => ({ name: title, points: evaluation ? curve(evaluation[of]) : [] }));
  const words = { masks: 'mask', boxes: 'box' } as const;
  const curves = kinds.flatMap((of) => [
    plot(against(of, recallByK), { title: `${words[of]} AR against K`, x: 'proposals, K', y: 'AR', logX: true }),
    plot(against(of, recallByIou), { title: `${words[of]} recall against IoU`, x: 'IoU threshold', y: 'recall' }),
  ]);
  const times = runs.map(({ title, evaluation, milliseconds }): Series => {
    const recall = evaluation?.masks.sizes.all?.average.at(-1);
    const time = milliseconds?.total;
    return { name: title, points: time === undefined || typeof recall !== 'number' ? [] : [[time, recall]] };
  });
  const labels = { title: 'time against mask AR', x: 'milliseconds a photo (median)', y: 'AR at the largest K' };
  return [...curves, plot(times, { ...labels, scatter: true })].filter((one) => one !== '').join('\n');
}

function recallByK({ limits, sizes }: Recall): Series['points'] {
  return limits.flatMap((k, i) => {
    const value = sizes.all?.average[i];
    return typeof value === 'number' ? [[k, value] as const] : [];
  });
}

/** At the largest K. */
function recallByIou({ thresholds, sizes }: Recall): Series['points'] {
  return thresholds.flatMap((iou, t) => {
    const value = sizes.all?.recall.at(-1)?.[t];
    return typeof value === 'number' ? [[iou, value] as const] : [];
  });
}

function worstOf({ title }: RunReport, images: readonly WorstImage[]): string {
  if (images.length === 0) return '';
  const caption = `green: objects that a proposal meets at IoU ${FOUND}; red: missed; dashed: the best proposal of each`;
  const figures = images.map(figureOf).join('\n');
  return `<h2>The worst photos: ${escaped(title)}</h2>\n<p>${caption}</p>\n<div class="worst">\n${figures}\n</div>`;
}

function figureOf({ name, width, height, photo, objects, outlines, nearest, recall, best }: WorstImage): string {
  const shapes = [
    ...outlines.map(({ path, iou }) => {
      const met = iou >= FOUND ? 'found' : 'missed';
      return `<path class="object ${met}" fill-rule="evenodd" d="${path}"><title>IoU ${iou.toFixed(2)}</title></path>`;
    }),
    ...nearest.map((path) => `<path class="proposal" d="${path}"/>`),
  ];
  const found = best.filter((iou) => iou >= FOUND).length;
  const words = `${name}: ${found} of ${objects} objects, AR ${(100 * (recall ?? 0)).toFixed(1)}`;
  const picture = photo === undefined ? '' : `<img src="${photo}" alt="${escaped(name)}">`;
  const drawing = `<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none">${shapes.join('')}</svg>`;
  return `<figure><div style="aspect-ratio:${width}/${height}">${picture}${drawing}</div><figcaption>${escaped(words)}</figcaption></figure>`;
}
