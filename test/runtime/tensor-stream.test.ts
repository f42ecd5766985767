// Weights that are uploaded while their file comes in: what is put where, how much of a file is ever in memory, and what is said of wrong files.
import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { denseConv, type TensorSource, Weights } from '../../src/model/weights.ts';
import { blobStream, bytesStream, type StreamSource } from '../../src/runtime/byte-stream.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import type { WeightRef } from '../../src/runtime/graph.ts';
import { openSafetensorsBytes, type TensorData, writeSafetensors } from '../../src/runtime/safetensors.ts';
import { TensorStream } from '../../src/runtime/tensor-stream.ts';
import { WeightStore } from '../../src/runtime/weight-store.ts';

// Node has none; the fake buffers below need no more.
vi.stubGlobal('GPUBufferUsage', { STORAGE: 1, COPY_SRC: 2, COPY_DST: 4 });

const F32 = { activations: 'f32', weights: 'f32' } as const;
const F16 = { activations: 'f16', weights: 'f16' } as const;

/** Numbers that float16 holds exactly, all different for a while. */
const numbers = (length: number, from: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, (_, i) => ((i * 7 + from) % 2000) / 16 - 60);

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** An engine whose buffers are what was written to them. */
function fakeEngine() {
  const buffers = new Map<object, { label: string; bytes: Uint8Array }>();
  const engine = {
    device: {
      queue: {
        writeBuffer(buffer: object, offset: number, data: ArrayBuffer, from: number, length: number) {
          buffers.get(buffer)?.bytes.set(new Uint8Array(data, from, length), offset);
        },
        onSubmittedWorkDone: async () => {},
      },
    },
    buffers: {
      create(label: string, bytes: number) {
        const buffer = {};
        buffers.set(buffer, { label, bytes: new Uint8Array(bytes) });
        return buffer;
      },
      destroy: (buffer: object) => void buffers.delete(buffer),
    },
    allocating: async (_: string, body: () => void) => body(),
    lost: new Promise(() => {}),
  } as unknown as Engine;
  const written = () => new Map([...buffers.values()].map(({ label, bytes }) => [label, bytes]));
  return { engine, written };
}

/** Every kind of weight: [name, shape] of their tensors, and the refs that they give. */
const SHAPES: readonly (readonly [string, readonly number[]])[] = [
  ['a.conv.weight', [6, 3, 3, 3]],
  ['a.bn.weight', [6]],
  ['a.bn.bias', [6]],
  ['a.bn.running_mean', [6]],
  ['a.bn.running_var', [6]],
  ['b.weight', [7, 5]],
  ['b.bias', [7]],
  ['c', [1, 3, 4]],
];

function refs(source: TensorSource): WeightRef[] {
  const w = Weights.of(source);
  const conv = denseConv(w.at('a'), { conv: 'conv', norm: 'bn' }, [6, 3, 3, 3]);
  const linear = w.at('b');
  return [
    linear.vector('bias', 7),
    conv.weight,
    ...(conv.bias ? [conv.bias] : []),
    linear.linear('weight', [7, 5]),
    w.plain('c', [1, 3, 4]),
  ];
}

function file(order: readonly string[] = SHAPES.map(([name]) => name), dtype: 'F32' | 'F16' = 'F32') {
  const shapes = new Map(SHAPES);
  const entries = order.map((name): [string, TensorData] => {
    const shape = shapes.get(name) ?? [];
    const values = numbers(
      shape.reduce((a, b) => a * b),
      31 * SHAPES.findIndex(([n]) => n === name),
    );
    return [name, { dtype, shape, data: name.endsWith('var') ? values.map(Math.abs) : values }];
  });
  return writeSafetensors(new Map(entries));
}

async function inMemory(bytes: Uint8Array): Promise<TensorSource> {
  const opened = await openSafetensorsBytes(bytes);
  return {
    names: opened.names,
    has: (name) => opened.has(name),
    shape: (name) => opened.info(name).shape,
    read: (name) => opened.readF32(name),
  };
}

async function uploaded(source: TensorSource, precision: typeof F32 | typeof F16) {
  const { engine, written } = fakeEngine();
  await new WeightStore().upload(engine, refs(source), precision);
  return written();
}

