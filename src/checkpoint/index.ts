// segevery/checkpoint: PyTorch checkpoints in pages and in Node, read without executing anything. An entry of its own, so that the main
// library stays small.

export { type Hasher, Sha256 } from '../runtime/sha256.ts';
export {
  type Checkpoint,
  type CheckpointTensor,
  type CheckpointTensors,
  type OpenCheckpointOptions,
  openCheckpoint,
} from './checkpoint.ts';
export { type Converted, type ConvertOptions, convertCheckpoints } from './convert.ts';
export { BlobFolder, type FileTarget, type FolderTarget, HandleFolder } from './folder.ts';
export type { CheckpointLimits } from './limits.ts';
export type { FileFormat } from './sniff.ts';
export type { ModuleRecord } from './state-dict.ts';
export type { TorchDtype } from './values.ts';
