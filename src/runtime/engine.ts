// The device and everything that hangs off it. It knows nothing of its host: a page, a worker, or Dawn in Node.
import { Arena } from './arena.ts';
import { Buffers } from './buffers.ts';
import { DeviceTensor, fromStorage, toStorage, writeWhole } from './device-tensor.ts';
import { SegEveryError } from './errors.ts';
import type { Cost } from './graph.ts';
import { onDemand } from './on-demand.ts';
import { PipelineCache } from './pipelines.ts';
import type { Plan } from './plan.ts';
import type { LaunchTime } from './profiler.ts';
import { ReadbackRing } from './readback.ts';
import { type RunOptions, runPlan } from './run.ts';
import { type DType, elementBytes, type Precision } from './tensor.ts';

export interface EngineOptions {
  /** `navigator.gpu`, or what Dawn's `create()` gives; taken from `navigator` where there is one. */
  readonly gpu?: GPU;
  readonly powerPreference?: GPUPowerPreference;
  /** Use `shader-f16` / `subgroups` where the adapter has them. `false` lets one machine test both variants. */
  readonly f16?: 'auto' | false;
  readonly subgroups?: 'auto' | false;
  /** Ask for WebGPU's default limits only, to show that a model works with them. */
  readonly defaultLimits?: boolean;
  /** Milliseconds that one submit may take; browsers and drivers kill submits of seconds. */
  readonly submitBudgetMs?: number;
}

export interface EngineFeatures {
  readonly f16: boolean;
  readonly subgroups: boolean;
  readonly timestamps: boolean;
}

export interface AdapterSummary {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly software: boolean;
}

const FIRST_RATE = 2e9; // cost units a second, assumed until a run was measured: a slow software adapter

export class Engine {
  readonly limits: GPUSupportedLimits;
  readonly buffers: Buffers;
  readonly arena: Arena;
  readonly pipelines: PipelineCache;
  readonly submitBudgetMs: number;
  /** Resolves when the device is lost for any reason but `dispose()`. */
  readonly lost: Promise<SegEveryError>;
  readonly #readback: ReadbackRing;
  /** Which family of kernels graphs are built with; `kernels/tiling.ts` measures it. */
  tiling: 'register' | 'workgroup' = 'register';
  #queue: Promise<unknown> = Promise.resolve();
  #rate = FIRST_RATE;
  #failure: SegEveryError | undefined;
  #disposed = false;