describe('every kind of weight is uploaded as if the file lay in memory', () => {
  const forwards = SHAPES.map(([name]) => name);
  for (const [order, names] of [
    ['as published', forwards],
    ['norms before', [...forwards].sort()],
    ['backwards', [...forwards].reverse()],
  ] as const) {
    for (const dtype of ['F32', 'F16'] as const) {
      it.each([
        ['f32', F32],
        ['f16', F16],
      ] as const)(`${order}, ${dtype} to %s`, async (_, precision) => {
        const bytes = file(names, dtype);
        const stream = await TensorStream.open(bytesStream(bytes, 'file'));
        expect(await uploaded(stream, precision)).toEqual(await uploaded(await inMemory(bytes), precision));
        expect(stream.sha256).toBe(sha256(bytes));
      });
    }
  }

  it('from a Blob, with values that were asked to stay, read once', async () => {
    const bytes = file();
    let opened = 0;
    const blob = blobStream(new Blob([bytes]), 'blob');
    const counted: StreamSource = {
      name: 'blob',
      open: (...o) => {
        opened++;
        return blob.open(...o);
      },
    };
    const stream = await TensorStream.open(counted, { sha256: sha256(bytes) });
    await stream.keep(stream.names);
    expect(await uploaded(stream, F32)).toEqual(await uploaded(await inMemory(bytes), F32));
    expect(await stream.read('c')).toEqual(numbers(12, 31 * 7));
    expect(opened).toBe(2); // the header, and all of it
  });
});

describe('a large file', () => {
  // Of SAM ViT-H's widths: its largest tensor has 26 MB in float32. The file is made where it is read.
  const C = 1280;
  const shapes: [string, readonly number[]][] = Array.from({ length: 6 }, (_, i): [string, readonly number[]][] => [
    [`${i}.qkv.weight`, [3 * C, C]],
    [`${i}.lin1.weight`, [4 * C, C]],
    [`${i}.lin2.weight`, [C, 4 * C]],
  ]).flat();
  const LARGEST = 4 * C * C;

  function synthetic(dtype: 'F32' | 'F16'): { source: StreamSource; size: number } {
    const width = dtype === 'F32' ? 4 : 2;
    let at = 0;
    const header = Object.fromEntries(
      shapes.map(([name, shape]) => {
        const from = at;
        at += width * shape.reduce((a, b) => a * b);
        return [name, { dtype, shape, data_offsets: [from, at] }];
      }),
    );
    const json = new TextEncoder().encode(JSON.stringify(header));
    const start = new Uint8Array(8 + json.length);
    new DataView(start.buffer).setUint32(0, json.length, true);
    start.set(json, 8);
    const size = start.length + at;
    const piece = new Uint8Array(2 ** 20);
    return {
      size,
      source: {
        name: 'vit',
        async open() {
          let given = 0;
          return {
            size,
            async next() {
              const first = given === 0;
              const bytes = first ? start : piece.subarray(0, size - given);
              given += bytes.length;
              return bytes.length > 0 ? bytes : undefined;
            },
            cancel() {},
          };
        },
      },
    };
  }

  it.each([
    ['F32', F32, 4],
    ['F16', F16, 2],
  ] as const)('%s: at most 1.3 times the largest tensor and 64 MB are in memory', async (dtype, precision, width) => {
    const { source, size } = synthetic(dtype);
    expect(size).toBeGreaterThan(150e6);
    const hasher = () => {
      const hash = createHash('sha256');
      return { update: (bytes: Uint8Array) => void hash.update(bytes), hex: () => hash.digest('hex') };
    };
    const held = (): number => process.memoryUsage().arrayBuffers;
    const before = held();
    let [most, written] = [0, 0];
    const onRead = (): void => {
      most = Math.max(most, held() - before);
    };
    const stream = await TensorStream.open(source, { hasher, onRead });
    const w = Weights.of(stream);
    const all = shapes.map(([name, [n, k]]) => w.linear(name, [n as number, k as number]));
    await stream.send(
      all,
      async (_, values) => {
        written += values.byteLength;
        onRead();
      },
      () => precision === F16,
    );
    expect(written).toBe(width * shapes.reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b), 0));
    expect(most).toBeGreaterThan(width * LARGEST * 0.99);
    // No less than the bound asks for: what a host's own streams take comes on top of this.
    expect(most).toBeLessThan(1.1 * width * LARGEST + 8e6);
  });

  it.each([
    ['behind their convolutions is read once', 1],
    ['at its end is read twice rather than kept', 2],
  ])('with norms %s', async (_, readings) => {
    const N = 3000;
    const convs = Array.from({ length: 4 }, (_, i) => `${i}.conv.weight`);
    const norms = ['weight', 'bias', 'running_mean', 'running_var'];
    const tensors = convs.map((name, i): [string, TensorData][] => [
      [name, { dtype: 'F32', shape: [N, 640, 1, 1], data: new Float32Array(N * 640).fill(3) }],
      ...norms.map((n): [string, TensorData] => [
        `${i}.bn.${n}`,
        { dtype: 'F32', shape: [N], data: numbers(N, i).map(Math.abs) },
      ]),
    ]);
    const last = [...tensors.flatMap((t) => t.slice(0, 1)), ...tensors.flatMap((t) => t.slice(1))];
    const bytes = writeSafetensors(new Map(readings === 1 ? tensors.flat() : last));
    let passes = -1;
    const memory = bytesStream(bytes, 'late');
    const stream = await TensorStream.open({
      name: 'late',
      open: (...o) => {
        passes++;
        return memory.open(...o);
      },
    });
    const every = (source: TensorSource): WeightRef[] =>
      convs.flatMap((_, i) => {
        const { weight, bias } = denseConv(Weights.of(source).at(i), { conv: 'conv', norm: 'bn' }, [N, 640, 1, 1]);
        return bias ? [weight, bias] : [weight];
      });
    const put = async (source: TensorSource) => {
      const { engine, written } = fakeEngine();
      await new WeightStore().upload(engine, every(source), F32);
      return new Map([...written()].map(([name, data]) => [name, sha256(data)]));
    };
    expect(await put(stream)).toEqual(await put(await inMemory(bytes)));
    expect(passes).toBe(readings);
  });
});

