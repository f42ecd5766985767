// WGSL for production: no comments, no space that separates nothing, short names inside functions. What src/runtime reads stays readable
// to it: `#import` lines, specialised constants at a line's start with their mark, and `// @unroll`.

/** A token: a comment, a word (name, keyword or number), or anything else. */
interface Token {
  readonly kind: 'comment' | 'word' | 'mark';
  readonly text: string;
}

const TOKEN =
  /\/\/[^\n]*|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[iufh]?(?!\w)|\w+|<<=|>>=|[-+*/%&|^=!<>]=|\+\+|--|&&|\|\||<<|>>|->|\S/g;
/** Two characters that may not meet, since they would be read as one token, or as the start of a comment. */
const JOINED = /^(?:\w\w|\+\+|--|&&|\|\||<<|>>|->|\/\/|\/\*|\*\/|[-+*/%&|^=!<>]=)$/;

/** `source` without block comments, which nest in WGSL; its lines stay where they are. */
export function withoutBlockComments(source: string): string {
  let depth = 0;
  let out = '';
  for (let at = 0; at < source.length; ) {
    const two = source.slice(at, at + 2);
    if (two === '/*' || (two === '*/' && depth > 0)) {
      depth += two === '/*' ? 1 : -1;
      at += 2;
      if (depth === 0) out += ' ';
      continue;
    }
    const next = depth === 0 && two === '//' ? source.indexOf('\n', at) : at + 1;
    const end = next < 0 ? source.length : next;
    const part = source.slice(at, end);
    if (depth === 0 || part === '\n') out += part;
    at = end;
  }
  return out;
}

/** The text of one file (no `#import` lines), minified. It ends with a line break, so that texts can be put one behind the other. */
export function minify(source: string): string {
  const short = withoutBlockComments(source).replace(/\bvec([234])<([fiu]|f16)(?:32)?>/g, (_, size, type) => {
    return `vec${size}${type === 'f16' ? 'h' : type}`;
  });
  const tokens = Array.from(short.matchAll(TOKEN), ([text]): Token => {
    return { kind: text.startsWith('//') ? 'comment' : /\w/.test(text) ? 'word' : 'mark', text };
  });
  return write(renameLocals(tokens.filter(({ kind, text }) => kind !== 'comment' || isMark(text))));
}

function isMark(comment: string): boolean {
  return /^\/\/\s*(?:@unroll|specialised)\b/.test(comment);
}

function write(tokens: readonly Token[]): string {
  let out = '';
  let depth = 0;
  for (const [index, { kind, text }] of tokens.entries()) {
    if (kind === 'comment') {
      out += text.includes('@unroll') ? '//@unroll\n' : '//specialised\n';
      continue;
    }
    if (text === '{') depth++;
    if (text === '}') depth--;
    const following = tokens[index + 1]?.text;
    // A comma behind the last of a list.
    if (text === ',' && (following === ')' || following === '}' || following === '>')) continue;
    // Constants may be specialised, and are found at the start of a line.
    if (text === 'const' && depth === 0 && out !== '' && !out.endsWith('\n')) out += '\n';
    const space = JOINED.test(`${out.at(-1) ?? ''}${text[0] ?? ''}`) ? ' ' : '';
    out += space + text;
  }
  return out.endsWith('\n') ? out : `${out}\n`;
}

/** Functions with short names for what they declare. */
function renameLocals(tokens: readonly Token[]): Token[] {
  const renamed = [...tokens];
  const text = (index: number): string => tokens[index]?.text ?? '';
  const module = moduleNames(tokens);
  for (let start = 0; start < tokens.length; start++) {
    if (text(start) !== 'fn') continue;
    const open = tokens.findIndex((it, index) => index > start && it.text === '{');
    let end = open + 1;
    for (let depth = 1; depth > 0 && end < tokens.length; end++) {
      depth += text(end) === '{' ? 1 : text(end) === '}' ? -1 : 0;
    }
    const uses = Array.from({ length: end - start - 2 }, (_, index) => start + 2 + index).filter(
      (index) => tokens[index]?.kind === 'word' && text(index - 1) !== '.' && text(index - 1) !== '@',
    );
    const locals = new Set<string>();
    const others = new Set(module);
    for (const index of uses) {
      const name = text(index);
      // A name that is used before its declaration, or in it, is also something of the module.
      if (locals.has(name) || others.has(name)) continue;
      const own =
        isDeclaration(text, index, index < open) && (index < open || !initialiser(text, index).includes(name));
      (own ? locals : others).add(name);
    }
    const short = new Map<string, string>();
    for (const name of locals) {
      const found = shortNames(name).find((it) => !others.has(it)) ?? name;
      others.add(found);
      short.set(name, found);
    }
    for (const index of uses) {
      const name = short.get(text(index));
      if (name !== undefined) renamed[index] = { kind: 'word', text: name };
    }
    start = end - 1;
  }
  return renamed;
}

/** Names of the file's functions, types, constants and variables. */
function moduleNames(tokens: readonly Token[]): string[] {
  let depth = 0;
  return tokens.flatMap(({ text }, index) => {
    if (text === '{') depth++;
    if (text === '}') depth--;
    if (depth > 0) return [];
    const before = tokens[index - 1]?.text ?? '';
    const variable = before === '>' && tokens[index + 1]?.text === ':';
    return variable || ['fn', 'struct', 'alias', 'const'].includes(before) ? [text] : [];
  });
}

/** Whether the word at `index` is the name of a parameter or of a let, const or var. */
function isDeclaration(text: (index: number) => string, index: number, header: boolean): boolean {
  if (header) return text(index + 1) === ':';
  if (text(index - 1) === '>' && text(index - 3) === '<') return text(index - 4) === 'var';
  return ['let', 'const', 'var'].includes(text(index - 1));
}

/** Tokens from the one behind `index` to the end of the declaration. */
function initialiser(text: (index: number) => string, index: number): string[] {
  const tokens: string[] = [];
  for (let at = index + 1; text(at) !== '' && text(at) !== ';'; at++) tokens.push(text(at));
  return tokens;
}

/**
 * What may stand for a name, best first. Initials, so that equal lines of different kernels stay equal and compress; no capital at the
 * front, which marks a constant.
 */
function shortNames(name: string): string[] {
  const first = name.charAt(0).toLowerCase();
  const initials = first + name.slice(1).replace(/[a-z]+/g, '');
  const numbered = Array.from({ length: 9 }, (_, digit) => `${first}${digit + 1}`);
  return [first, initials, name.slice(0, 2).toLowerCase(), ...numbered].filter((it) => !RESERVED.has(it));
}

const RESERVED = new Set(['as', 'do', 'fn', 'if', 'in', 'is', 'of', '_']);
