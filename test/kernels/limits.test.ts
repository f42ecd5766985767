// Every kernel stays within WebGPU's default limits, so that a device that offers nothing more can run it.
import { expect, test } from 'vitest';
import type { Shader } from '../../src/runtime/shader.ts';

const shaders = import.meta.glob<Shader>('../../src/kernels/*.wgsl', { import: 'default', eager: true });

test.each(Object.entries(shaders))('%s', (_, shader) => {
  expect(shader.bindings.length).toBeLessThanOrEqual(8); // maxStorageBuffersPerShaderStage
  expect(shader.params.bytes).toBeLessThanOrEqual(256); // one step of minUniformBufferOffsetAlignment
});

test('the kernels are found', () => {
  expect(Object.keys(shaders).length).toBeGreaterThan(20);
});
