// segevery/cache: model folders that a page keeps, and those that its user picks. An entry of its own, so that the library stays small.

export { filesOf } from './directory.ts';
export { type CachedModel, ModelCache, type ModelCacheOptions, type ModelFiles } from './model-cache.ts';