  private constructor(
    readonly device: GPUDevice,
    readonly features: EngineFeatures,
    readonly adapter: AdapterSummary,
    submitBudgetMs: number,
  ) {
    this.limits = device.limits;
    this.submitBudgetMs = submitBudgetMs;
    this.buffers = new Buffers(device);
    this.arena = new Arena(this.buffers);
    this.pipelines = new PipelineCache(device);
    this.#readback = new ReadbackRing(device, this.buffers);
    device.addEventListener('uncapturederror', (event) => {
      const { error } = event as GPUUncapturedErrorEvent;
      this.#failure ??= new SegEveryError('shader', `the device reported: ${error.message}`);
    });
    this.lost = device.lost.then((info) => {
      if (this.#disposed) return new Promise<SegEveryError>(() => {});
      const error = new SegEveryError(
        'device-lost',
        `the GPU device was lost (${info.reason}): ${info.message}; open photos again, models load themselves on a new device`,
      );
      this.#failure = error;
      return error;
    });
  }

  /** Asks for an adapter and a device. @throws codes `no-webgpu`, `no-adapter`. */
  static async create(options: EngineOptions = {}): Promise<Engine> {
    const gpu = options.gpu ?? (globalThis.navigator as Navigator | undefined)?.gpu;
    if (gpu === undefined) {
      throw new SegEveryError(
        'no-webgpu',
        'this browser has no WebGPU (navigator.gpu), or the page is not a secure context',
      );
    }
    const adapter = await gpu.requestAdapter(
      options.powerPreference ? { powerPreference: options.powerPreference } : {},
    );
    if (adapter === null) {
      throw new SegEveryError('no-adapter', 'WebGPU found no adapter: no GPU or driver, or the browser blocks it');
    }
    const features: EngineFeatures = {
      f16: options.f16 !== false && adapter.features.has('shader-f16'),
      subgroups: options.subgroups !== false && adapter.features.has('subgroups' as GPUFeatureName),
      timestamps: adapter.features.has('timestamp-query'),
    };
    const requiredFeatures: GPUFeatureName[] = [];
    if (features.f16) requiredFeatures.push('shader-f16');
    if (features.subgroups) requiredFeatures.push('subgroups' as GPUFeatureName);
    if (features.timestamps) requiredFeatures.push('timestamp-query');
    const requiredLimits: Record<string, number> = {};
    if (options.defaultLimits !== true) {
      for (const name of ['maxBufferSize', 'maxStorageBufferBindingSize', 'maxComputeWorkgroupStorageSize'] as const) {
        requiredLimits[name] = adapter.limits[name];
      }
    }
    const device = await adapter.requestDevice({ label: 'segevery', requiredFeatures, requiredLimits });
    const { vendor, architecture, device: name, description } = adapter.info;
    const software =
      (adapter.info as { isFallbackAdapter?: boolean }).isFallbackAdapter === true ||
      /swiftshader|llvmpipe/i.test(`${architecture} ${description} ${name}`);
    return new Engine(
      device,
      features,
      { vendor, architecture, device: name, description, software },
      options.submitBudgetMs ?? 250,
    );
  }

  /** Work of a launch: one unit an operation or a byte moved. The measured rate is units a second. */
  units(cost: Cost): number {
    return cost.flops + (cost.bytes ?? 0);
  }

  /** Cost units a second that this adapter was seen to do. */
  get rate(): number {
    return this.#rate;
  }

  /** Folds a measured submit into the rate; short ones say nothing. */
  observe(units: number, milliseconds: number): void {
    if (milliseconds < 4) {
      if (units > this.#rate * 0.02) this.#rate *= 2;
      return;
    }
    const seen = (units / milliseconds) * 1000;
    this.#rate = Math.max(1e8, this.#rate * 0.5 + seen * 0.5);
  }

  /** Parts that a launch has to be split into to stay within the submit budget. */
  partsFor(units: number): number {
    return Math.max(1, Math.ceil((units / this.#rate) * (1000 / this.submitBudgetMs)));
  }

  /** Runs a plan after all runs before it. Resolves when its last submit has finished. @throws `aborted`, `device-lost`, `disposed`. */
  run(plan: Plan, options: RunOptions = {}): Promise<void> {
    return this.exclusive(() => runPlan(this, plan, options));
  }

  /** Time of each launch on the GPU, the median of `repeats` runs. @throws code `limit` without timestamp queries. */
  profile(plan: Plan, options: { repeats?: number; batch?: number } = {}): Promise<LaunchTime[]> {
    return this.exclusive(async () => {
      const { profilePlan } = await onDemand('profiler.js', () => import('./profiler.ts'));
      return profilePlan(this, plan, options);
    });
  }

  /** Queues `body`: runs share the arena, so one follows the other. */
  exclusive<T>(body: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(() => {
      this.assertUsable();
      return body();
    });
    this.#queue = result.catch(() => {});
    return result;
  }

  /** A tensor with memory of its own, optionally filled. */
  createTensor(name: string, shape: readonly number[], dtype: DType, precision: Precision): DeviceTensor {
    this.assertUsable();
    return new DeviceTensor(this.buffers, name, shape, dtype, precision);
  }

  /** Writes values from `elementOffset` on. Float16 is written in pairs: an odd offset is refused, and an odd number before the end; `panels` whole. */
  write(tensor: DeviceTensor, data: Float32Array | Uint32Array | Int32Array, elementOffset = 0): void {
    this.assertUsable();
    if (elementOffset === 0 && data.length === tensor.elements) {
      writeWhole(this.device.queue, tensor, data);
      return;
    }
    const stored = toStorage(data, tensor.dtype, tensor.precision);
    const scale = stored instanceof Uint16Array ? 2 : 4;
    const end = elementOffset + data.length;
    const paired = (elementOffset * scale) % 4 === 0 && ((data.length * scale) % 4 === 0 || end === tensor.elements);
    if (
      tensor.dtype === 'panels' ||
      elementOffset < 0 ||
      !paired ||
      elementOffset * scale + stored.byteLength > tensor.bytes
    ) {
      throw new SegEveryError(
        'shape',
        `${tensor.name}: ${data.length} values at ${elementOffset} do not fit [${tensor.shape.join(', ')}]`,
      );
    }
    this.device.queue.writeBuffer(tensor.buffer, elementOffset * scale, stored);
  }

  /** Values of the first `elements` (all unless said) as float32. */
  async read(tensor: DeviceTensor, elements = tensor.elements): Promise<Float32Array<ArrayBuffer>> {
    const scale = elementBytes(tensor.dtype, tensor.precision);
    return fromStorage(await this.readBytes(tensor, 0, elements * scale), elements, tensor.dtype, tensor.precision);
  }

  /** Bytes [offset, offset + bytes) as they are stored; `offset` is a multiple of 4. @throws code `shape` outside of the tensor. */
  async readBytes(tensor: DeviceTensor, offset: number, bytes: number): Promise<ArrayBuffer> {
    this.assertUsable();
    if (offset < 0 || offset % 4 !== 0 || bytes < 0 || offset + bytes > tensor.bytes) {
      throw new SegEveryError('shape', `${tensor.name}: no ${bytes} bytes at ${offset} of its ${tensor.bytes}`);
    }
    try {
      return await this.#readback.read(tensor.buffer, offset, bytes);
    } finally {
      this.assertUsable(); // what happened to the device says more than that the mapping failed
    }
  }

  /** Runs `body`, which allocates, in an out-of-memory scope. */
  async allocating(what: string, body: () => void): Promise<void> {
    this.device.pushErrorScope('out-of-memory');
    try {
      body();
    } finally {
      const error = await this.device.popErrorScope().catch(() => null);
      if (error !== null) {
        this.#failure = undefined;
        // biome-ignore lint/correctness/noUnsafeFinally: an allocation that failed on the device outranks what failed here
        throw new SegEveryError(
          'out-of-memory',
          `${what}: the device is out of memory (${error.message}); use fewer prompts a batch or a smaller model`,
        );
      }
    }
  }

  /** Whether the device was lost; this engine will not come back. */
  get isLost(): boolean {
    return this.#failure?.code === 'device-lost';
  }

  /** @throws the first error that the device reported, `device-lost`, or `disposed`. */
  assertUsable(): void {
    if (this.#disposed) throw new SegEveryError('disposed', 'engine: used after dispose()');
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      if (failure.code !== 'device-lost') this.#failure = undefined;
      throw failure;
    }
  }

  /** Frees everything and destroys the device. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#readback.dispose();
    this.buffers.destroyAll();
    this.device.destroy();
  }
}
