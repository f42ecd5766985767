// `// @unroll`: repeats the body of a loop whose bounds are known when a shader is specialised, with literals for its variable.
// A register array indexed by a loop variable costs ten times on CPU adapters, and is at the driver's mercy elsewhere.
import { SegEveryError } from './errors.ts';
import { type Constant, Evaluator, moduleConstants, type Term } from './wgsl-constants.ts';
import { type Token, tokenise } from './wgsl-tokens.ts';

/** Most copies of loop bodies in one shader. */
const MAX_COPIES = 65_536;
const ASSIGNMENTS = new Set(['=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>=', '++', '--']);
const JUMP_TARGETS = new Set(['for', 'while', 'loop', 'switch']);

/** An unrolled loop; `current` is its variable's value while a copy is written. */
interface Loop {
  readonly offset: number;
  readonly type: string | undefined;
  readonly start: readonly Operand[];
  readonly bound: readonly Operand[];
  readonly step: readonly Operand[];
  readonly inclusive: boolean;
  body: readonly Piece[];
  current: Constant | undefined;
}

/** Part of a bound: text, or an outer unrolled loop whose variable stands there. */
type Operand = string | Loop;

/** Text to copy, a loop to unroll, or a place where an unrolled loop's variable stands. */
type Piece = string | { readonly loop: Loop } | { readonly variable: Loop };

/** A local name until the brace that closes at `depth`; `previous` is what the name meant before. */
interface Local {
  readonly name: string;
  readonly depth: number;
  readonly previous: Loop | undefined;
}

type Fail = (offset: number, problem: string) => never;

/**
 * WGSL text with every loop marked `// @unroll` unrolled: `for (var i = A; i < B; i++)`, also `<=` and `i += C`, where A, B, C are
 * constant integer expressions over literals, module constants and the variables of outer unrolled loops. Each copy is a block.
 *
 * @param name the shader, for messages
 * @param constants values that stand in for the module constants of the same names
 * @throws SegEveryError `shader` for a marked loop that cannot be unrolled
 */
export function unroll(text: string, name: string, constants: Readonly<Record<string, number | boolean>>): string {
  if (!text.includes('@unroll')) return text;
  const fail: Fail = (offset, problem) => {
    const line = text.slice(0, offset).split('\n').length;
    const source = text.split('\n')[line - 1]?.trim();
    throw new SegEveryError(
      'shader',
      `${name}: cannot unroll line ${line} of the linked WGSL, "${source}": ${problem}`,
    );
  };
  const tokens = tokenise(text);
  const evaluator = new Evaluator(moduleConstants(tokens), constants);
  const out: string[] = [];
  let copies = 0;

  const value = (loop: Loop, operands: readonly Operand[]): Constant => {
    try {
      return evaluator.evaluate(operands.map((it): Term => (typeof it === 'string' ? it : (it.current ?? ''))));
    } catch (error) {
      return fail(loop.offset, error instanceof Error ? error.message : String(error));
    }
  };
  const write = (pieces: readonly Piece[]): void => {
    for (const piece of pieces) {
      if (typeof piece === 'string') out.push(piece);
      else if ('loop' in piece) repeat(piece.loop);
      else if (piece.variable.current !== undefined) out.push(literal(piece.variable.current));
    }
  };
  const repeat = (loop: Loop): void => {
    const [start, bound, step] = [value(loop, loop.start), value(loop, loop.bound), value(loop, loop.step)];
    const types = [loop.type, start.type, bound.type, step.type].filter((it) => it !== undefined && it !== 'int');
    const type = types[0] === 'u32' ? 'u32' : 'i32';
    if (types.some((it) => it !== type)) fail(loop.offset, `its bounds mix ${[...new Set(types)].join(' and ')}`);
    if (step.value <= 0) fail(loop.offset, `its step is ${step.value}, and must be positive`);
    const span = bound.value - start.value + (loop.inclusive ? 1 : 0);
    copies += Math.max(0, Math.ceil(span / step.value));
    if (copies > MAX_COPIES) fail(loop.offset, `more than ${MAX_COPIES} copies in one shader`);
    for (let at = 0; at < span; at += step.value) {
      loop.current = { type, value: start.value + at };
      out.push('{');
      write(loop.body);
      out.push('}\n');
    }
    loop.current = undefined;
  };

  write(new Parser(text, tokens, fail).module());
  return out.join('');
}

