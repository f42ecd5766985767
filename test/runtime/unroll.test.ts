import { expect, test } from 'vitest';
import { SegEveryError } from '../../src/runtime/errors.ts';
import { unroll } from '../../src/runtime/unroll.ts';

/** Unrolls, and drops white space, which WGSL does not care about. */
function compact(text: string): string {
  return unroll(text, 'kernel').replace(/\s+/g, '');
}

const loop = (header: string, body: string, before = '') =>
  `${before}\nfn f() {\n// @unroll\nfor (${header}) { ${body} }\n}`;

test('a text without marks stays as it is', () => {
  const text = 'fn f() { for (var i = 0u; i < 2u; i++) { a[i] = 1.0; } }';
  expect(unroll(text, 'kernel')).toBe(text);
});

test('literals take the type of the variable', () => {
  expect(compact(loop('var i = 0u; i < 2u; i++', 'a[i] = i;'))).toBe('fnf(){{a[0u]=0u;}{a[1u]=1u;}}');
  expect(compact(loop('var i = 0; i < 2; i++', 'a[i];'))).toBe('fnf(){{a[0i];}{a[1i];}}');
  expect(compact(loop('var i: u32 = 0; i < 1; i++', 'a[i];'))).toBe('fnf(){{a[0u];}}');
  expect(compact(loop('var i = -1; i <= 0; i++', 'a[x-i];'))).toBe('fnf(){{a[x-(-1i)];}{a[x-0i];}}');
});

test('bounds are constants of the module, in any order, with integer division', () => {
  const constants = 'const N4 = N / 4u;\nconst N = 8u;\nconst WIDE: u32 = (N - 5u) * 2 % 4;\n';
  expect(compact(loop('var i = 0u; i < N4; i++', 'i;', constants))).toMatch(/\{\{0u;\}\{1u;\}\}$/);
  expect(compact(loop('var i = 0u; i < N4; i++', 'i;', 'const N4=N/4u;\nconst N=7u;'))).toMatch(/\{\{0u;\}\}$/);
  expect(compact(loop('var i = N4 * 2u; i <= N; i += N4', 'i;', constants))).toMatch(/\{\{4u;\}\{6u;\}\{8u;\}\}$/);
  expect(compact(loop('var i = 0u; i < WIDE; i++', 'i;', constants))).toMatch(/\{\{0u;\}\{1u;\}\}$/);
  expect(compact(loop('var i = 0u; i < 7u / 2u * 1u - 2u; i++', 'i;'))).toMatch(/\{\{0u;\}\}$/);
  expect(compact(loop('var i = 0u; i < 9u - (4u - 1u) - 5u; i += (1u)', 'i;'))).toMatch(/\{\{0u;\}\}$/);
});

test('a loop without passes vanishes', () => {
  expect(compact(loop('var i = 3u; i < 3u; i++', 'a[i];'))).toBe('fnf(){}');
});

test('nested marks use outer variables; unmarked loops stay', () => {
  const nested =
    '\n// @unroll\nfor (var j = i; j < 2u; j++) { a[i * 2u + j]; }\nfor (var k = i; k < i; k++) { b[k + i]; }';
  expect(compact(loop('var i = 0u; i < 2u; i++', nested))).toBe(
    'fnf(){{{a[0u*2u+0u];}{a[0u*2u+1u];}for(vark=0u;k<0u;k++){b[k+0u];}}' +
      '{{a[1u*2u+1u];}for(vark=1u;k<1u;k++){b[k+1u];}}}',
  );
});

test('members and longer names are not the variable', () => {
  expect(compact(loop('var i = 0u; i < 1u; i++', 'p.i = ii + i_ + p . i + q[i].x;'))).toBe(
    'fnf(){{p.i=ii+i_+p.i+q[0u].x;}}',
  );
});

test('comments, their braces and marks inside them are not code', () => {
  const text = compact(loop('var i = 0u; i < 1u; i++', '\n// } i { break @unroll\n a[i]; // i }\n'));
  expect(text).toBe('fnf(){{a[0u];}}');
  expect(compact('// @unrolled by hand\nfn f() { for (var i = 0u; i < n; i++) { } }')).toContain('for(');
  expect(compact('fn f() {\n// @unroll: why\nfor (var i = 0u; i < 1u; i++) { i; }\n}')).toBe('fnf(){{0u;}}');
});

test('jumps inside an inner loop or switch are allowed, jumps that leave the unrolled loop are errors', () => {
  const inner = 'while (x) { if (y) { break; } } loop { continue; } switch (i) { case 0u: { break; } default: {} }';
  expect(compact(loop('var i = 0u; i < 1u; i++', inner))).toContain('switch(0u)');
  for (const jump of [
    'if (x) { break; }',
    'continue;',
    'for (;;) { } if (x) { continue; }',
    'switch (i) { default: { continue; } }',
  ]) {
    expect(() => unroll(loop('var i = 0u; i < 1u; i++', jump), 'kernel')).toThrow(/would leave an unrolled loop/);
  }
});

test.each([
  ['var i = 0u; i < n; i++', 'a[i];', /"n" is not an integer, nor a constant/],
  ['var i = 0u; i < 2.0; i++', 'a[i];', /"2.0" is not an integer/],
  ['var i = 0u; i < (2u; i++', 'a[i];', /lacks a parenthesis/],
  ['var i = 0u; i < 2u << 1u; i++', 'a[i];', /has more than/],
  ['var i = 0u; i < 2u - 3u; i++', 'a[i];', /is -1, which u32 does not hold/],
  ['var i = 0u; i < 2u; i++', '{ let i = i + 1u; }', /declared again/],
  ['var i = 0u; i < 2u; i++', 'for (var i = i; i < 3u; i++) { a[i]; }', /declared again/],
  ['var i = 0u; i < 2u; i++', 'i += 1u;', /assigned to/],
  ['var i = 0u; i < 2u; i++', 'i++;', /assigned to/],
  ['var i = 0u; i < 2i; i++', 'a[i];', /u32 and i32 are mixed/],
  ['var i = 0u; i < 2u + 2i; i++', 'a[i];', /u32 and i32 are mixed/],
  ['var i = 0u; i < 2u; i += 0u', 'a[i];', /its step is 0/],
  ['var i = 4u; i > 2u; i--', 'a[i];', /expected for/],
  ['var i = 0u; i < 4u / 0u; i++', 'a[i];', /divided by 0/],
  ['var i = 0u; i <= 4294967295u; i++', 'a[i];', /more than 65536 copies/],
  ['var i = 0u; i < SELF; i++', 'a[i];', /"SELF" needs itself/],
])('for (%s) { %s } is an error that names the shader and the loop', (header, body, problem) => {
  const run = () => unroll(loop(header, body, 'const SELF = SELF + 1u;'), 'kernel');
  expect(run).toThrow(SegEveryError);
  expect(run).toThrow(problem);
  expect(run).toThrow(/^kernel: cannot unroll "for \(var i/);
});

test('nested loops share the limit of copies', () => {
  const nested = '\n// @unroll\nfor (var j = 0u; j < 300u; j++) { a[j]; }\n';
  expect(() => unroll(loop('var i = 0u; i < 300u; i++', nested), 'kernel')).toThrow(/more than 65536 copies/);
});

test('a mark without a loop, and a body that is not closed, are errors', () => {
  expect(() => unroll('fn f() { // @unroll\n let a = 1; }', 'kernel')).toThrow(/expected for/);
  expect(() => unroll('fn f() { // @unroll\nfor (var i = 0u; i < 1u; i++) { a[i];', 'kernel')).toThrow(/not closed/);
});
