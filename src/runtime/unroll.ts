// `// @unroll`: repeats the body of a loop whose bounds are known when a shader is specialised, with literals for its variable.
// A register array indexed by a loop variable costs ten times on CPU adapters, and is at the driver's mercy elsewhere.
import { SegEveryError } from './errors.ts';
import { constants, evaluator } from './wgsl-constants.ts';

/** Most copies of loop bodies in one shader. */
const MAX_COPIES = 65_536;
const MARK = /\/\/\s*@unroll\b[^\n]*/;
/** Behind a mark: variable, type, start, variable, `<` or `<=`, bound, variable, step. */
const HEADER =
  /^\s*for\s*\(\s*var\s+(\w+)\s*(?::\s*([ui])32\s*)?=([^;]*);\s*(\w+)\s*(<=?)([^;]*);\s*(\w+)\s*(?:\+\+|\+=([^{]*))\s*\)\s*\{/;

/**
 * WGSL text with every loop marked `// @unroll` unrolled: `for (var i = A; i < B; i++)`, also `<=` and `i += C`, where A, B, C are
 * integers made of literals, module constants and the variables of outer unrolled loops with + - * / % and parentheses. Each copy is a
 * block. The text loses its comments; block comments went when it was built.
 *
 * @param name the shader, for messages
 * @throws SegEveryError `shader` for a marked loop that cannot be unrolled
 */
export function unroll(text: string, name: string): string {
  if (!MARK.test(text)) return text;
  const code = text.replace(/\/\/(?!\s*@unroll\b)[^\n]*/g, '');
  const declared = constants(code);
  let copies = 0;

  const expand = (part: string): string => {
    const mark = MARK.exec(part);
    if (mark === null) return part;
    const rest = part.slice(mark.index + mark[0].length);
    const fail = (problem: string): never => {
      throw new SegEveryError('shader', `${name}: cannot unroll "${rest.trim().split('\n')[0]}": ${problem}`);
    };
    const [header, variable, type = '', from = '', second, comparison, to = '', third, by = '1'] =
      HEADER.exec(rest) ?? [];
    if (header === undefined || variable === undefined || second !== variable || third !== variable) {
      return fail('expected for (var i = A; i < B; i++) { after // @unroll, also <= and i += C');
    }
    const end = closing(rest, header.length);
    if (end < 0) fail('its body is not closed');
    const body = rest.slice(header.length, end);
    const problem = misuse(body, variable);
    if (problem !== undefined) fail(problem);

    const bounds = evaluator(declared, type, fail);
    const [start, bound, step] = [bounds.evaluate(from), bounds.evaluate(to), bounds.evaluate(by)];
    if (step <= 0) fail(`its step is ${step}, and must be positive`);
    const span = bound - start + (comparison === '<=' ? 1 : 0);
    copies += Math.max(0, Math.ceil(span / step));
    if (copies > MAX_COPIES) fail(`more than ${MAX_COPIES} copies in one shader`);
    let out = part.slice(0, mark.index);
    const places = new RegExp(`${NOT_MEMBER}${variable}\\b`, 'g');
    for (let at = start; at < start + span; at += step) {
      const value = `${at}${bounds.type() || 'i'}`;
      out += `{${expand(body.replace(places, at < 0 ? `(${value})` : value))}}\n`;
    }
    return out + expand(rest.slice(end + 1));
  };
  return expand(code);
}

/** Before a name that is no member, attribute or end of another name. */
const NOT_MEMBER = '(?<![\\w.@]|\\.\\s)';

/** Offset of the brace that closes the block which begins at `start`, -1 if none does. */
function closing(text: string, start: number): number {
  let depth = 1;
  for (const brace of text.slice(start).matchAll(/[{}]/g)) {
    depth += brace[0] === '{' ? 1 : -1;
    if (depth === 0) return start + brace.index;
  }
  return -1;
}

/** Why the body of a loop over `variable` cannot be repeated, if so. */
function misuse(body: string, variable: string): string | undefined {
  const name = NOT_MEMBER + variable;
  if (new RegExp(`\\b(?:let|const|var|var\\s*<\\w+>)\\s+${variable}\\b`).test(body)) {
    return `its variable ${variable} is declared again`;
  }
  if (new RegExp(`${name}\\s*(?:\\+\\+|--|(?:[-+*/%&|^]|<<|>>)?=(?!=))`).test(body)) {
    return `its variable ${variable} is assigned to`;
  }
  // Blocks collapse from the inside to the jumps that leave them.
  let rest = body;
  for (let before = ''; before !== rest; ) {
    before = rest;
    rest = rest.replace(/(?:\b(for|while|loop|switch)\b[^{}]*)?\{([^{}]*)\}/g, (_, keyword?: string, block = '') => {
      const jumps =
        keyword === undefined ? /\b(?:break|continue)\b/g : keyword === 'switch' ? /\bcontinue\b/g : /(?!)/g;
      return ` ${(block.match(jumps) ?? []).join(' ')};`;
    });
  }
  const jump = /\b(?:break|continue)\b/.exec(rest)?.[0];
  return jump === undefined ? undefined : `${jump} would leave an unrolled loop`;
}
