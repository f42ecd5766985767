// Values of WGSL constant expressions, as much as loop bounds need: integers and booleans with WGSL's types and rounding.
import type { Token } from './wgsl-tokens.ts';

/** An integer or boolean of WGSL; `int` is an abstract integer, which takes the type of its partner. */
export interface Constant {
  readonly type: 'u32' | 'i32' | 'int' | 'bool';
  readonly value: number;
}

/** Part of an expression: a token's text, or a value that is known already. */
export type Term = string | Constant;

/** Binding strength of the binary operators, weakest first. */
const STRENGTH = ['||', '&&', '|', '^', '&', '== !=', '< > <= >=', '<< >>', '+ -', '* / %'].map((it) => it.split(' '));

/** Module-scope `const` declarations: name and initialiser. */
export function moduleConstants(tokens: readonly Token[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const code = tokens.filter((it) => it.kind !== 'comment');
  let depth = 0;
  for (const [index, { text }] of code.entries()) {
    if (text === '{') depth++;
    else if (text === '}') depth--;
    else if (text === 'const' && depth === 0) {
      let end = index;
      while (end < code.length && code[end]?.text !== ';') end++;
      const words = code.slice(index + 1, end).map((it) => it.text);
      const [name, mark, type] = words;
      const typed = mark === ':' && (type === 'u32' || type === 'i32');
      const value = words.slice(words.indexOf('=') + 1);
      if (name !== undefined) found.set(name, typed ? [type, '(', ...value, ')'] : value);
    }
  }
  return found;
}

/** Evaluates expressions over literals, `declared` constants (see `moduleConstants`), and `values`, which stand in for declared ones. */
export class Evaluator {
  private readonly known = new Map<string, Constant>();

  constructor(
    private readonly declared: ReadonlyMap<string, readonly string[]>,
    private readonly values: Readonly<Record<string, number | boolean>>,
  ) {}

  /** Throws an `Error` that says which part is not a constant integer. */
  evaluate(terms: readonly Term[]): Constant {
    const reader = new Reader(terms, (name) => this.named(name));
    const result = reader.binary(0);
    if (reader.peek() !== undefined) throw new Error(`"${written(terms)}" is not a constant integer expression`);
    return result;
  }

  private named(name: string): Constant {
    const known = this.known.get(name);
    if (known !== undefined && Number.isNaN(known.value)) throw new Error(`the constant "${name}" needs itself`);
    if (known !== undefined) return known;
    const terms = this.declared.get(name);
    if (terms === undefined) throw new Error(`"${name}" is not a constant of the module`);
    this.known.set(name, { type: 'bool', value: Number.NaN }); // a constant that needs itself has no value
    const initial = this.evaluate(terms);
    const value = this.values[name];
    const result = value === undefined ? initial : convert(initial.type, Number(value));
    this.known.set(name, result);
    return result;
  }
}

class Reader {
  private at = 0;

  constructor(
    private readonly terms: readonly Term[],
    private readonly named: (name: string) => Constant,
  ) {}

  peek(): Term | undefined {
    return this.terms[this.at];
  }

  binary(level: number): Constant {
    const operators = STRENGTH[level];
    if (operators === undefined) return this.unary();
    let left = this.binary(level + 1);
    for (let term = this.peek(); typeof term === 'string' && operators.includes(term); term = this.peek()) {
      this.at++;
      left = apply(term, left, this.binary(level + 1));
    }
    return left;
  }

  private unary(): Constant {
    const term = this.terms[this.at++];
    if (term === undefined) throw new Error('an expression ends early');
    if (typeof term !== 'string') return term;
    if (term === '-' || term === '!' || term === '~') {
      const { type, value } = this.unary();
      return convert(type, term === '-' ? -value : term === '~' ? ~value : Number(value === 0));
    }
    if (term === '(') return this.close(this.binary(0));
    if (term === 'true' || term === 'false') return { type: 'bool', value: Number(term === 'true') };
    const number = /^(0[xX][\da-fA-F]+|\d+)([iu]?)$/.exec(term);
    if (number !== null) {
      return { type: number[2] === 'u' ? 'u32' : number[2] === 'i' ? 'i32' : 'int', value: Number(number[1]) };
    }
    if (this.peek() !== '(') {
      if (!/^[A-Za-z_\u0080-\uffff]/.test(term)) throw new Error(`"${term}" is not an integer`);
      return this.named(term);
    }
    this.at++;
    const list = [this.binary(0)];
    while (this.peek() === ',') {
      this.at++;
      list.push(this.binary(0));
    }
    const [a, b, c] = list;
    if (a === undefined) throw new Error(`${term}() has no arguments`);
    if ((term === 'u32' || term === 'i32') && b === undefined) return this.close(convert(term, a.value));
    if (term === 'min' && b) return this.close(convert(common(a, b), Math.min(a.value, b.value)));
    if (term === 'max' && b) return this.close(convert(common(a, b), Math.max(a.value, b.value)));
    if (term === 'select' && b && c) return this.close(convert(common(a, b), c.value === 0 ? a.value : b.value));
    throw new Error(`${term}() is not known here: u32, i32, min, max, select are`);
  }

  private close(value: Constant): Constant {
    if (this.terms[this.at++] !== ')') throw new Error(`"${written(this.terms)}" lacks a parenthesis`);
    return value;
  }
}

function apply(operator: string, left: Constant, right: Constant): Constant {
  const [a, b] = [left.value, right.value];
  if (operator === '<<' || operator === '>>') {
    return convert(left.type, operator === '<<' ? a * 2 ** b : Math.floor(a / 2 ** b));
  }
  const type = common(left, right);
  const boolean = (value: boolean): Constant => ({ type: 'bool', value: Number(value) });
  switch (operator) {
    case '||':
      return boolean(a !== 0 || b !== 0);
    case '&&':
      return boolean(a !== 0 && b !== 0);
    case '==':
      return boolean(a === b);
    case '!=':
      return boolean(a !== b);
    case '<':
      return boolean(a < b);
    case '>':
      return boolean(a > b);
    case '<=':
      return boolean(a <= b);
    case '>=':
      return boolean(a >= b);
    case '|':
      return convert(type, a | b);
    case '^':
      return convert(type, a ^ b);
    case '&':
      return convert(type, a & b);
    case '+':
      return convert(type, a + b);
    case '-':
      return convert(type, a - b);
    case '*':
      return convert(type, type === 'int' ? a * b : Math.imul(a, b));
    default:
      if (b === 0) throw new Error('a constant is divided by 0');
      return convert(type, operator === '/' ? Math.trunc(a / b) : a % b);
  }
}

function common(left: Constant, right: Constant): Constant['type'] {
  if (left.type === right.type || right.type === 'int') return left.type;
  if (left.type === 'int') return right.type;
  throw new Error(`${left.type} and ${right.type} are mixed`);
}

function convert(type: Constant['type'], value: number): Constant {
  if (type === 'u32') return { type, value: value >>> 0 };
  if (type === 'i32') return { type, value: value | 0 };
  if (type === 'bool') return { type, value: Number(value !== 0) };
  return { type, value: Math.trunc(value) };
}

function written(terms: readonly Term[]): string {
  return terms.map((it) => (typeof it === 'string' ? it : String(it.value))).join(' ');
}
