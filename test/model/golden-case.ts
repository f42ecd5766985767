// A golden case of test/golden in a task.
import type { GoldenCase } from '../../cli/verify/types.ts';
import { openSafetensorsBytes } from '../../src/runtime/safetensors.ts';
import type { TaskContext } from '../tasks.ts';

export async function goldenCase(context: TaskContext, folder: string): Promise<GoldenCase> {
  const file = (name: string) => context.fetchFile(`test/golden/${folder}/${name}`);
  const json: unknown = JSON.parse(new TextDecoder().decode(await file('case.json')));
  return { id: folder, json, file, tensors: async () => openSafetensorsBytes(await file('tensors.safetensors')) };
}
