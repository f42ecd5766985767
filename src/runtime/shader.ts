// What a .wgsl file is to its importers (build/wgsl.ts), and how it becomes the text of one pipeline.
import { SegEveryError } from './errors.ts';
import { unroll } from './unroll.ts';
import { variantSource } from './variants.ts';

/** What a WGSL binding holds: activation storage, weight storage (`panel4`: in panels), either of them as a texture (texels.ts), or plain scalars and vectors. */
export type ElementType =
  | 'elem4'
  | 'weight4'
  | 'panel4'
  | 'texel4'
  | 'vec4f'
  | 'vec2f'
  | 'f32'
  | 'u32'
  | 'i32'
  | 'vec4u'
  | 'vec2u'
  | 'atomic<u32>';

export interface Binding<B extends string = string> {
  readonly name: B;
  readonly index: number;
  readonly access: 'read' | 'read_write';
  readonly element: ElementType;
}

export interface ParamField<P extends string = string> {
  readonly name: P;
  readonly type: 'u32' | 'i32' | 'f32';
  /** Byte offset in the uniform. */
  readonly offset: number;
}

export interface ConstantDefault {
  readonly type: 'u32' | 'i32' | 'f32' | 'bool';
  readonly value: number | boolean;
}

/**
 * A shader, as `defineShader` (wgsl-shape.ts) makes it of what the build emits: B names its bindings, P its parameters (without
 * `firstGroup`, `groupCount`), C its constants.
 */
export interface Shader<B extends string = string, P extends string = string, C extends string = string> {
  readonly name: string;
  /** Linked WGSL, with `#import elem|weight|reduce|quad` lines and `// @unroll` comments still in it. */
  readonly source: string;
  readonly bindings: readonly Binding<B>[];
  readonly params: {
    readonly binding: number;
    readonly bytes: number;
    readonly fields: readonly ParamField<P | 'firstGroup' | 'groupCount'>[];
  };
  readonly constants: { readonly [K in C]: ConstantDefault };
}

/** The storage variant a device and a plan's precision ask for. */
export interface Variant {
  readonly activations: 'f32' | 'f16';
  readonly weights: 'f32' | 'f16';
  /** Device has `shader-f16`. */
  readonly nativeF16: boolean;
  /** Device has `subgroups`. */
  readonly subgroups: boolean;
}

/** WGSL text of one pipeline: constants replaced, variants linked, loops unrolled. */
export function specialise(
  shader: Shader,
  constants: Readonly<Record<string, number | boolean>>,
  variant: Variant,
): string {
  let text = shader.source;
  for (const [name, value] of Object.entries(constants)) {
    const declared = shader.constants[name];
    if (declared === undefined) throw new SegEveryError('shader', `${shader.name}: no specialised constant ${name}`);
    const pattern = new RegExp(`^const ${name}\\b[^;]*;`, 'm');
    text = text.replace(pattern, `const ${name} = ${literal(declared.type, value)};`);
  }
  const imports = new Set<string>();
  text = text.replace(/^#import (\w+)[^\n]*$/gm, (_, name: string) => {
    imports.add(name);
    return '';
  });
  const prelude: string[] = [];
  for (const name of imports) prelude.push(variantSource(name, variant));
  const header: string[] = [];
  if (variant.nativeF16 && (variant.activations === 'f16' || variant.weights === 'f16')) header.push('enable f16;');
  if (variant.subgroups && (imports.has('reduce') || imports.has('quad'))) header.push('enable subgroups;');
  return unroll(`${header.join('\n')}\n${prelude.join('\n')}\n${text}`, shader.name);
}

function literal(type: ConstantDefault['type'], value: number | boolean): string {
  if (type === 'bool') return value ? 'true' : 'false';
  if (type === 'u32') return `${Number(value) >>> 0}u`;
  if (type === 'i32') return `${Math.trunc(Number(value))}i`;
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
