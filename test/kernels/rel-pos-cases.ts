// Shapes for the kernels of decomposed relative positions.
import type { RelPosCase } from './rel-pos-attention.task.ts';

export const REL_POS_CASES: Readonly<Record<string, RelPosCase>> = {
  'one pixel': { items: 1, height: 1, width: 1, heads: 3, headDim: 4, window: [1, 1] },
  'all of a map': { items: 1, height: 8, width: 8, heads: 2, headDim: 16, window: [8, 8] },
  'all of a map that is not square': { items: 1, height: 5, width: 9, heads: 2, headDim: 8, window: [5, 9] },
  'windows that fit': { items: 1, height: 8, width: 12, heads: 1, headDim: 32, window: [4, 4] },
  'windows beyond the map, heads of 24': { items: 1, height: 16, width: 16, heads: 4, headDim: 24, window: [7, 7] },
  'ViT-B windows': { items: 1, height: 20, width: 17, heads: 2, headDim: 64, window: [14, 14] },
  'ViT-H windows': { items: 1, height: 15, width: 14, heads: 1, headDim: 80, window: [14, 14] },
  'a window larger than the map': { items: 1, height: 3, width: 5, heads: 2, headDim: 12, window: [7, 6] },
  'several maps': { items: 3, height: 7, width: 7, heads: 2, headDim: 20, window: [7, 7] },
  'wide windows, large scores': { items: 2, height: 3, width: 11, heads: 1, headDim: 4, window: [2, 5], spread: 12 },
};
