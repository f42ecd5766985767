// segevery everything: masks of all objects in each photo.

import { readFile, stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';

import type { Command } from '../arguments.ts';
import { count, runBatch } from '../batch.ts';
import { FORMATS, type Format, formatFiles, type PhotoDocument, withOutputMode } from '../formats.ts';
import { adapterName } from '../host/common.ts';
import type { EverythingMaskJson, EverythingResult } from '../host/everything.ts';
import type { SegmentResult } from '../host/segment.ts';
import { merged, mergeFiles } from '../merge.ts';
import { modelFolder, modelHash } from '../model-folder.ts';
import { outputStems } from '../names.ts';
import { assertWritable, writeFiles } from '../output.ts';
import { findPhotos, type PhotoFile } from '../photos.ts';
import { readPointGrids } from '../point-grids.ts';
import type { Terminal } from '../terminal.ts';

type EverythingCommand = Extract<Command, { name: 'everything' }>;

/** Runs the command; resolves with the exit code. */
export async function everything(command: EverythingCommand, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const model = await modelFolder(command.model);
  const { out, json, formats, dtype, channelOrder } = command;
  const layers = command.settings.cropNLayers ?? 0;
  const grids =
    command.pointGrids === undefined ? {} : { pointGrids: await readPointGrids(command.pointGrids, layers) };
  const settings = { ...command.settings, ...grids };
  const { outputMode } = settings;
  const order = channelOrder === undefined ? {} : { channelOrder };
  if (out !== undefined) await assertWritable(out);
  const list = await findPhotos(command.photos, out);
  const { photos } = list;
  const suffixes = formats.map((format) => FORMATS[format]);
  const reserved = merged(formats);
  const stems = out === undefined ? [] : outputStems(photos, out, suffixes, reserved);
  // What changes the speed alone does not make a result another.
  const { batch: _batch, memoryBudget: _budget, pointsPerBatch: _points, ...decisive } = settings;
  const fingerprint = { settings: { ...decisive, dtype, ...order }, model: { sha256: await modelHash(model) } };

  let gpuBytes = 0;
  const print = (document: unknown): void => void (json && terminal.data(`${JSON.stringify(document)}\n`));
  const code = await runBatch<EverythingResult & { overlay?: Uint8Array | undefined }>(
    list,
    { ...command, model, terminal, signal },
    {
      async finished(photo, index) {
        const stem = stems[index];
        if (stem === undefined || command.force) return false;
        const document = await finishedDocument(photo, stem, formats, fingerprint);
        if (document !== undefined) print(document);
        return document !== undefined;
      },
      async run(host, photo, index) {
        const overlay = stems[index] !== undefined && formats.includes('overlay') ? `overlay-${index}` : undefined;
        const job = { photo: photo.path, model, settings, dtype, ...order };
        const result = await host.run('everything', overlay === undefined ? job : { ...job, overlay });
        return overlay === undefined ? result : { ...result, overlay: host.take(overlay) };
      },
      async keep(photo, index, result) {
        const document = { ...toDocument(photo, result), ...fingerprint, model: result.model };
        const stem = stems[index];
        if (stem !== undefined) {
          const files = formatFiles(stem, document, formats, { overlay: result.overlay, outputMode });
          await writeFiles(files, signal);
          if (photos.length === 1) for (const path of files.keys()) terminal.say(`wrote ${path}`);
        }
        if (photos.length === 1) sayTimings(terminal, result);
        print(withOutputMode(document, outputMode));
        gpuBytes = Math.max(gpuBytes, result.gpuBytes);
        return count(result.masks.length, 'mask');
      },
    },
  );
  if (photos.length > 1 && gpuBytes > 0) sayMemory(terminal, gpuBytes);
  if (out !== undefined && photos.length > 1) {
    const files = await mergeFiles(out, stems, formats);
    await writeFiles(files, signal);
    for (const path of files.keys()) terminal.say(`wrote ${path}`);
  }
  return code;
}

/** The JSON document of a photo, without what a single command adds. */
export function toDocument<R extends SegmentResult>(
  photo: PhotoFile,
  { image, model, adapter, masks }: R,
): PhotoDocument<R['masks'][number]> {
  const { vendor, architecture, device, description, software } = adapter;
  const file = photo.shown === '-' ? '-' : photo.name;
  return {
    image: { file, ...image },
    model,
    adapter: { vendor, architecture, device, description, software },
    masks: masks as readonly R['masks'][number][],
  };
}

/** Adapter, stages and memory: what is worth knowing of a photo that is alone. */
export function sayTimings(terminal: Terminal, { adapter, timings, gpuBytes }: SegmentResult): void {
  terminal.say(`adapter: ${adapterName(adapter)}`);
  for (const [stage, milliseconds] of timings)
    terminal.say(`  ${stage.padEnd(12)} ${milliseconds.toFixed(0).padStart(7)} ms`);
  sayMemory(terminal, gpuBytes);
}

function sayMemory(terminal: Terminal, bytes: number): void {
  terminal.say(`  GPU memory   ${(bytes / 2 ** 20).toFixed(0).padStart(7)} MiB at most`);
}

/**
 * The document of a photo that an earlier run has finished: by the same model and settings, from the photo as it is now,
 * with every format that is asked for. The JSON file is the last to be renamed, so it says that the others are whole.
 */
async function finishedDocument(
  photo: PhotoFile,
  stem: string,
  formats: readonly Format[],
  fingerprint: { readonly settings: object; readonly model: { readonly sha256: string } },
): Promise<PhotoDocument<EverythingMaskJson> | undefined> {
  const path = stem + FORMATS.json;
  try {
    const [source, own] = [await stat(photo.path), await stat(path)];
    if (source.mtimeMs > own.mtimeMs) return undefined;
    for (const format of formats) await stat(stem + FORMATS[format]);
    const document = JSON.parse(await readFile(path, 'utf8')) as PhotoDocument<EverythingMaskJson>;
    // As JSON: what is undefined is not there.
    const settings: unknown = JSON.parse(JSON.stringify(fingerprint.settings));
    const same = document.model?.sha256 === fingerprint.model.sha256 && isDeepStrictEqual(document.settings, settings);
    return same ? document : undefined;
  } catch {
    return undefined; // not there, or not ours
  }
}
