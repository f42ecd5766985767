// The table of docs/everything.md, from a result file of the SegEvery benchmark.

/** A run's costs, milliseconds. */
interface Run {
  readonly prompts: number;
  readonly decoded: number;
  /** After filters and suppression. */
  readonly masks: number;
  readonly total: number;
}

interface Ratio {
  readonly side: number;
  /** Points of the grid that were measured. */
  readonly points: number;
  readonly whole: number;
  readonly paper: { readonly whole: number; readonly prompts: number };
}

/** What the table takes of a result file. */
export interface SegEveryResult {
  readonly date: string;
  readonly adapter: { readonly vendor: string; readonly architecture: string };
  readonly model: string;
  readonly side: number;
  /** Load averages when steps ended. */
  readonly load: Readonly<Record<string, number>>;
  readonly limits: Readonly<Record<string, { readonly value: number; readonly most: number }>>;
  readonly nano: {
    readonly objects: Run;
    readonly against: readonly { readonly grid: Run }[];
    readonly proposals: Run;
    readonly ratios: readonly Ratio[];
    readonly peak: number;
  };
  readonly large: {
    readonly objects: Run;
    readonly grid: Run;
    readonly ratios: readonly Ratio[];
    readonly peak: number;
  };
}

const row = (...cells: (string | number)[]): string => `| ${cells.join(' | ')} |`;
const one = (value: number): string => value.toFixed(1);
const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

function costs(what: string, { prompts, decoded, masks, total }: Run, ratio = '', paper = ''): string {
  return row(what, prompts, decoded, masks, one(total / prompts), one(total / decoded), ratio, paper);
}

/** A grid against 320 boxes, and whether all of it was measured. */
function against(name: string, { side, points, whole, paper }: Ratio, grid?: Run): string {
  const what = `${name}grid ${side} x ${side}, filters${points < side ** 2 ? `, extrapolated from ${points} points` : ''}`;
  const figures = grid ? [grid.masks, one(grid.total / grid.prompts), one(grid.total / grid.decoded)] : ['', '', ''];
  return row(what, side ** 2, 3 * side ** 2, ...figures, one(whole), `${paper.whole} (${paper.prompts})`);
}

/** Lines of Markdown. */
export function segEveryTable({ model, side, limits, nano, large }: SegEveryResult): string {
  const value = (name: string): number => limits[name]?.value ?? Number.NaN;
  const large1024 = 'TinyViT at 1024: ';
  const plain = (grid: Run): string => `grid of ${grid.prompts} points`;
  return [
    row(
      'run',
      'prompts',
      'masks decoded',
      'kept',
      'ms a prompt',
      'ms a mask',
      'times 320 boxes',
      'paper (prompts alone)',
    ),
    row('---', '---:', '---:', '---:', '---:', '---:', '---:', '---:'),
    costs(`${model} at ${side}: boxes`, nano.objects, '1', '1'),
    ...nano.ratios.map((ratio, i) => against('', ratio, nano.against[i]?.grid)),
    costs(`${plain(nano.proposals)}, no filters`, nano.proposals),
    costs(`${large1024}boxes`, large.objects),
    costs(`${large1024}${plain(large.grid)}, filters`, large.grid),
    ...large.ratios.map((ratio) => against(large1024, ratio)),
    '',
    row('aim', 'measured', 'at most'),
    row('---', '---:', '---:'),
    row('decoding a box, to a grid point with three masks', value('boxToGridPoint').toFixed(3), 1.05),
    row('decoding a box, to a point with one mask', value('boxToPoint').toFixed(3), 1.05),
    row('reading masks back, to decoding', value('readback').toFixed(4), 0.05),
    row(`GPU memory of 320 boxes, MiB: ${model}`, mebibytes(nano.peak), 512),
    row('TinyViT, SAM’s decoder, YOLOv8n at 1024, by the plans', mebibytes(value('memory')), 512),
    row('the same, taken', mebibytes(value('memoryTaken')), 512),
  ].join('\n');
}

const [BEGIN, END] = ['<!-- costs -->', '<!-- end of costs -->'];

/**
 * The document with the table of a result file between its two marks.
 *
 * @param file of the result, from the repository's root
 */
export function withCosts(document: string, file: string, result: SegEveryResult): string {
  const [before, rest] = document.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`there is no ${BEGIN} … ${END}`);
  const { vendor, architecture } = result.adapter;
  const loads = Object.values(result.load);
  const [least, most] = [Math.min(...loads), Math.max(...loads)].map((load) => load.toFixed(1));
  const how = [
    `One photo of 600 x 400 on ${vendor} ${architecture}, load averages from ${least} to ${most}; figures of \`${file}\`, which has the curves`,
    'of time and memory by number of prompts and batch, too. SAM’s thresholds were set for SAM: what the small model finds on the grid does not pass them,',
    'so its grid with filters costs next to nothing behind the decoder; the one without has all its masks made. The 1024-pixel model has made-up',
    'weights: its times are real, what filters keep is not.',
  ];
  return [before + BEGIN, ...how, '', segEveryTable(result), END + after].join('\n');
}
