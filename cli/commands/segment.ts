// segevery segment: masks of prompts on one photo.

import { stat } from 'node:fs/promises';
import { basename, extname, join, resolve, sep } from 'node:path';

import { SegEveryError } from '../../src/runtime/errors.ts';
import type { Command } from '../arguments.ts';
import { openHost } from '../host/host.ts';
import { adapterName, type SegmentResult } from '../host/work.ts';
import { type Terminal, writeFiles } from '../output.ts';
import { packageRoot } from '../package-root.ts';
import { readPrompts } from '../prompts.ts';

export const STDIN_NAME = 'stdin';
export const OVERLAY = 'overlay.png';
const STDIN_LIMIT = 2 ** 30;

/** The folder of a model, with model.json in it, ending in a separator. Throws code `weights`. */
export async function modelFolder(named: string | undefined): Promise<string> {
  const folder = resolve(named ?? join(packageRoot(), 'weights'));
  const isFile = await stat(join(folder, 'model.json')).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) throw new SegEveryError('weights', `${folder} has no model.json, so it is no model folder`);
  return folder + sep;
}

/** Runs the command; resolves with the exit code. */
export async function segment(
  command: Extract<Command, { name: 'segment' }>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const prompts = [
    ...command.prompts,
    ...(command.promptsFile === undefined ? [] : await readPrompts(command.promptsFile)),
  ];
  const model = await modelFolder(command.model);
  const fromStdin = command.photo === '-';
  const photo = fromStdin ? STDIN_NAME : resolve(command.photo);
  if (!fromStdin) await assertFile(photo, command.photo);
  const bytes = fromStdin ? await readStdin() : undefined;

  const begun = performance.now();
  const host = await openHost(command.host, { software: command.software, signal, onProgress: terminal.say });
  try {
    const started = performance.now() - begun;
    terminal.say(`host: ${host.description}`);
    host.allow(model);
    if (bytes) host.provide(STDIN_NAME, bytes);
    else host.allow(photo);
    const { out } = command;
    const result = await host.run('segment', {
      photo,
      model,
      prompts,
      dtype: command.dtype,
      ...(out === undefined ? {} : { overlay: OVERLAY }),
    });
    const file = fromStdin ? '-' : basename(photo);
    const document = toDocument(file, result);
    if (out !== undefined) {
      const stem = join(out, fromStdin ? STDIN_NAME : basename(photo, extname(photo)));
      const overlay = host.output(OVERLAY);
      if (!overlay) throw new SegEveryError('io', 'the overlay did not arrive from the host');
      const files = new Map<string, Uint8Array | string>([
        [`${stem}.png`, overlay],
        [`${stem}.json`, `${JSON.stringify(document)}\n`],
      ]);
      // A photo must not be replaced by its own overlay.
      if (files.has(photo) || resolve(`${stem}.png`) === photo)
        throw new SegEveryError('usage', `${stem}.png is the photo itself; choose another --out`);
      await writeFiles(files, signal);
      for (const path of files.keys()) terminal.say(`wrote ${path}`);
    }
    terminal.say(`adapter: ${adapterName(result.adapter)}`);
    for (const [stage, milliseconds] of [['host', started] as const, ...result.timings])
      terminal.say(`  ${stage.padEnd(12)} ${milliseconds.toFixed(0).padStart(7)} ms`);
    if (command.json) terminal.data(`${JSON.stringify(document)}\n`);
    else for (const line of summary(result)) terminal.say(line);
    return 0;
  } finally {
    await host.close();
  }
}

function toDocument(file: string, { image, model, adapter, masks }: SegmentResult) {
  const { vendor, architecture, device, description, software } = adapter;
  return { image: { file, ...image }, model, adapter: { vendor, architecture, device, description, software }, masks };
}

function summary({ masks }: SegmentResult): string[] {
  return masks.map(({ prompt, mask, area, bbox, predicted_iou, stability_score }) => {
    const stability = stability_score === null ? '' : `, stability ${stability_score.toFixed(3)}`;
    return `prompt ${prompt}, mask ${mask}: ${area} pixels in [${bbox.join(', ')}], predicted IoU ${predicted_iou.toFixed(3)}${stability}`;
  });
}

export async function assertFile(path: string, named: string): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new SegEveryError('io', `the photo ${named} cannot be read: there is no such file`, { cause });
  });
  if (!found.isFile()) throw new SegEveryError('io', `the photo ${named} is not a file`);
}

export async function readStdin(): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > STDIN_LIMIT)
      throw new SegEveryError('image-limit', `standard input has more than ${STDIN_LIMIT} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
