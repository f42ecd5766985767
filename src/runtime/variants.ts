// The storage and reduction variants that `#import elem|weight|reduce|quad` stand for.
import type { Variant } from './shader.ts';
import elemF16 from './wgsl/elem-f16.wgsl';
import elemF32 from './wgsl/elem-f32.wgsl';
import elemPacked from './wgsl/elem-packed.wgsl';
import quadNone from './wgsl/quad-none.wgsl';
import quadSubgroup from './wgsl/quad-subgroup.wgsl';
import reduceSubgroup from './wgsl/reduce-subgroup.wgsl';
import reduceWorkgroup from './wgsl/reduce-workgroup.wgsl';
import weightF16 from './wgsl/weight-f16.wgsl';
import weightF32 from './wgsl/weight-f32.wgsl';
import weightPacked from './wgsl/weight-packed.wgsl';

/** WGSL text of a variant import. */
export function variantSource(name: string, variant: Variant): string {
  switch (name) {
    case 'elem':
      return variant.activations === 'f32' ? elemF32 : variant.nativeF16 ? elemF16 : elemPacked;
    case 'weight':
      return variant.weights === 'f32' ? weightF32 : variant.nativeF16 ? weightF16 : weightPacked;
    case 'reduce':
      return variant.subgroups ? reduceSubgroup : reduceWorkgroup;
    case 'quad':
      return variant.subgroups ? quadSubgroup : quadNone;
    default:
      throw new Error(`unknown variant import ${name}`);
  }
}
