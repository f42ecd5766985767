// segevery detect: boxes of the objects in each photo, as a table or as JSON.

import type { Command } from '../arguments.ts';
import { count, runBatch } from '../batch.ts';
import type { DetectResult } from '../host/everything.ts';
import { modelFolder } from '../model-folder.ts';
import { findPhotos, type PhotoFile } from '../photos.ts';
import type { Terminal } from '../terminal.ts';

/** Runs the command; resolves with the exit code. */
export async function detect(
  command: Extract<Command, { name: 'detect' }>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { settings, dtype, channelOrder } = command;
  const model = await modelFolder(command.model);
  const list = await findPhotos(command.photos);
  const order = channelOrder === undefined ? {} : { channelOrder };
  return runBatch<DetectResult>(
    list,
    { ...command, model, terminal, signal },
    {
      run: (host, photo) => host.run('detect', { photo: photo.path, model, settings, dtype, ...order }),
      async keep(photo, _index, result) {
        terminal.data(command.json ? `${JSON.stringify(toDocument(photo, result))}\n` : table(photo, result));
        return count(result.boxes.length, 'box', 'boxes');
      },
    },
  );
}

function toDocument(photo: PhotoFile, { image, model, adapter, boxes }: DetectResult) {
  const { vendor, architecture, device, description, software } = adapter;
  return {
    image: { file: photo.shown === '-' ? '-' : photo.name, ...image },
    model,
    adapter: { vendor, architecture, device, description, software },
    boxes,
  };
}

/** A heading and a line for each box, best first: corners in pixels with one decimal, score, class. */
export function table(photo: PhotoFile, { image, boxes }: Pick<DetectResult, 'image' | 'boxes'>): string {
  const row = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(8)).join(' ');
  const lines = boxes.map(({ box, score, category }, i) =>
    row([String(i), score.toFixed(3), ...box.map((value) => value.toFixed(1)), String(category)]),
  );
  const heading = `${photo.shown}  ${image.width} x ${image.height} pixels, ${count(boxes.length, 'box', 'boxes')}`;
  const columns = boxes.length > 0 ? [row(['box', 'score', 'x0', 'y0', 'x1', 'y1', 'class'])] : [];
  return `${[heading, ...columns, ...lines].join('\n')}\n`;
}