function literal({ type, value }: Constant): string {
  const text = `${value}${type === 'u32' ? 'u' : 'i'}`;
  return value < 0 ? `(${text})` : text;
}

/** Splits the text into pieces, following scopes: a nested declaration of the same name hides an unrolled variable. */
class Parser {
  private readonly locals: Local[] = [];
  private readonly unrolled = new Map<string, Loop | undefined>();
  /** What `break` and `continue` may leave, innermost last; undefined is a loop that stays. */
  private readonly targets: { readonly depth: number; readonly loop: Loop | undefined; readonly keyword: string }[] =
    [];
  private pieces: Piece[] = [];
  private at = 0;
  private depth = 0;
  private parentheses = 0;
  /** Text before this offset is in `pieces` already. */
  private copied = 0;
  /** Keyword whose body the next brace opens. */
  private pendingTarget = '';
  /** Name of the declaration that the next semicolon ends, and the index of its token. */
  private pendingName = '';
  private declaredAt = -1;

  constructor(
    private readonly text: string,
    private readonly tokens: readonly Token[],
    private readonly fail: Fail,
  ) {}

  module(): readonly Piece[] {
    while (this.at < this.tokens.length) this.step();
    this.copyTo(this.text.length);
    return this.pieces;
  }

  /** Consumes one token, or a whole marked loop. */
  private step(): void {
    const token = this.tokens[this.at++];
    if (token === undefined) return;
    const { kind, text, start } = token;
    if (kind === 'comment') {
      if (/^\/\/\s*@unroll\b/.test(text)) this.loop(token);
    } else if (kind === 'name') {
      this.name(token);
    } else if (text === '(') {
      this.parentheses++;
    } else if (text === ')') {
      this.parentheses--;
    } else if (text === '{') {
      this.depth++;
      if (this.pendingTarget !== '') this.enter(undefined, this.pendingTarget);
      this.pendingTarget = '';
    } else if (text === '}') {
      this.leave();
    } else if (text === ';' && this.pendingName !== '') {
      // A name declared in a `for` header lasts until its body closes, others until their own block does.
      this.declare(this.pendingName, undefined, this.parentheses > 0 ? this.depth + 1 : this.depth);
      this.pendingName = '';
    }
    if (this.depth < 0) this.fail(start, 'a brace closes that was never opened');
  }

  private name({ text, start }: Token): void {
    const previous = this.tokens[this.at - 2]?.text;
    if (previous === '.' || previous === '@') return;
    if (JUMP_TARGETS.has(text)) {
      this.pendingTarget = text;
    } else if (text === 'break' || text === 'continue') {
      this.jump(text, start);
    } else if (text === 'let' || text === 'const' || text === 'var') {
      this.pendingName = this.declaredName();
    } else {
      const loop = this.unrolled.get(text);
      // The name in a declaration hides the variable only after its own initialiser.
      if (loop === undefined || this.at - 1 === this.declaredAt) return;
      const next = this.code(this.at)?.text ?? '';
      if (ASSIGNMENTS.has(next)) this.fail(start, `its variable ${text} is assigned to`);
      this.copyTo(start);
      this.pieces.push({ variable: loop });
      this.copied = start + text.length;
    }
  }

  /** The name after `let`, `const`, `var` or `var<...>`. */
  private declaredName(): string {
    let index = this.at;
    if (this.tokens[index]?.text === '<') while (this.tokens[index - 1]?.text !== '>') index++;
    while (this.tokens[index]?.kind === 'comment') index++;
    this.declaredAt = index;
    return this.depth > 0 ? (this.tokens[index]?.text ?? '') : '';
  }

