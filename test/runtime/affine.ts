// A kernel of the runtime's tests: out = scale x + shift. It costs what a test says it costs, so that tests can cut runs as they like.
import type { Graph } from '../../src/runtime/graph.ts';
import type { Shader } from '../../src/runtime/shader.ts';
import { ceilDiv, size, type Tensor } from '../../src/runtime/tensor.ts';

const shader: Shader<'x' | 'out', 'count4' | 'scale' | 'shift', 'LANES'> = {
  name: 'affine',
  source: `#import elem
const LANES = 64u; // specialised: vec4s a workgroup
struct Params { firstGroup: u32, groupCount: u32, count4: u32, scale: f32, shift: f32 }
@group(0) @binding(0) var<storage, read> x: array<elem4>;
@group(0) @binding(1) var<storage, read_write> out: array<elem4>;
@group(0) @binding(2) var<uniform> params: Params;
@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) groupId: vec3<u32>, @builtin(num_workgroups) groupCounts: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let group = params.firstGroup + groupId.y * groupCounts.x + groupId.x;
  if (group >= params.groupCount) { return; }
  let i = group * LANES + lane;
  if (i < params.count4) { out[i] = store4(load4(x[i]) * params.scale + params.shift); }
}
`,
  bindings: [
    { name: 'x', index: 0, access: 'read', element: 'elem4' },
    { name: 'out', index: 1, access: 'read_write', element: 'elem4' },
  ],
  params: {
    binding: 2,
    bytes: 32,
    fields: [
      { name: 'firstGroup', type: 'u32', offset: 0 },
      { name: 'groupCount', type: 'u32', offset: 4 },
      { name: 'count4', type: 'u32', offset: 8 },
      { name: 'scale', type: 'f32', offset: 12 },
      { name: 'shift', type: 'f32', offset: 16 },
    ],
  },
  constants: { LANES: { type: 'u32', value: 64 } },
};

export interface AffineOptions {
  readonly out?: Tensor;
  readonly lanes?: number;
  /** Claimed floating-point operations. */
  readonly flops?: number;
}

/** scale x + shift; the first dimension is the graph's batch. */
export function affine(g: Graph, x: Tensor, scale: number, shift: number, o: AffineOptions = {}): Tensor {
  const out = o.out ?? g.tensor('affine', x.shape);
  const count4 = size(x.shape) / 4;
  const lanes = o.lanes ?? 64;
  g.launch(shader, {
    tensors: { x, out },
    params: { count4, scale, shift },
    constants: { LANES: lanes },
    groups: (batch) => ceilDiv((batch * count4) / g.capacity, lanes),
    cost: { flops: o.flops ?? 2 * size(x.shape) },
  });
  return out;
}

/** The same shader with a fault in it, which only the device can find. */
export function faulty(g: Graph, x: Tensor): void {
  const broken: typeof shader = {
    ...shader,
    name: 'faulty',
    source: shader.source.replace('load4(x[i])', 'load5(x[i])'),
  };
  g.launch(broken, {
    tensors: { x, out: g.tensor('faulty', x.shape) },
    params: { count4: size(x.shape) / 4, scale: 1, shift: 0 },
    groups: 1,
    cost: { flops: 1 },
  });
}
