// Tokens of WGSL, as much as unrolling needs.

/** A token and its place in the text; `comment` covers line and (nested) block comments. */
export interface Token {
  readonly kind: 'name' | 'number' | 'comment' | 'mark';
  readonly text: string;
  readonly start: number;
}

const PATTERN =
  /(?<comment>\/\/[^\n]*|\/\*)|(?<name>[\p{XID_Start}_]\p{XID_Continue}*)|(?<number>0[xX][\da-fA-F]+[iu]?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[iufh]?)|(?:<<=|>>=|[-+*/%&|^=!<>]=|\+\+|--|&&|\|\||<<|>>|->|\S)/gu;

/** Splits WGSL text; white space is dropped. */
export function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  PATTERN.lastIndex = 0;
  for (let match = PATTERN.exec(text); match !== null; match = PATTERN.exec(text)) {
    const { comment, name, number } = match.groups ?? {};
    const start = match.index;
    if (comment === '/*') {
      const end = blockEnd(text, start);
      tokens.push({ kind: 'comment', text: text.slice(start, end), start });
      PATTERN.lastIndex = end;
    } else {
      const kind = comment ? 'comment' : name ? 'name' : number ? 'number' : 'mark';
      tokens.push({ kind, text: match[0], start });
    }
  }
  return tokens;
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
