// The module build of wgsl_reflect has no typings beside it, and its main entry is CommonJS that Node cannot import.
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  export * from 'wgsl_reflect';
}
