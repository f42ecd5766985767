import { expect, test } from 'vitest';
import { SegEveryError } from '../../src/runtime/errors.ts';
import { specialise, type Variant } from '../../src/runtime/shader.ts';
import attention from '../build/fixtures/attention.wgsl';
import elements from '../build/fixtures/elements.wgsl';

const F32: Variant = { activations: 'f32', weights: 'f32', nativeF16: false, subgroups: false };

test('specialised constants are replaced with literals of their types', () => {
  const text = specialise(elements, { LANES: 128, SHIFT: -7, EPSILON: 1, HAS_BIAS: false }, F32);
  expect(text).toContain('\nconst LANES = 128u;');
  expect(text).toContain('\nconst SHIFT = -7i;');
  expect(text).toContain('\nconst EPSILON = 1.0;');
  expect(text).toContain('\nconst HAS_BIAS = false;');
  expect(specialise(elements, { EPSILON: 1e-12 }, F32)).toContain('\nconst EPSILON = 1e-12;');
});

test('marked loops follow the specialised constants, through derived ones', () => {
  expect(specialise(elements, {}, F32).match(/acc\[\du\] = load4\(input\[\du\]\)/g)).toHaveLength(2);
  expect(specialise(elements, { LANES: 32 }, F32).match(/acc\[\du\] = load4/g)).toEqual(['acc[0u] = load4']);
  const text = specialise(attention, { HEAD_DIM4: 3 }, F32);
  expect(text.match(/acc\[(\d)u\] = acc\[\1u\] \* keep \+ p \* vTile\[j \* HEAD_DIM4 \+ \1u\];/g)).toHaveLength(3);
  expect(text).not.toContain('@unroll');
});

test('variants are linked once, with the directives they need at the top', () => {
  const f32 = specialise(elements, {}, F32);
  expect(f32).not.toMatch(/#import|enable/);
  expect(f32.match(/alias elem4 = vec4<f32>;/g)).toHaveLength(1);
  expect(f32).not.toContain('subgroupAdd');
  const packed = specialise(elements, {}, { ...F32, activations: 'f16', weights: 'f16' });
  expect(packed).not.toContain('enable');
  expect(packed).toContain('alias elem4 = vec2<u32>;');
  expect(packed).toContain('alias weight4 = vec2<u32>;');
  const native = specialise(elements, {}, { activations: 'f16', weights: 'f32', nativeF16: true, subgroups: true });
  expect(native).toMatch(/^enable f16;\nenable subgroups;\n/);
  expect(native).toContain('alias elem4 = vec4<f16>;');
  expect(native).toContain('alias weight4 = vec4<f32>;');
  expect(native).toContain('subgroupAdd');
});

test('an unknown constant is an error that names the shader', () => {
  const run = () => specialise(attention, { HEAD_DIM: 3 }, F32);
  expect(run).toThrow(SegEveryError);
  expect(run).toThrow(/^attention: no specialised constant HEAD_DIM/);
});
