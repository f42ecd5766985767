// The bindings, parameters and constants of a kernel, read from its own text when it is loaded. That text says them in the one form which
// build/wgsl-compile.ts has held against a full reflection, so a few patterns are enough, and nothing is shipped twice.
import type { Binding, ConstantDefault, ElementType, ParamField, Shader } from './shader.ts';

/** A shader from its linked text, as build/wgsl.ts emits it. */
export function defineShader(name: string, source: string): Shader {
  const code = source.replace(/\/\/(?! ?specialised\b)[^\n]*/g, '');
  const bindings = Array.from(
    code.matchAll(
      /@binding\((\d+)\)\s*var(?:<storage(?:,\s*(\w+))?>)?\s*(\w+)\s*:\s*(?:array<([^;]*)>|texture_2d<f32>);/g,
    ),
    ([, index, access = 'read', binding = '', element = 'texel4']): Binding => ({
      name: binding,
      index: Number(index),
      access: access as Binding['access'],
      element: element.replace(/^(vec\d)<(.)32>$/, '$1$2') as ElementType,
    }),
  );
  const [, binding, type] = /@binding\((\d+)\)\s*var<uniform>\s*params\s*:\s*(\w+)/.exec(code) ?? [];
  const members = new RegExp(`struct ${type}\\s*\\{([^}]*)`).exec(code)?.[1] ?? '';
  const fields = Array.from(
    members.matchAll(/(\w+)\s*:\s*(\w+)/g),
    ([, field = '', scalar], at): ParamField => ({ name: field, type: scalar as ParamField['type'], offset: 4 * at }),
  );
  const constants: Record<string, ConstantDefault> = {};
  for (const [, constant = '', value = ''] of code.matchAll(
    /^const (\w+)[^=]*=\s*([^;]*?)\s*;\s*\/\/ ?specialised/gm,
  )) {
    const suffix = value.at(-1);
    constants[constant] =
      value === 'true' || value === 'false'
        ? { type: 'bool', value: value === 'true' }
        : { type: suffix === 'u' ? 'u32' : suffix === 'i' ? 'i32' : 'f32', value: Number.parseFloat(value) };
  }
  const params = { binding: Number(binding), bytes: 16 * Math.ceil(fields.length / 4), fields };
  return { name, source, bindings, params, constants };
}
