// The golden cases' procedural tensors are the library's self test's too.
export * from '../../src/self-test/procedural.ts';
