// The harness itself: an adapter in the browser, values and files both ways, errors with their codes.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { hosts, onHost } from '../browser.ts';

interface Adapter {
  features: string[];
  limits: Record<string, number>;
}

for (const host of hosts) {
  test(`${host}: an adapter with at least WebGPU's default limits`, async () => {
    const adapter = await onHost<Adapter | null>(host, 'host/adapter:describe');
    expect(adapter?.limits.maxComputeInvocationsPerWorkgroup).toBeGreaterThanOrEqual(256);
    expect(adapter?.limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(128 * 2 ** 20);
    if (process.env.SEGEVERY_SHOW_ADAPTER) console.log(JSON.stringify(adapter, null, 1));
  });

  test(`${host}: values and files reach a task`, async () => {
    const file = await readFile('LICENSE', 'utf8');
    expect(await onHost(host, 'host/adapter:echo', { path: 'LICENSE', text: 'größe' })).toEqual({
      text: 'größe',
      file,
    });
  });

  test(`${host}: an error keeps its code`, async () => {
    await expect(onHost(host, 'host/adapter:fail')).rejects.toMatchObject({
      name: 'SegEveryError',
      code: 'shape',
      message: 'a deliberate failure',
    });
  });
}

test('chrome: a task that does not exist is named', async () => {
  await expect(onHost('chrome', 'host/adapter:nothing')).rejects.toThrow(
    "no task 'nothing', only describe, echo, fail",
  );
  await expect(onHost('chrome', 'host/nowhere:x')).rejects.toThrow('no file test/host/nowhere.task.ts');
});
