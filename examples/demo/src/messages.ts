// Errors in words for people: what happened and what to do. The library's own message stands below, for those who report it.
import type { ErrorCode } from '../../../src/index.ts';

export interface Notice {
  readonly title: string;
  readonly text: string;
  /** What the button offers: load everything anew, or nothing. */
  readonly action: 'restart' | null;
}

/** What was being done. */
export type Task = 'start' | 'open' | 'masks' | 'profile';

const BY_CODE: Partial<Record<ErrorCode, Notice>> = {
  'no-webgpu': {
    title: 'This browser has no WebGPU',
    text: 'Use a current Chrome, Edge, Safari or Firefox. The page has to come from https or from this machine.',
    action: null,
  },
  'no-adapter': {
    title: 'WebGPU found no graphics adapter',
    text: 'Turn on hardware acceleration in the browser’s settings, or update the graphics driver.',
    action: 'restart',
  },
  'device-lost': {
    title: 'The graphics device was lost',
    text: 'That happens when the driver restarts or the machine sleeps. The photo is still here: start again.',
    action: 'restart',
  },
  'out-of-memory': {
    title: 'There is not enough graphics memory',
    text: 'Close other tabs that use the GPU, or take a smaller photo.',
    action: 'restart',
  },
  image: {
    title: 'This photo cannot be read',
    text: 'It is damaged, or not a PNG, JPEG, WebP, AVIF, GIF or BMP file.',
    action: null,
  },
  'image-limit': { title: 'This photo is too large', text: 'Scale it down and try again.', action: null },
  limit: { title: 'This adapter cannot do that', text: 'The reason is below.', action: null },
};

const BY_TASK: Readonly<Record<Task, Notice>> = {
  start: {
    title: 'The model did not load',
    text: 'Its files are missing, damaged, or the connection broke off.',
    action: 'restart',
  },
  open: { title: 'The photo could not be opened', text: 'The reason is below.', action: null },
  masks: { title: 'No masks could be made', text: 'The reason is below.', action: 'restart' },
  profile: { title: 'Kernels could not be timed', text: 'The reason is below.', action: null },
};

export function noticeOf(code: ErrorCode | null, task: Task): Notice {
  return (code === null ? undefined : BY_CODE[code]) ?? BY_TASK[task];
}
