// Every matrix product of TinyViT-5M at 1024 (name: rows x depth -> columns, and how often it occurs), with its epilogue; those of
// EfficientViT-L2 (L0 and L1 have the same widths) and of SAM's ViTs that take more than a tenth of their time.
import { type MatmulOptions, matmul } from '../../src/kernels/matmul.ts';
import type { Graph } from '../../src/runtime/graph.ts';
import { weight } from './weight.ts';

/** Those of their encoders at full size. */
export const tiles = 'large';

const row =
  (rows: number, depth: number, columns: number, o: Pick<MatmulOptions, 'activation'> & { residual?: boolean } = {}) =>
  (g: Graph) => {
    matmul(g, g.input('a', [rows, depth]), weight(g, [depth, columns]), {
      bias: g.input('bias', [columns], 'f32'),
      activation: o.activation ?? 'none',
      ...(o.residual ? { residual: g.input('residual', [rows, columns]) } : {}),
    });
  };
const gelu = { activation: 'geluErf' } as const;
const tanh = { activation: 'geluTanh' } as const;

export default {
  'TinyViT stage 0 expand 65536 x 64 -> 256, 2 times': row(65536, 64, 256, gelu),
  'TinyViT stage 0 project 65536 x 256 -> 64, 2 times': row(65536, 256, 64, { ...gelu, residual: true }),
  'TinyViT merge 0 65536 x 64 -> 128, 1 times': row(65536, 64, 128, gelu),
  'TinyViT merge 0 16384 x 128 -> 128, 1 times': row(16384, 128, 128),
  'TinyViT stage 1 qkv 17689 x 128 -> 384, 2 times': row(17689, 128, 384),
  'TinyViT stage 1 proj 17689 x 128 -> 128, 2 times': row(17689, 128, 128),
  'TinyViT stage 1 fc1 16384 x 128 -> 512, 2 times': row(16384, 128, 512, gelu),
  'TinyViT stage 1 fc2 16384 x 512 -> 128, 2 times': row(16384, 512, 128, { residual: true }),
  'TinyViT merge 1 16384 x 128 -> 160, 1 times': row(16384, 128, 160, gelu),
  'TinyViT merge 1 4096 x 160 -> 160, 1 times': row(4096, 160, 160),
  'TinyViT stage 2 qkv 4900 x 160 -> 480, 6 times': row(4900, 160, 480),
  'TinyViT stage 2 proj 4900 x 160 -> 160, 6 times': row(4900, 160, 160),
  'TinyViT stage 2 fc1 4096 x 160 -> 640, 6 times': row(4096, 160, 640, gelu),
  'TinyViT stage 2 fc2 4096 x 640 -> 160, 6 times': row(4096, 640, 160, { residual: true }),
  'TinyViT merge 2 4096 x 160 -> 320, 1 times': row(4096, 160, 320, gelu),
  'TinyViT merge 2 4096 x 320 -> 320, 1 times': row(4096, 320, 320),
  'TinyViT stage 3 qkv 4900 x 320 -> 960, 2 times': row(4900, 320, 960),
  'TinyViT stage 3 proj 4900 x 320 -> 320, 2 times': row(4900, 320, 320),
  'TinyViT stage 3 fc1 4096 x 320 -> 1280, 2 times': row(4096, 320, 1280, gelu),
  'TinyViT stage 3 fc2 4096 x 1280 -> 320, 2 times': row(4096, 1280, 320, { residual: true }),
  'TinyViT neck 4096 x 320 -> 256, 1 times': row(4096, 320, 256),
  'EfficientViT stage 3 expand 1024 x 256 -> 1024, 8 times': row(1024, 256, 1024, tanh),
  'EfficientViT stage 3 project 1024 x 1024 -> 256, 8 times': row(1024, 1024, 256, { residual: true }),
  'EfficientViT stage 4 expand 256 x 512 -> 3072, 8 times': row(256, 512, 3072, tanh),
  'EfficientViT stage 4 project 256 x 3072 -> 512, 8 times': row(256, 3072, 512, { residual: true }),
  'EfficientViT stage 4 first 1024 x 256 -> 6144, 1 times': row(1024, 256, 6144, tanh),
  'EfficientViT qkv 256 x 512 -> 1536, 8 times': row(256, 512, 1536),
  'ViT-B qkv 4096 x 768 -> 2304, 12 times': row(4096, 768, 2304),
  'ViT-B fc1 4096 x 768 -> 3072, 12 times': row(4096, 768, 3072, gelu),
  'ViT-B fc2 4096 x 3072 -> 768, 12 times': row(4096, 3072, 768, { residual: true }),
  'ViT-L qkv 4096 x 1024 -> 3072, 24 times': row(4096, 1024, 3072),
  'ViT-L fc1 4096 x 1024 -> 4096, 24 times': row(4096, 1024, 4096, gelu),
  'ViT-L fc2 4096 x 4096 -> 1024, 24 times': row(4096, 4096, 1024, { residual: true }),
  'ViT-H qkv 4096 x 1280 -> 3840, 32 times': row(4096, 1280, 3840),
  'ViT-H fc1 4096 x 1280 -> 5120, 32 times': row(4096, 1280, 5120, gelu),
  'ViT-H fc2 4096 x 5120 -> 1280, 32 times': row(4096, 5120, 1280, { residual: true }),
} satisfies Record<string, (g: Graph) => void>;
