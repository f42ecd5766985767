// The table of docs/everything.md, from a result file of the SegEvery benchmark.

/** A run's costs, milliseconds. */
interface Run {
  readonly prompts: number;
  readonly decoded: number;
  readonly total: number;
}

interface Ratio {
  readonly side: number;
  readonly whole: number;
  readonly paper: { readonly whole: number; readonly prompts: number };
}

/** What the table takes of a result file. */
export interface SegEveryResult {
  readonly date: string;
  readonly adapter: { readonly vendor: string; readonly architecture: string };
  readonly model: string;
  readonly side: number;
  readonly limits: Readonly<Record<string, { readonly value: number; readonly most: number }>>;
  readonly nano: {
    readonly objects: readonly Run[];
    readonly grid32: Run;
    readonly grid64: Run;
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

function costs(what: string, { prompts, decoded, total }: Run, ratio = '', paper = ''): string {
  return row(what, prompts, decoded, one(total / prompts), one(total / decoded), ratio, paper);
}

/** Lines of Markdown. */
export function segEveryTable({ model, side, limits, nano, large }: SegEveryResult): string {
  const boxes = nano.objects.reduce((sum, run) => ({ ...run, total: sum.total + run.total }), { total: 0 }) as Run;
  const box = { ...boxes, total: boxes.total / nano.objects.length };
  const ratio = (list: readonly Ratio[], of: number): [string, string] => {
    const { whole, paper } = list.find((entry) => entry.side === of) as Ratio;
    return [one(whole), `${paper.whole} (${paper.prompts})`];
  };
  const large1024 = 'TinyViT at 1024';
  const value = (name: string): number => limits[name]?.value ?? Number.NaN;
  return [
    row('run', 'prompts', 'masks decoded', 'ms a prompt', 'ms a mask', 'times the boxes', 'paper (prompts alone)'),
    row('---', '---:', '---:', '---:', '---:', '---:', '---:'),
    costs(`${model} at ${side}: boxes`, box, '1', '1'),
    costs('grid 32 x 32, filters', nano.grid32, ...ratio(nano.ratios, 32)),
    costs('grid 64 x 64, filters', nano.grid64, ...ratio(nano.ratios, 64)),
    costs('grid 16 x 16, no filters', nano.proposals),
    costs(`${large1024}: boxes`, large.objects, '1', '1'),
    costs('grid 16 x 16, filters', large.grid),
    row('extrapolated to 32 x 32', 1024, 3072, '', '', ...ratio(large.ratios, 32)),
    row('extrapolated to 64 x 64', 4096, 12_288, '', '', ...ratio(large.ratios, 64)),
    '',
    row('aim', 'measured', 'at most'),
    row('---', '---:', '---:'),
    row('a box to a grid point with three masks, decoding', value('boxToGridPoint').toFixed(3), 1.05),
    row('a box to a point, one mask each, decoding', value('boxToPoint').toFixed(3), 1.05),
    row('reading masks back to decoding', value('readback').toFixed(4), 0.05),
    row(`GPU memory, MiB: ${model}, 320 boxes`, mebibytes(nano.peak), 512),
    row(
      'GPU memory, MiB: TinyViT, SAM’s decoder, YOLOv8n at 1024, 320 boxes, by the plans',
      mebibytes(value('memory')),
      512,
    ),
    row('the same, taken', mebibytes(value('memoryTaken')), 512),
  ].join('\n');
}
