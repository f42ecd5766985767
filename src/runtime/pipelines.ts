// Pipelines are compiled asynchronously and kept by the text they are made of.
import { SegEveryError } from './errors.ts';
import { type Shader, specialise, type Variant } from './shader.ts';

export interface CompiledShader {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #pipelines = new Map<string, Promise<CompiledShader>>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Number of distinct pipelines compiled so far. */
  get size(): number {
    return this.#pipelines.size;
  }

  /** The pipeline of a shader for these constants and this variant. Rejects with code `shader`, naming `label`. */
  get(
    shader: Shader,
    constants: Readonly<Record<string, number | boolean>>,
    variant: Variant,
    label: string,
  ): Promise<CompiledShader> {
    const key = `${shader.name}|${JSON.stringify(Object.entries(constants).sort())}|${Object.values(variant).join()}`;
    const known = this.#pipelines.get(key);
    if (known !== undefined) return known;
    const compiled = this.#compile(shader, specialise(shader, constants, variant), label);
    this.#pipelines.set(key, compiled);
    compiled.catch(() => this.#pipelines.delete(key));
    return compiled;
  }

  async #compile(shader: Shader, code: string, label: string): Promise<CompiledShader> {
    const layout = this.#layout(shader);
    // Its errors are reported below; without a scope they would surface in whatever call comes next as well.
    this.#device.pushErrorScope('validation');
    const module = this.#device.createShaderModule({ label, code });
    this.#device.popErrorScope().catch(() => {});
    try {
      const pipeline = await this.#device.createComputePipelineAsync({
        label,
        layout: this.#device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: 'main' },
      });
      return { pipeline, layout };
    } catch (cause) {
      const info = await module.getCompilationInfo().catch(() => undefined);
      const lines = code.split('\n');
      const report = (info?.messages ?? [])
        .filter((m) => m.type === 'error')
        .slice(0, 5)
        .map((m) => `  line ${m.lineNum}: ${m.message}\n    ${(lines[m.lineNum - 1] ?? '').trim().slice(0, 160)}`);
      const reason = report.length > 0 ? report.join('\n') : String(cause);
      throw new SegEveryError('shader', `${label}: shader ${shader.name} does not compile on this device\n${reason}`, {
        cause,
      });
    }
  }

  #layout(shader: Shader): GPUBindGroupLayout {
    const known = this.#layouts.get(shader.name);
    if (known !== undefined) return known;
    const entries: GPUBindGroupLayoutEntry[] = shader.bindings.map((binding) => ({
      binding: binding.index,
      visibility: GPUShaderStage.COMPUTE,
      ...(binding.element === 'texel4'
        ? { texture: { sampleType: 'unfilterable-float' } }
        : { buffer: { type: binding.access === 'read' ? 'read-only-storage' : 'storage', minBindingSize: 16 } }),
    }));
    entries.push({
      binding: shader.params.binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: 'uniform', minBindingSize: shader.params.bytes },
    });
    const layout = this.#device.createBindGroupLayout({ label: shader.name, entries });
    this.#layouts.set(shader.name, layout);
    return layout;
  }
}
