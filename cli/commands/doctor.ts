// segevery doctor: what was found on this machine, and what to do about what was not.

import { SegEveryError } from '../../src/runtime/errors.ts';
import type { Command } from '../arguments.ts';
import { adapterName } from '../host/common.ts';
import { openHost } from '../host/host.ts';
import { modelFolder } from '../model-folder.ts';
import type { Terminal } from '../terminal.ts';

/** Runs the command; resolves with the exit code: 4 when the model is bad. What is missing of the host is thrown. */
export async function doctor(
  command: Extract<Command, { name: 'doctor' }>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  let weights: { readonly folder: string } | { readonly error: string };
  try {
    weights = { folder: await modelFolder(command.model) };
  } catch (error) {
    if (!(error instanceof SegEveryError)) throw error;
    weights = { error: error.message };
  }
  const host = await openHost(command.host, { software: command.software, signal, onProgress: terminal.say });
  try {
    const folder = 'folder' in weights ? weights.folder : null;
    if (folder !== null) host.allow(folder);
    const report = await host.run('doctor', { model: folder });
    const model = report.model ?? { error: 'error' in weights ? weights.error : 'no model' };
    const healthy = 'name' in model;
    if (command.json) {
      terminal.data(
        `${JSON.stringify({ node: process.version, host: host.description, ...report, weights: folder, model })}\n`,
      );
    } else {
      const lines = [
        ['node', process.version],
        ['host', host.description],
        ['adapter', adapterName(report.adapter)],
        ['kernels', `${report.tiling} tiles`],
        ['features', report.features.join(' ')],
        ...Object.entries(report.limits).map(([name, value]) => [name, value.toLocaleString('en')]),
        ['weights', folder ?? 'none'],
        ['model', 'name' in model ? model.name : `unusable: ${model.error}`],
      ];
      for (const [name = '', value = ''] of lines) terminal.data(`${name.padEnd(34)} ${value}\n`);
    }
    return healthy ? 0 : 4;
  } finally {
    await host.close();
  }
}
