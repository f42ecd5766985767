// Reflection of a linked kernel: its bindings, parameters and specialised constants, held against docs/architecture.md.
import { type TypeInfo, type VariableInfo, WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import type { Binding, ConstantDefault, ElementType, ParamField, Shader } from '../src/runtime/shader.ts';
import { type Linked, type Origin, WgslError } from './wgsl-link.ts';

const ELEMENTS: readonly ElementType[] = [
  'elem4',
  'weight4',
  'panel4',
  'vec4f',
  'vec2f',
  'f32',
  'u32',
  'i32',
  'vec4u',
  'vec2u',
  'atomic<u32>',
];
const SCALARS: readonly ParamField['type'][] = ['u32', 'i32', 'f32'];
const RUNTIME_FIELDS = ['firstGroup', 'groupCount'];

/** Reflects a linked kernel and checks the conventions. Throws `WgslError` at the file and line of what is wrong. */
export function inspect(linked: Linked): Omit<Shader, 'name' | 'source'> {
  const constants = specialisedConstants(linked);
  const reflection = reflect(linked);
  if (reflection.entry.compute.length !== 1 || reflection.entry.compute[0]?.name !== 'main') {
    throw new WgslError(first(linked), 'expected one entry point: @compute fn main');
  }
  const bound = [...reflection.storage, ...reflection.textures];
  const resources = [...bound, ...reflection.uniforms].sort((a, b) => a.binding - b.binding);
  const texels = (it: VariableInfo) => it.type.getTypeName() === 'texture_2d<f32>';
  for (const resource of [...reflection.textures.filter((it) => !texels(it)), ...reflection.samplers]) {
    throw new WgslError(
      originOf(linked, resource),
      `${resource.name}: only storage buffers, texture_2d<f32> and one uniform are bound`,
    );
  }
  for (const [index, resource] of resources.entries()) {
    if (resource.group !== 0) {
      throw new WgslError(
        originOf(linked, resource),
        `${resource.name}: bindings belong to group 0, not ${resource.group}`,
      );
    }
    if (resource.binding === resources[index - 1]?.binding) {
      const other = resources[index - 1]?.name;
      throw new WgslError(
        originOf(linked, resource),
        `${resource.name}: binding ${resource.binding} is ${other}'s already`,
      );
    }
    if (resource.binding !== index) {
      throw new WgslError(
        originOf(linked, resource),
        `${resource.name}: binding ${resource.binding} leaves ${index} empty`,
      );
    }
  }
  const last = resources.at(-1);
  const uniform = reflection.uniforms[0];
  if (uniform === undefined || last === undefined) {
    throw new WgslError(first(linked), 'expected "var<uniform> params: Params" as the last binding');
  }
  if (uniform !== last || reflection.uniforms.length !== 1 || uniform.name !== 'params') {
    const wrong = reflection.uniforms.find((it) => it.name !== 'params') ?? uniform;
    throw new WgslError(
      originOf(linked, wrong),
      `${wrong.name}: the one uniform is "params", and it is the last binding`,
    );
  }
  const bindings = bound
    .sort((a, b) => a.binding - b.binding)
    .map((it): Binding => {
      if (!texels(it)) return binding(linked, it);
      return { name: it.name, index: it.binding, access: 'read', element: 'texel4' };
    });
  return { bindings, params: params(linked, uniform), constants };
}

function reflect(linked: Linked): WgslReflect {
  // As structs the storage types keep their names (wgsl_reflect erases aliases). They follow the source, so that lines stay right.
  const types = {
    elem: 'struct elem4 { xyzw: vec4<f32> }',
    weight: 'struct weight4 { xyzw: vec4<f32> } struct panel4 { xyzw: vec4<f32> }',
  };
  const prelude: string[] = [];
  if (linked.variants.includes('elem')) prelude.push(types.elem);
  if (linked.variants.includes('weight')) prelude.push(types.weight);
  try {
    return new WgslReflect([...linked.lines, ...prelude].join('\n'));
  } catch (cause) {
    // The cause's stack quotes wgsl_reflect's single line of 290 kB, so only its message is kept.
    const message = cause instanceof Error ? cause.message : String(cause);
    const line = Number(/Line: ?(\d+)/i.exec(message)?.[1] ?? 1);
    const problem = message.slice(0, 200).replace(/\.*\s*Line: ?\d+.*$/is, '');
    throw new WgslError(linked.origins[line - 1] ?? linked.origins.at(-1) ?? first(linked), `syntax error: ${problem}`);
  }
}

function binding(linked: Linked, variable: VariableInfo): Binding {
  const { name, binding: index, type } = variable;
  const access = variable.access === '' ? 'read' : variable.access;
  if (access !== 'read' && access !== 'read_write') {
    throw new WgslError(originOf(linked, variable), `${name}: access is read or read_write, not ${access}`);
  }
  const item = variable.isArray && variable.count === 0 ? variable.format : null;
  const written = item === null ? typeName(type) : `array<${typeName(item)}>`;
  const element = item === null ? undefined : ELEMENTS.find((it) => it === typeName(item));
  if (element === undefined) {
    throw new WgslError(
      originOf(linked, variable),
      `${name}: expected a runtime-sized array of ${ELEMENTS.join(', ')}, found ${written}`,
    );
  }
  const needed = element === 'elem4' ? 'elem' : element === 'weight4' || element === 'panel4' ? 'weight' : undefined;
  if (needed !== undefined && !linked.variants.includes(needed)) {
    throw new WgslError(originOf(linked, variable), `${name}: ${element} needs "#import ${needed}"`);
  }
  return { name, index, access, element };
}

function params(linked: Linked, variable: VariableInfo): Shader['params'] {
  const fields = (variable.members ?? []).map(({ name, type, offset }): ParamField => {
    const scalar = SCALARS.find((it) => it === typeName(type));
    if (scalar === undefined) {
      const message = `params.${name}: parameters are ${SCALARS.join(', ')}, found ${typeName(type)}`;
      throw new WgslError(originOf(linked, variable), message);
    }
    return { name, type: scalar, offset };
  });
  for (const [index, name] of RUNTIME_FIELDS.entries()) {
    if (fields[index]?.name !== name || fields[index]?.type !== 'u32') {
      throw new WgslError(
        originOf(linked, variable),
        'params: its struct begins with firstGroup: u32, groupCount: u32',
      );
    }
  }
  return { binding: variable.binding, bytes: Math.ceil(variable.size / 16) * 16, fields };
}

/** `vec4<f32>` and `vec4f` are one type; the short form is the one of `ElementType`. */
function typeName(type: TypeInfo): string {
  const name = type.getTypeName().replaceAll(' ', '');
  return name.replace(/^(vec[234])<([fiu])32>$/, '$1$2');
}

function specialisedConstants(linked: Linked): Record<string, ConstantDefault> {
  const constants: Record<string, ConstantDefault> = {};
  const places = new Map<string, Origin>();
  for (const [index, line] of linked.lines.entries()) {
    if (!/\/\/\s*specialised\b/.test(line)) continue;
    const origin = linked.origins[index] ?? first(linked);
    const match = /^const (\w+)(?:\s*:\s*(\w+))?\s*=\s*([^;]*?)\s*;/.exec(line);
    const [, name, type, value] = match ?? [];
    if (name === undefined || value === undefined || !/^[A-Z][A-Z0-9_]*$/.test(name)) {
      throw new WgslError(
        origin,
        'expected "const NAME = literal; // specialised: meaning", NAME in capitals, at the line\'s start',
      );
    }
    const literal = parseLiteral(value);
    if (literal === undefined || (type !== undefined && type !== literal.type)) {
      throw new WgslError(
        origin,
        `${name}: a specialised constant is a literal like 8u, -1i, 0.5, true; found "${value}"`,
      );
    }
    const other = places.get(name);
    if (other !== undefined) {
      throw new WgslError(origin, `${name}: ${other.file}:${other.line}, which is linked here, declares it too`);
    }
    places.set(name, origin);
    constants[name] = literal;
  }
  return constants;
}

function parseLiteral(text: string): ConstantDefault | undefined {
  if (text === 'true' || text === 'false') return { type: 'bool', value: text === 'true' };
  if (/^\d+u$/.test(text)) return { type: 'u32', value: Number.parseInt(text, 10) };
  if (/^-?\d+i$/.test(text)) return { type: 'i32', value: Number.parseInt(text, 10) };
  if (/^-?(\d+\.\d*|\.\d+)(e[+-]?\d+)?f?$/.test(text)) return { type: 'f32', value: Number.parseFloat(text) };
  return undefined;
}

function originOf(linked: Linked, variable: VariableInfo): Origin {
  return linked.origins[(variable.attributes?.[0]?.line ?? 1) - 1] ?? first(linked);
}

/** For what is missing altogether: the first line of the kernel itself, which is linked last. */
function first(linked: Linked): Origin {
  return { file: linked.origins.at(-1)?.file ?? '', line: 1 };
}
