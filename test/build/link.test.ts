import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compile } from '../../build/wgsl-compile.ts';
import { link, WgslError } from '../../build/wgsl-link.ts';
import { minify } from '../../build/wgsl-minify.ts';
import { declaration } from '../../build/wgsl-types.ts';

const root = join(import.meta.dirname, 'fixtures');
const linking = join(root, 'linking');
const shared = join(linking, 'shared');
const invalid = { root: join(root, 'invalid'), shared: join(root, 'invalid/shared'), minify: false };

test('imports are transitive, stand once and before their importer; variants stay', () => {
  const linked = link(join(linking, 'linked.wgsl'), { root: linking, shared });
  expect(linked.lines.filter((it) => it.startsWith('fn'))).toEqual([
    'fn base() {}',
    'fn left() {}',
    'fn right() {}',
    'fn own() {}',
  ]);
  expect(linked.variants).toEqual(['elem', 'weight']);
  expect(linked.files).toEqual(
    ['linked', 'shared/left', 'shared/base', 'shared/right'].map((it) => join(linking, `${it}.wgsl`)),
  );
  for (const [index, line] of linked.lines.entries()) {
    if (line === 'fn base() {}') expect(linked.origins[index]).toEqual({ file: 'shared/base.wgsl', line: 3 });
    if (line === 'fn own() {}') expect(linked.origins[index]).toEqual({ file: 'linked.wgsl', line: 7 });
  }
});

test.each([
  ['unknown-import', 'unknown-import.wgsl:2: unknown import "nowhere": there is no shared/nowhere.wgsl'],
  ['malformed-import', 'malformed-import.wgsl:1: expected "#import name"'],
  ['cycle', 'shared/ring-b.wgsl:1: import cycle: ring-a -> ring-b -> ring-a'],
  ['syntax', 'shared/broken.wgsl:3: syntax error: '],
  ['syntax-own', 'syntax-own.wgsl:6: syntax error: '],
  ['group', 'group.wgsl:3: out: bindings belong to group 0, not 1'],
  ['gap', 'gap.wgsl:4: params: binding 3 leaves 2 empty'],
  ['duplicate', "duplicate.wgsl:3: out: binding 0 is a's already"],
  ['no-params', 'no-params.wgsl:1: expected "var<uniform> params: Params"'],
  ['params-first', 'params-first.wgsl:4: params: the one uniform is "params", and it is the last binding'],
  ['access', 'access.wgsl:3: out: access is read or read_write, not write'],
  ['first-group', 'first-group.wgsl:4: params: its struct begins with firstGroup: u32, groupCount: u32'],
  ['vector-param', 'vector-param.wgsl:4: params.rows: parameters are u32, i32, f32, found vec2u'],
  ['element', 'element.wgsl:3: out: expected a runtime-sized array of '],
  ['texture', 'texture.wgsl:2: a: only storage buffers, texture_2d<f32> and one uniform are bound'],
  ['sized', 'sized.wgsl:3: out: expected a runtime-sized array of '],
  ['elem-import', 'elem-import.wgsl:2: a: elem4 needs "#import elem"'],
  ['constant', 'constant.wgsl:1: TILE: a specialised constant is a literal like 8u'],
  ['untyped-constant', 'untyped-constant.wgsl:1: TILE: a specialised constant is a literal like 8u'],
  ['indented-constant', 'indented-constant.wgsl:1: expected "const NAME = literal; // specialised: meaning"'],
  ['twice', 'twice.wgsl:2: TILE: shared/fine.wgsl:2, which is linked here, declares it too'],
  ['entry', 'entry.wgsl:1: expected one entry point: @compute fn main'],
  ['directive', "directive.wgsl:1: directives are the runtime's"],
])('%s is an error at its file and line', (name, message) => {
  let problem: unknown;
  try {
    compile(join(invalid.root, `${name}.wgsl`), invalid);
  } catch (error) {
    problem = error;
  }
  expect(problem).toBeInstanceOf(WgslError);
  const text = problem instanceof Error ? problem.message : '';
  expect(text.startsWith(message), text).toBe(true);
  expect(text.length).toBeLessThan(400);
});

