#!/usr/bin/env node
// The command `segevery`. Data goes to standard output, words to standard error.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { SegEveryError } from '../src/runtime/errors.ts';
import { parseCommand } from './arguments.ts';
import { convert } from './commands/convert.ts';
import { detect } from './commands/detect.ts';
import { doctor } from './commands/doctor.ts';
import { evaluate } from './commands/evaluate.ts';
import { everything } from './commands/everything.ts';
import { models } from './commands/models.ts';
import { segment } from './commands/segment.ts';
import { verify } from './commands/verify.ts';
import { helpText } from './help.ts';
import { exitCode } from './output.ts';
import { packageRoot } from './package-root.ts';
import { createTerminal } from './terminal.ts';

const terminal = createTerminal(process.stdout, process.stderr);

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const command = parseCommand(args);
  switch (command.name) {
    case 'help':
      terminal.data(helpText(command.about));
      return 0;
    case 'version':
      terminal.data(`${version()}\n`);
      return 0;
    case 'segment':
      return segment(command, terminal, signal);
    case 'everything':
      return everything(command, terminal, signal);
    case 'detect':
      return detect(command, terminal, signal);
    case 'evaluate':
      return evaluate(command, terminal, signal);
    case 'convert':
      return convert(command, terminal, signal);
    case 'models':
      return models(command, terminal);
    case 'doctor':
      return doctor(command, terminal, signal);
    case 'verify':
      return verify(command, terminal, signal);
  }
}

function version(): string {
  const { version: number } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string;
  };
  return number;
}

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    // The second time it stops without tidying up.
    if (stopping.signal.aborted) process.exit(130);
    terminal.say('stopping');
    stopping.abort();
  });
}
// `segevery … | head` closes the pipe early, which is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

try {
  process.exitCode = await main(process.argv.slice(2), stopping.signal);
} catch (error) {
  const stopped = stopping.signal.aborted;
  if (error instanceof SegEveryError) terminal.say(stopped ? 'stopped' : `error (${error.code}): ${error.message}`);
  else terminal.say(`internal error: ${error instanceof Error ? error.stack : String(error)}`);
  process.exitCode = stopped ? 130 : exitCode(error);
}
