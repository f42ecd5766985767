// The report as Markdown tables: average recall, times, the paper's tables with both figures, what was wrong with the data.

import { FINDINGS } from '../../src/evaluate/findings.ts';
import type { PaperRow } from './config.ts';
import { averagesAt, type Report, type RunReport, SIZES } from './report.ts';
import { markdownText, plainLine } from './text.ts';

/** A share as the paper writes it, in per cent with one digit. */
export const percent = (share: number | null | undefined): string =>
  share === null || share === undefined ? '-' : (100 * share).toFixed(1);

/** A table with a first column of words and others of numbers. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** All tables of a report, in order; the page shows the same. */
export function tablesOf(report: Report): Table[] {
  const scored = report.runs.filter(({ evaluation }) => evaluation !== undefined);
  const tables = [recallTable('Mask AR', report, scored, 'masks'), recallTable('Box AR', report, scored, 'boxes')];
  const timed = scored.filter(({ milliseconds }) => milliseconds && Object.keys(milliseconds).length > 0);
  if (timed.length > 0) tables.push(timeTable(timed));
  return [...tables, ...paperTables(report)].filter(({ rows }) => rows.length > 0);
}

function recallTable(title: string, { limits }: Report, runs: readonly RunReport[], of: 'masks' | 'boxes'): Table {
  const rows = runs.flatMap(({ title: run, evaluation }) => {
    if (!evaluation) return [];
    const averages = limits.map((k) => averagesAt(evaluation[of], k));
    const each = averages.map((row, i) => [run, String(limits[i]), ...row.map(percent)]);
    const mean = SIZES.map((_, s) => meanOf(averages.map((row) => row[s] ?? null)));
    return limits.length > 1 ? [...each, [run, 'mean', ...mean.map(percent)]] : each;
  });
  return { title: `${title} (per cent)`, head: ['run', 'K', ...SIZES], rows };
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

function timeTable(runs: readonly RunReport[]): Table {
  const stages = [...new Set(runs.flatMap(({ milliseconds }) => Object.keys(milliseconds ?? {})))];
  // The sum last, whatever stages a run has.
  const columns = [...stages.filter((stage) => stage !== 'total'), 'total'];
  const rows = runs.map(({ title, milliseconds }) => [
    title,
    ...columns.map((stage) => milliseconds?.[stage]?.toFixed(0) ?? '-'),
  ]);
  return { title: 'Milliseconds a photo (median)', head: ['run', ...columns], rows };
}

interface Row {
  readonly run: RunReport;
  readonly row: PaperRow;
}

/** For each table of the paper its rows, measured and reported side by side: `measured / paper`. */
function paperTables({ runs }: Report): Table[] {
  const all = runs.flatMap((run): Row[] => run.paper.map((row) => ({ run, row })));
  const numbers = [...new Set(all.map(({ row }) => row.table))].sort((a, b) => a - b);
  return numbers.map((number) => {
    const own = all.filter(({ row }) => row.table === number);
    const rows = own.map(({ run, row }) => {
      const name = run.leftOut === undefined ? row.row : `${row.row} (left out)`;
      const { ours, theirs } = recallsOf({ run, row });
      return [name, String(row.k ?? '-'), ...SIZES.map((_, s) => beside(ours[s], theirs[s])), bothTimes(run, row)];
    });
    return {
      title: `Table ${number} of the paper: measured / paper`,
      head: ['row', 'K', ...SIZES, 'ms'],
      rows: [...rows, ...meanRows(own)],
    };
  });
}

type Recalls = readonly (number | null)[];

/** Shares of both, for each size; nulls where there is none. */
function recallsOf({ run: { evaluation }, row: { k, recall } }: Row): { ours: Recalls; theirs: Recalls } {
  const nothing = SIZES.map(() => null);
  if (k === undefined || !recall) return { ours: nothing, theirs: nothing };
  return { ours: evaluation ? averagesAt(evaluation.masks, k) : nothing, theirs: recall.map((value) => value / 100) };
}

const beside = (ours: number | null | undefined, theirs: number | null | undefined): string =>
  theirs === null || theirs === undefined ? '-' : `${percent(ours)} / ${percent(theirs)}`;

/** Means over the rows that the paper takes together; ours only where none of them was left out. */
function meanRows(rows: readonly Row[]): string[][] {
  const groups = new Set(rows.flatMap(({ row }) => row.group ?? []));
  return [...groups].map((group) => {
    const recalls = rows.filter(({ row }) => row.group === group).map(recallsOf);
    const mean = (of: 'ours' | 'theirs', s: number): number | null => {
      const values = recalls.map((one) => one[of][s] ?? null);
      return values.includes(null) ? null : meanOf(values);
    };
    return [`${group}, mean`, '-', ...SIZES.map((_, s) => beside(mean('ours', s), mean('theirs', s))), '-'];
  });
}

/** The paper's are of the authors' GPU and of the mask decoder with its sampling; ours is the stage that does that. */
function bothTimes({ milliseconds: ours }: RunReport, { milliseconds: theirs }: PaperRow): string {
  if (!theirs) return ours?.total === undefined ? '-' : `${ours.total.toFixed(0)} / -`;
  return `${ours?.masks?.toFixed(0) ?? '-'} / ${Object.entries(theirs)
    .map(([stage, ms]) => `${ms} ${stage}`)
    .join(', ')}`;
}

/** Lines for what was left out, with at most three examples; what is the same for several runs is said once. */
export function remarksOf(report: Report): string[] {
  const lines = report.findings.map((one) => `annotations: ${remark(one)}`);
  const shared = new Map<string, string[]>();
  for (const { title, leftOut, findings } of report.runs) {
    if (leftOut !== undefined) lines.push(`${title}: left out: ${leftOut}`);
    for (const text of findings.map(remark)) shared.set(text, [...(shared.get(text) ?? []), title]);
  }
  const scored = report.runs.filter(({ evaluation }) => evaluation !== undefined).length;
  for (const [text, titles] of shared)
    lines.push(`${titles.length > 1 && titles.length === scored ? 'every run' : titles.join('; ')}: ${text}`);
  return lines.map(plainLine);
}

function remark({ kind, count, examples }: RunReport['findings'][number]): string {
  const some = examples.slice(0, 3).join('; ');
  return `${count} ${FINDINGS[kind]} (${some}${count > 3 ? '; ..' : ''})`;
}

/** What was measured on, in a sentence. */
export function summaryOf({ annotations, protocol, images, objects, model }: Report): string {
  const what = `${annotations}: ${images} images with ${objects} objects, counted as ${protocol.toUpperCase()} does, categories ignored.`;
  // Rows are called by the networks that they are for.
  return model === undefined ? what : `${what} All rows were run with the model ${model}, whatever they are called.`;
}

/** The whole report. */
export function markdownOf(report: Report): string {
  const parts = ['# Average recall', markdownText(summaryOf(report))];
  for (const { title, head, rows } of tablesOf(report)) {
    const line = (cells: readonly string[]) => `| ${cells.map(markdownText).join(' | ')} |`;
    const rule = `| ${head.map((_, i) => (i === 0 ? '---' : '---:')).join(' | ')} |`;
    parts.push(`## ${title}`, [line(head), rule, ...rows.map(line)].join('\n'));
  }
  const remarks = remarksOf(report);
  if (remarks.length > 0) parts.push('## Left out', remarks.map((text) => `- ${markdownText(text)}`).join('\n'));
  return `${parts.join('\n\n')}\n`;
}
