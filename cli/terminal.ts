// What the commands print with: data on standard output, words on standard error, and below them one line that changes in place.

/** What the commands print with. */
export interface Terminal {
  /** Data, on standard output. */
  data(text: string): void;
  /** A line of words, on standard error. */
  say(text: string): void;
  /** Whether `status` shows anything: standard error is a terminal. */
  readonly live: boolean;
  /** Shows a line below all others until the next one; '' takes it away. */
  status(text: string): void;
}

/** The part of a stream that is used here. */
export interface Sink {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Back to the line's begin, and erase to its end (ECMA-48 EL). */
const ERASE = '\r\u001b[K';

/** Names of files may hold characters that steer a terminal; lines and tabs stay. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const harmless = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');

export function createTerminal(out: Sink, err: Sink): Terminal {
  const live = err.isTTY === true;
  let shown = '';
  /** Takes the changing line away, prints, and puts it back. */
  const above = (print: () => unknown): void => {
    if (shown !== '') err.write(ERASE);
    print();
    if (shown !== '') err.write(shown);
  };
  return {
    live,
    data: (text) => above(() => out.write(text)),
    say: (text) => above(() => err.write(`${harmless(text)}\n`)),
    status(text) {
      if (!live) return;
      // A line that is wrapped could not be erased.
      const line = harmless(text).slice(0, Math.max(0, (err.columns ?? 80) - 1));
      if (line === shown) return;
      err.write(ERASE + line);
      shown = line;
    },
  };
}
