// The peak that kernels are measured against.
import type { Graph } from '../../src/runtime/graph.ts';
import shader from './fma-peak.wgsl';

const STEPS = 2000; // as in the shader

/** `groups` x 64 threads, each 4 x 2000 multiply-adds on vec4s in each of `chains` independent chains. */
export function fmaPeak(g: Graph, chains: number, groups = 64): void {
  g.launch(shader, {
    tensors: { out: g.output('out', [groups * 64, 4], 'f32') },
    params: { scale: 0.5 },
    constants: { CHAINS: chains },
    groups,
    cost: { flops: groups * 64 * chains * STEPS * 4 * 8 },
  });
}
