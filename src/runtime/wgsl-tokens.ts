// Tokens of WGSL, as much as unrolling needs.

/** A token and its place in the text; `comment` covers line and (nested) block comments. */
export interface Token {
  readonly kind: 'name' | 'number' | 'comment' | 'mark';
  readonly text: string;
  readonly start: number;
}

// In this order: comment, name, number, operator. Letters beyond ASCII are all taken as parts of names.
const PATTERN =
  /\/\/[^\n]*|\/\*|[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*|0[xX][\da-fA-F]+[iu]?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[iufh]?|<<=|>>=|[-+*/%&|^=!<>]=|\+\+|--|&&|\|\||<<|>>|->|\S/g;

/** Splits WGSL text; white space is dropped. */
export function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  PATTERN.lastIndex = 0;
  for (let match = PATTERN.exec(text); match !== null; match = PATTERN.exec(text)) {
    const start = match.index;
    const [found] = match;
    if (found === '/*') {
      const end = blockEnd(text, start);
      tokens.push({ kind: 'comment', text: text.slice(start, end), start });
      PATTERN.lastIndex = end;
    } else {
      tokens.push({ kind: kindOf(found), text: found, start });
    }
  }
  return tokens;
}

function kindOf(text: string): Token['kind'] {
  if (/^[A-Za-z_\u0080-\uffff]/.test(text)) return 'name';
  if (/^\.?\d/.test(text)) return 'number';
  return text.startsWith('//') ? 'comment' : 'mark';
}

/** End of the block comment that begins at `start`; an open one runs to the end of the text. */
function blockEnd(text: string, start: number): number {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = start;
  let depth = 0;
  for (let match = edge.exec(text); match !== null; match = edge.exec(text)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
  return text.length;
}
