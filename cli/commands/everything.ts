// segevery everything: masks of all objects in one photo.

import { basename, extname, join, resolve } from 'node:path';

import { SegEveryError } from '../../src/runtime/errors.ts';
import type { Command } from '../arguments.ts';
import type { EverythingResult } from '../host/everything.ts';
import { openHost } from '../host/host.ts';
import { adapterName } from '../host/work.ts';
import { type Terminal, writeFiles } from '../output.ts';
import { assertFile, modelFolder, OVERLAY, readStdin, STDIN_NAME } from './segment.ts';

/** Runs the command; resolves with the exit code. */
export async function everything(
  command: Extract<Command, { name: 'everything' }>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const model = await modelFolder(command.model);
  const fromStdin = command.photo === '-';
  const photo = fromStdin ? STDIN_NAME : resolve(command.photo);
  if (!fromStdin) await assertFile(photo, command.photo);
  const bytes = fromStdin ? await readStdin() : undefined;
  const { out } = command;
  const stem = out === undefined ? undefined : join(out, basename(photo, extname(photo)));
  // A photo must not be replaced by its own overlay; better said before the work than after.
  if (!fromStdin && stem !== undefined && resolve(`${stem}.png`) === photo)
    throw new SegEveryError('usage', `${stem}.png is the photo itself; choose another --out`);

  const host = await openHost(command.host, { software: command.software, signal, onProgress: terminal.say });
  try {
    terminal.say(`host: ${host.description}`);
    host.allow(model);
    if (bytes) host.provide(STDIN_NAME, bytes);
    else host.allow(photo);
    const result = await host.run('everything', {
      photo,
      model,
      settings: command.settings,
      dtype: command.dtype,
      ...(stem === undefined ? {} : { overlay: OVERLAY }),
    });
    const document = toDocument(fromStdin ? '-' : basename(photo), result);
    if (stem !== undefined) {
      const overlay = host.output(OVERLAY);
      if (!overlay) throw new SegEveryError('io', 'the overlay did not arrive from the host');
      const files = new Map<string, Uint8Array | string>([
        [`${stem}.png`, overlay],
        [`${stem}.json`, `${JSON.stringify(document)}\n`],
      ]);
      await writeFiles(files, signal);
      for (const path of files.keys()) terminal.say(`wrote ${path}`);
    }
    terminal.say(`adapter: ${adapterName(result.adapter)}`);
    for (const [stage, milliseconds] of result.timings)
      terminal.say(`  ${stage.padEnd(12)} ${milliseconds.toFixed(0).padStart(7)} ms`);
    if (command.json) terminal.data(`${JSON.stringify(document)}\n`);
    else terminal.say(`${result.masks.length} masks`);
    return 0;
  } finally {
    await host.close();
  }
}

/** The document of `segment`, without prompts: nobody gave any. */
function toDocument(file: string, { image, model, adapter, masks }: EverythingResult) {
  const { vendor, architecture, device, description, software } = adapter;
  return {
    image: { file, ...image },
    model,
    adapter: { vendor, architecture, device, description, software },
    masks: masks.map(({ prompt: _, ...mask }) => mask),
  };
}
