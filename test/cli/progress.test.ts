// The bar on a terminal, lines elsewhere; words never mix with the bar.
import { expect, test } from 'vitest';
import { duration, Progress } from '../../cli/progress.ts';
import { createTerminal } from '../../cli/terminal.ts';

/** Streams that keep what is written, in order. */
function streams(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  const sink = { isTTY, columns, write: (text: string) => written.push(text) };
  return { written, terminal: createTerminal(sink, sink) };
}

const ERASE = '\r\u001b[K';

test('on a terminal a bar shows how far all photos are, and is redrawn below words', () => {
  const { written, terminal } = streams(true);
  let now = 0;
  const progress = new Progress(terminal, 2, () => now);
  progress.start('a.jpg');
  expect(written.splice(0)).toEqual([`${ERASE}[........................] 1/2 a.jpg: decode 0%`]);
  now = 50;
  progress.stage('masks', 0.5);
  expect(written).toEqual([]); // too soon to be redrawn
  progress.finish();
  now = 4000;
  progress.start('b.jpg');
  const bar = '[############............] 2/2 b.jpg: decode 0%, 4.0 s left';
  expect(written.splice(0)).toEqual([ERASE + bar]);
  terminal.say('a.jpg: done');
  expect(written.splice(0)).toEqual([ERASE, 'a.jpg: done\n', bar]);
  progress.end();
  expect(written.splice(0)).toEqual([ERASE]);
  terminal.say('end');
  expect(written).toEqual(['end\n']);
});

test('a line never wraps', () => {
  const { written, terminal } = streams(true, 20);
  terminal.status('x'.repeat(50));
  expect(written).toEqual([ERASE + 'x'.repeat(19)]);
});

test('elsewhere there is a plain line now and then', () => {
  const { written, terminal } = streams(false);
  let now = 0;
  const progress = new Progress(terminal, 1, () => now);
  progress.start('a.jpg');
  progress.stage('encode', 0.5);
  now = 10_000;
  progress.stage('masks', 0.256);
  now = 19_000;
  progress.stage('masks', 0.9);
  progress.end();
  expect(written).toEqual(['a.jpg: masks 25%\n']);
});

test('durations in words', () => {
  expect([400, 59_600, 150_000, 10_000_000].map(duration)).toEqual(['0.4 s', '60 s', '3 min', '3 h']);
});
