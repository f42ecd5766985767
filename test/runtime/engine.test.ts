// The engine: storage of values, lost devices, errors that WebGPU only reports, sizes.
import { expect, test } from 'vitest';
import { Engine } from '../../src/runtime/engine.ts';
import { hosts, onHost } from '../browser.ts';

interface Failure {
  readonly code: string;
  readonly message: string;
}

for (const host of hosts) {
  test(`${host}: values come back as they were written, float16 rounded once`, async () => {
    const results = await onHost<Record<string, boolean>>(host, 'runtime/engine:storage');
    expect(Object.keys(results)).toHaveLength(11);
    expect(Object.entries(results).filter(([, right]) => !right)).toEqual([]);
  });

  test(`${host}: nothing is read or written beyond a tensor's end`, async () => {
    const r = await onHost<Record<'write' | 'read' | 'bytes', Failure | null> & { usable: number }>(
      host,
      'runtime/engine:beyond',
    );
    expect([r.write?.code, r.read?.code, r.bytes?.code]).toEqual(['shape', 'shape', 'shape']);
    expect(r.usable).toBe(8);
  });

  test.each([{ running: false }, { running: true }])(
    `${host}: a lost device says so to every caller, %o`,
    async (how) => {
      const { codes, bytes } = await onHost<{ codes: string[]; bytes: number }>(host, 'runtime/engine:lost', how);
      expect(codes).toEqual(codes.map(() => 'device-lost'));
      expect(bytes).toBe(0);
    },
  );

  test(`${host}: a read under way when the engine is disposed is refused`, async () => {
    expect(await onHost(host, 'runtime/engine:disposedRead')).toEqual({ code: 'disposed', bytes: 0 });
  });

  test(`${host}: an uncaptured error surfaces in the next call, once`, async () => {
    const r = await onHost<{ error: Failure | null; next: Failure | null }>(host, 'runtime/engine:uncaptured');
    expect(r.error?.code).toBe('shader');
    expect(r.error?.message).toContain('the device reported');
    expect(r.next).toBeNull();
  });

  test(`${host}: buffers are counted, and ones too large refused`, async () => {
    const r = await onHost<Record<'maxBufferSize' | 'bytes' | 'two' | 'left' | 'peak', number> & { refused: Failure }>(
      host,
      'runtime/engine:buffers',
    );
    expect(r.maxBufferSize).toBe(256 * 2 ** 20); // WebGPU's default
    expect(r.refused.code).toBe('limit');
    expect(r).toMatchObject({ bytes: 0, two: 16 + 32, left: 0, peak: 48 });
  });
}

test('without WebGPU, or without an adapter, the engine says which is missing', async () => {
  await expect(Engine.create({ gpu: { requestAdapter: async () => null } as unknown as GPU })).rejects.toMatchObject({
    code: 'no-adapter',
  });
  if (globalThis.navigator?.gpu === undefined) {
    await expect(Engine.create()).rejects.toMatchObject({ code: 'no-webgpu' });
  }
});
