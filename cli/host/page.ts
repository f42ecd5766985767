// The script of the page in headless Chrome: runs work by name. Files come over the command's loopback server.

import { decodePhoto } from '../../src/photo/decode-page.ts';
import { SegEveryError } from '../../src/runtime/errors.ts';
import type { Surroundings } from './common.ts';
import { fromOutcome, type Outcome, toOutcome } from './outcome.ts';
import { createWork, type Work } from './work.ts';

/** Functions that cli/host/chrome.ts puts into the page. */
interface Bridge {
  /** Address under which a file is served, if the command allows it. */
  segeveryAddress(path: string): Promise<Outcome<string>>;
  /** Address that takes an output. */
  segeverySink(name: string): Promise<string>;
  segeveryReport(message: string): Promise<void>;
  segeveryProgress(stage: string, done: number): Promise<void>;
}

const bridge = globalThis as unknown as Bridge;

const around: Surroundings = {
  decode: (bytes) => decodePhoto(bytes),
  async read(path) {
    const address = fromOutcome(await bridge.segeveryAddress(path));
    const response = await fetch(address);
    if (!response.ok) throw new SegEveryError('io', `${path} cannot be read`);
    return new Uint8Array(await response.arrayBuffer());
  },
  stream: async (path) => new URL(fromOutcome(await bridge.segeveryAddress(path))),
  async write(name, bytes) {
    const response = await fetch(await bridge.segeverySink(name), { method: 'POST', body: bytes });
    if (!response.ok) throw new SegEveryError('io', `${name} cannot be handed over (HTTP ${response.status})`);
  },
  report: (message) => void bridge.segeveryReport(message),
  progress(stage, done) {
    // A call to Node costs more than a small launch, so hundredths are enough.
    const percent = Math.floor(100 * done);
    if (stage === said.stage && percent === said.percent) return;
    said = { stage, percent };
    void bridge.segeveryProgress(stage, done);
  },
};
let said = { stage: '', percent: 0 };

const work = createWork(around);

/** Called from Node. */
function runWork(kind: keyof Work, argument: never): Promise<Outcome> {
  return toOutcome<unknown>(() => work[kind](argument));
}

Object.assign(globalThis, { runWork });
