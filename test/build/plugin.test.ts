import { expect, test } from 'vitest';
import { specialise } from '../../src/runtime/shader.ts';
import attention from './fixtures/attention.wgsl';

test('a kernel is imported as a Shader, and specialises', () => {
  expect(attention.name).toBe('attention');
  const f32 = { activations: 'f32', weights: 'f32', nativeF16: false, subgroups: false } as const;
  const text = specialise(attention, { HEAD_DIM4: 2 }, f32);
  expect(text).toContain('const HEAD_DIM4 = 2u;');
  expect(text).toContain('fn linearGroup(');
  expect(text).not.toContain('#import');
});
