// segevery models: the published networks, what they take, and where their weights are.
import type { Command } from '../arguments.ts';
import { type NetworkFigures, networks } from '../networks.ts';
import type { Terminal } from '../terminal.ts';

const HEAD = ['name', 'part', 'parameters', 'MACs', 'weights', 'memory', 'binding', 'file', 'licence'] as const;

/** Runs the command; resolves with 0. Neither a browser nor weights are needed. */
export async function models(command: Extract<Command, { name: 'models' }>, terminal: Terminal): Promise<number> {
  const all = await networks();
  if (command.json) {
    for (const one of all) terminal.data(`${JSON.stringify(one)}\n`);
    return 0;
  }
  const rows = all.map((one) => row(one, command.dtype));
  const widths = HEAD.map((title, i) => Math.max(title.length, ...rows.map((cells) => cells[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i >= 2 && i <= 6 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  terminal.data(`${[HEAD, ...rows].map(line).join('\n')}\n`);
  terminal.say(
    `MACs and memory are for one photo of 1024 x 1024 with ${command.dtype} storage; binding is the largest tensor that is bound at once.
Any encoder goes with SAM's or MobileSAMv2's decoder and any detector: segevery convert FILE... --out FOLDER, then --model FOLDER.
FastSAM needs neither encoder nor decoder. Addresses and sums: docs/weights.md, or --json.`,
  );
  return 0;
}

function row(one: NetworkFigures, dtype: 'f32' | 'f16'): string[] {
  const memory = one.memory?.[dtype];
  const mebibytes = (bytes: number | undefined): string =>
    bytes === undefined ? '-' : `${Math.round(bytes / 2 ** 20).toLocaleString('en')} MiB`;
  return [
    one.name,
    one.part,
    one.parameters.toLocaleString('en'),
    one.macs === null ? '-' : `${(one.macs / 1e9).toFixed(1)} G`,
    mebibytes(memory?.weights),
    mebibytes(memory?.total),
    mebibytes(memory?.largestBinding),
    one.file,
    one.licence,
  ];
}