describe('a wrong file leaves nothing on the GPU', () => {
  const bytes = file();
  const attempt = async (
    source: StreamSource,
    told: { sha256?: string; bytes?: number } = {},
    signal?: AbortSignal,
  ) => {
    const { engine, written } = fakeEngine();
    const store = new WeightStore();
    const upload = async () => store.upload(engine, refs(await TensorStream.open(source, told)), F32, signal);
    await expect(upload()).rejects.toMatchObject({ name: 'SegEveryError' });
    expect(written().size).toBe(0);
    expect(store.bytes).toBe(0);
    return upload().catch((error: Error) => `${(error as Error & { code: string }).code}: ${error.message}`);
  };

  it('of another sha256', async () => {
    expect(await attempt(bytesStream(bytes, 'f'), { sha256: '0'.repeat(64) })).toMatch(
      /^weights: f: sha256 is [0-9a-f]{64}, expected 0{64}/,
    );
  });

  it('of another length than told', async () => {
    expect(await attempt(bytesStream(bytes, 'f'), { bytes: bytes.length + 4 })).toMatch(/^weights: .*model.json says/);
  });

  it.each([
    ['ends early', -9, /truncated, it ends after/],
    ['goes on', 9, /longer than its header says/],
  ])('that %s, where its length is not known before', async (_, more, message) => {
    const body = new Uint8Array(bytes.length + more);
    body.set(bytes.subarray(0, body.length));
    const inner = bytesStream(body, 'f');
    const unsized: StreamSource = { name: 'f', open: async () => ({ ...(await inner.open()), size: undefined }) };
    expect(await attempt(unsized)).toMatch(message);
  });

  it('that changes between two readings', async () => {
    const other = bytes.slice();
    other[other.length - 1] = 1;
    const readings = [bytes, bytes, other];
    const stream = await TensorStream.open({
      name: 'f',
      open: () => bytesStream(readings.shift() ?? other, 'f').open(),
    });
    await stream.read('c');
    await expect(stream.read('c')).rejects.toThrow(/expected .*the first reading/);
  });

  it('and so does a stopped upload; another one that waited for it goes on', async () => {
    const { engine, written } = fakeEngine();
    const stop = new AbortController();
    const memory = bytesStream(bytes, 'f');
    let opened = 0;
    const slow: StreamSource = {
      name: 'f',
      async open() {
        const stream = await memory.open();
        if (opened++ === 1) stop.abort();
        return stream;
      },
    };
    const stream = await TensorStream.open(slow);
    const store = new WeightStore();
    const [first, second] = await Promise.allSettled([
      store.upload(engine, refs(stream), F32, stop.signal),
      store.upload(engine, refs(stream), F32),
    ]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'aborted' } });
    expect(second).toMatchObject({ status: 'fulfilled' });
    expect(written().size).toBe(5);
  });

  it('with integers for weights', async () => {
    const ints = writeSafetensors(
      new Map<string, TensorData>([['c', { dtype: 'I32', shape: [1, 3, 4], data: new Int32Array(12) }]]),
    );
    const stream = await TensorStream.open(bytesStream(ints, 'f'));
    const { engine } = fakeEngine();
    await expect(new WeightStore().upload(engine, [Weights.of(stream).plain('c', [1, 3, 4])], F32)).rejects.toThrow(
      /I32 found where floating point/,
    );
  });
});