test('every element type, parameter type and constant type is reflected', () => {
  const { shader } = compile(join(root, 'elements.wgsl'), { root, shared, minify: false });
  expect(shader.bindings.map((it) => [it.name, it.index, it.access, it.element])).toEqual([
    ['input', 0, 'read', 'elem4'],
    ['weights', 1, 'read', 'weight4'],
    ['wide', 2, 'read', 'vec4f'],
    ['pairs', 3, 'read', 'vec2f'],
    ['reals', 4, 'read', 'f32'],
    ['counts', 5, 'read', 'u32'],
    ['offsets', 6, 'read', 'i32'],
    ['words', 7, 'read', 'vec4u'],
    ['halves', 8, 'read', 'vec2u'],
    ['tally', 9, 'read_write', 'atomic<u32>'],
    ['out', 10, 'read_write', 'elem4'],
    ['image', 11, 'read', 'texel4'],
  ]);
  expect(shader.params).toEqual({
    binding: 12,
    bytes: 32,
    fields: [
      { name: 'firstGroup', type: 'u32', offset: 0 },
      { name: 'groupCount', type: 'u32', offset: 4 },
      { name: 'rows', type: 'u32', offset: 8 },
      { name: 'shift', type: 'i32', offset: 12 },
      { name: 'scale', type: 'f32', offset: 16 },
    ],
  });
  expect(shader.constants).toEqual({
    LANES: { type: 'u32', value: 64 },
    SHIFT: { type: 'i32', value: -3 },
    EPSILON: { type: 'f32', value: 1.5e-5 },
    HAS_BIAS: { type: 'bool', value: true },
  });
});

test('minified source keeps imports, specialised constants at line starts, and marks; the rest of the comments goes', () => {
  const { shader } = compile(join(root, 'elements.wgsl'), { root, shared, minify: true });
  expect(shader.source).toMatch(/^#import elem\n#import reduce\n#import weight\n/);
  expect(shader.source).toMatch(/\nconst SHIFT:i32=-3i;\/\/specialised\n/);
  expect(shader.source).toMatch(/;\/\/@unroll\nfor\(var i=0u;i<HALF\/16u;i\+\+\)\{/);
  expect(shader.source.match(/\/\/\S*|\/\*|\*\//g)).toEqual([...Array(4).fill('//specialised'), '//@unroll']);
  expect(shader.source).not.toMatch(/\n\s|nested|const LANES=1u/);
  expect(shader.constants).toEqual(
    compile(join(root, 'elements.wgsl'), { root, shared, minify: false }).shader.constants,
  );
});

test.each([
  ['a / b; /* x */ c * /* y /* z */ */ d; // e', 'a/b;c*d;'],
  ['/* // */ a; /* // x */ b; // /* c', 'a;b;'],
  ['x = - -y; z = a - -1; w = p & &q; v: array<vec4<f32>> = t;', 'x=- -y;z=a- -1;w=p& &q;v:array<vec4f> =t;'],
  ['f(a, b,); g<vec2<u32>, 4,>(1.5e-5, .5, 0xffu,); vec3<f16>(x)', 'f(a,b);g<vec2u,4>(1.5e-5,.5,0xffu);vec3h(x)'],
  ['else if (x) { return a; }', 'else if(x){return a;}'],
])('%s is minified to %s', (text, short) => {
  expect(minify(text)).toBe(`${short}\n`);
});

test.each([
  // Parameters, let, const and var get short names; members, attributes and what is declared elsewhere keep theirs.
  [
    'fn f(@builtin(lane_id) lane: u32, row: u32) -> u32 { let sum = lane + p.row; var<function> x: u32; return sum.row; }',
    'fn f(@builtin(lane_id)l:u32,r:u32)->u32{let s=l+p.row;var<function>x:u32;return s.row;}',
  ],
  // `o` and `c` are the module's, and so is `tC`.
  [
    'fn f() { let one = o; for (var cut = 0; cut < c; cut++) { one; } let topCut = 1; let top = tC; }',
    'fn f(){let on=o;for(var cu=0;cu<c;cu++){on;}let t=1;let to=tC;}',
  ],
  // The name of a local that is also the name of something of the module stays.
  ['fn f() { let rows = rows[1]; return rows; }', 'fn f(){let rows=rows[1];return rows;}'],
  ['fn f() { { let gap = 1; } gap(); }\nfn gap() {}', 'fn f(){{let gap=1;}gap();}fn gap(){}'],
  // Functions do not share names.
  ['fn f(x1: u32) { x1; }\nfn g(xy: u32) { xy; }', 'fn f(x:u32){x;}fn g(x:u32){x;}'],
])('names inside functions become short: %s', (text, short) => {
  expect(minify(text)).toBe(`${short}\n`);
});

test('typings name bindings, parameters and constants as literal types', () => {
  const { shader } = compile(join(root, 'elements.wgsl'), { root, shared, minify: false });
  const text = declaration('src/kernels/elements.wgsl', shader);
  expect(text).toContain("from '../../../src/runtime/shader.ts'");
  expect(text).toContain(
    "'tally' | 'out' | 'image', 'rows' | 'shift' | 'scale', 'LANES' | 'SHIFT' | 'EPSILON' | 'HAS_BIAS'>",
  );
  expect(declaration('src/kernels/elements.wgsl', { ...shader, constants: {} })).toContain("'scale', never>");
  expect(declaration('src/kernels/shared/grid.wgsl', undefined)).toContain('declare const text: string;');
});