  private jump(word: string, offset: number): void {
    const target = this.targets.findLast((it) => word === 'break' || it.keyword !== 'switch');
    if (target?.loop !== undefined) this.fail(offset, `${word} would leave an unrolled loop`);
  }

  /** Parses the `for` after a mark, and its body, into a piece. */
  private loop(mark: Token): void {
    this.copyTo(mark.start);
    const offset = this.code(this.at)?.start ?? mark.start;
    const expect = (wanted: string): void => {
      const token = this.next();
      if (token?.text !== wanted) {
        this.fail(offset, 'expected for (var i = A; i < B; i++) { after // @unroll, also <= and i += C');
      }
    };
    expect('for');
    expect('(');
    expect('var');
    const variable = this.next()?.text ?? '';
    const typed = this.code(this.at)?.text === ':';
    if (typed) this.next();
    const type = typed ? this.next()?.text : undefined;
    expect('=');
    const start = this.operands(';');
    expect(variable);
    const inclusive = this.code(this.at)?.text === '<=';
    expect(inclusive ? '<=' : '<');
    const bound = this.operands(';');
    expect(variable);
    const single = this.code(this.at)?.text === '++';
    expect(single ? '++' : '+=');
    const step = single ? ['1'] : this.operands(')');
    if (single) expect(')');
    expect('{');
    const loop: Loop = { offset, type, start, bound, step, inclusive, body: [], current: undefined };

    const outer = this.pieces;
    this.pieces = [];
    this.copied = this.previousEnd();
    this.depth++;
    const depth = this.depth;
    this.declare(variable, loop, depth);
    this.enter(loop, 'for');
    while (this.depth >= depth) {
      if (this.at >= this.tokens.length) this.fail(offset, 'its body is not closed');
      this.step();
    }
    this.copyTo(this.previousEnd() - 1);
    this.copied = this.previousEnd();
    loop.body = this.pieces;
    this.pieces = outer;
    outer.push({ loop });
  }

  /** Tokens up to `end` at the same nesting, which is consumed. */
  private operands(end: string): Operand[] {
    const list: Operand[] = [];
    let nesting = 0;
    for (let token = this.next(); token !== undefined; token = this.next()) {
      if (nesting === 0 && token.text === end) break;
      if (token.text === '(') nesting++;
      if (token.text === ')') nesting--;
      list.push((token.kind === 'name' ? this.unrolled.get(token.text) : undefined) ?? token.text);
    }
    return list;
  }

  private declare(name: string, loop: Loop | undefined, depth: number): void {
    this.locals.push({ name, depth, previous: this.unrolled.get(name) });
    this.unrolled.set(name, loop);
  }

  private enter(loop: Loop | undefined, keyword: string): void {
    this.targets.push({ depth: this.depth, loop, keyword });
  }

  private leave(): void {
    this.depth--;
    while ((this.targets.at(-1)?.depth ?? 0) > this.depth) this.targets.pop();
    for (let local = this.locals.at(-1); local !== undefined && local.depth > this.depth; local = this.locals.at(-1)) {
      this.unrolled.set(local.name, local.previous);
      this.locals.pop();
    }
  }

  /** The first token from `index` on that is not a comment. */
  private code(index: number): Token | undefined {
    while (this.tokens[index]?.kind === 'comment') index++;
    return this.tokens[index];
  }

  private next(): Token | undefined {
    while (this.tokens[this.at]?.kind === 'comment') this.at++;
    return this.tokens[this.at++];
  }

  private previousEnd(): number {
    const token = this.tokens[this.at - 1];
    return token === undefined ? this.text.length : token.start + token.text.length;
  }

  private copyTo(offset: number): void {
    if (offset > this.copied) this.pieces.push(this.text.slice(this.copied, offset));
    this.copied = Math.max(this.copied, offset);
  }
}
