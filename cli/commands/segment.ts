// segevery segment: masks of prompts on one photo.

import type { Command } from '../arguments.ts';
import { count, runBatch } from '../batch.ts';
import { FORMATS, formatFiles } from '../formats.ts';
import type { SegmentResult } from '../host/segment.ts';
import { modelFolder } from '../model-folder.ts';
import { outputStems } from '../names.ts';
import { assertWritable, writeFiles } from '../output.ts';
import { findPhotos } from '../photos.ts';
import { readPrompts } from '../prompts.ts';
import type { Terminal } from '../terminal.ts';
import { sayTimings, toDocument } from './everything.ts';

const OVERLAY = 'overlay';

/** Runs the command; resolves with the exit code. */
export async function segment(
  command: Extract<Command, { name: 'segment' }>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { out, formats, dtype } = command;
  const given = command.promptsFile === undefined ? [] : await readPrompts(command.promptsFile);
  const prompts = [...command.prompts, ...given];
  const model = await modelFolder(command.model);
  if (out !== undefined) await assertWritable(out);
  const list = await findPhotos([command.photo]);
  const suffixes = formats.map((format) => FORMATS[format]);
  const [stem] = out === undefined ? [] : outputStems(list.photos, out, suffixes);
  return runBatch<SegmentResult & { overlay?: Uint8Array | undefined }>(
    list,
    { ...command, model, terminal, signal },
    {
      async run(host, photo) {
        const job = { photo: photo.path, model, prompts, dtype };
        const drawn = stem !== undefined && formats.includes('overlay');
        const result = await host.run('segment', drawn ? { ...job, overlay: OVERLAY } : job);
        return drawn ? { ...result, overlay: host.take(OVERLAY) } : result;
      },
      async keep(photo, _index, result) {
        const document = toDocument(photo, result);
        if (stem !== undefined) {
          const files = formatFiles(stem, document, formats, { overlay: result.overlay });
          await writeFiles(files, signal);
          for (const path of files.keys()) terminal.say(`wrote ${path}`);
        }
        sayTimings(terminal, result);
        if (command.json) terminal.data(`${JSON.stringify(document)}\n`);
        else for (const line of summary(result)) terminal.say(line);
        return count(result.masks.length, 'mask');
      },
    },
  );
}

function summary({ masks }: SegmentResult): string[] {
  return masks.map(({ prompt, mask, area, bbox, predicted_iou, stability_score }) => {
    const stability = stability_score === null ? '' : `, stability ${stability_score.toFixed(3)}`;
    return `prompt ${prompt}, mask ${mask}: ${area} pixels in [${bbox.join(', ')}], predicted IoU ${predicted_iou.toFixed(3)}${stability}`;
  });
}
