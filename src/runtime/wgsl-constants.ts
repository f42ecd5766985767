// Values of WGSL constant expressions, as much as bounds of loops need: 32-bit integers with + - * / % and parentheses.

/** Constants of a module: name and initialiser. Their names begin with a capital letter, which tells them from those of functions. */
export function constants(code: string): Map<string, string> {
  const found = code.matchAll(/\bconst\s+([A-Z]\w*)\s*(?::\s*\w+\s*)?=([^;]*);/g);
  return new Map(Array.from(found, ([, name = '', value = '']) => [name, value]));
}

/** Evaluates expressions that must agree on a type. */
export interface Evaluator {
  readonly evaluate: (expression: string) => number;
  /** u, i, or nothing while all were literals without a suffix. */
  readonly type: () => string;
}

/** An evaluator over `declared` constants; `fail` is called with what is wrong with an expression. */
export function evaluator(
  declared: ReadonlyMap<string, string>,
  start: string,
  fail: (problem: string) => never,
): Evaluator {
  let type = start;

  const evaluate = (expression: string, within: readonly string[] = []): number => {
    const terms = expression.match(/[\w.]+|\S/g) ?? [];
    let at = 0;
    const atom = (): number => {
      const term = terms[at++] ?? '';
      if (term === '-') return -atom();
      if (term === '(') {
        const value = sum();
        return terms[at++] === ')' ? value : fail(`"${expression.trim()}" lacks a parenthesis`);
      }
      const value = declared.get(term);
      if (within.includes(term)) return fail(`the constant "${term}" needs itself`);
      if (value !== undefined) return evaluate(value, [...within, term]);
      const [, digits, suffix = ''] = /^(\d+)([iu]?)$/.exec(term) ?? [];
      if (digits === undefined) return fail(`"${term}" is not an integer, nor a constant of the module`);
      if (suffix !== '' && type !== '' && suffix !== type) fail(`${type}32 and ${suffix}32 are mixed`);
      type ||= suffix;
      return Number(digits);
    };
    const product = (): number => {
      let left = atom();
      for (let mark = terms[at] ?? ''; /^[*/%]$/.test(mark); mark = terms[at] ?? '') {
        at++;
        const right = atom();
        if (right === 0 && mark !== '*') fail('a constant is divided by 0');
        left = mark === '*' ? left * right : mark === '/' ? Math.trunc(left / right) : left % right;
      }
      return left;
    };
    const sum = (): number => {
      let left = product();
      for (let mark = terms[at]; mark === '+' || mark === '-'; mark = terms[at]) {
        at++;
        const right = product();
        left += mark === '+' ? right : -right;
      }
      return left;
    };
    const value = sum();
    if (at < terms.length) fail(`"${expression.trim()}" has more than + - * / % and parentheses`);
    if (!Number.isSafeInteger(value) || (type === 'u' && value < 0)) {
      fail(`"${expression.trim()}" is ${value}, which ${type || 'i'}32 does not hold`);
    }
    return value;
  };
  return { evaluate: (expression) => evaluate(expression), type: () => type };
}
