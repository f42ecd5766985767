// The classes and functions that a checkpoint may name, and what each stands for. Nothing is ever imported or called: a torch
// function that puts a tensor together is done here, a class of a network becomes an inert record, and any other name is refused.

import { RANK_LIMIT } from './limits.ts';
import {
  Dict,
  DTYPE_BYTES,
  Global,
  type GlobalKind,
  Instance,
  kindOf,
  List,
  PickleSet,
  Refusal,
  StorageRef,
  TensorView,
  type TorchDtype,
  Tuple,
  type Value,
} from './values.ts';

/** torch's typed storages (torch/storage.py). */
const STORAGES: Readonly<Record<string, TorchDtype>> = {
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
};

/** Functions of torch that put tensors together (torch/_utils.py, torch/_tensor.py). */
const REBUILD: ReadonlySet<string> = new Set([
  'torch._utils._rebuild_tensor',
  'torch._utils._rebuild_tensor_v2',
  'torch._utils._rebuild_tensor_v3',
  'torch._utils._rebuild_parameter',
  'torch._utils._rebuild_parameter_with_state',
  'torch._tensor._rebuild_from_type_v2',
]);

const KINDS: Readonly<Record<string, GlobalKind>> = {
  'collections.OrderedDict': 'dict',
  '__builtin__.set': 'set',
  'builtins.set': 'set',
  '_codecs.encode': 'bytes',
  'torch.Size': 'size',
  'torch.storage.UntypedStorage': 'storage',
  'torch.device': 'record',
  'argparse.Namespace': 'record',
  'numpy.dtype': 'record',
  'numpy.core.multiarray.scalar': 'record',
  'numpy._core.multiarray.scalar': 'record',
};

/** Packages whose classes are networks or settings of networks. */
const RECORD_PACKAGES = ['torch.nn', 'ultralytics', 'models', 'fastsam', 'mobilesamv2'];

/** @throws Refusal for every name that is not on the list. */
export function findGlobal(module: string, name: string): Global {
  const path = `${module}.${name}`;
  if (REBUILD.has(path)) return new Global(module, name, 'rebuild');
  const kind = Object.hasOwn(KINDS, path) ? KINDS[path] : undefined;
  if (kind !== undefined) return new Global(module, name, kind);
  if (module === 'torch') {
    const stored = Object.hasOwn(STORAGES, name) ? STORAGES[name] : undefined;
    if (stored !== undefined) return new Global(module, name, 'storage', stored);
    if (Object.hasOwn(DTYPE_BYTES, name)) return new Global(module, name, 'dtype', name as TorchDtype);
  }
  const isRecord =
    RECORD_PACKAGES.some((known) => module === known || module.startsWith(`${known}.`)) ||
    (/^pathlib(\._local)?$/.test(module) && /^(Pure)?(Posix|Windows)?Path$/.test(name));
  if (isRecord) return new Global(module, name, 'record');
  throw new Refusal(`the pickle names ${path.slice(0, 200)}, which is not allowed in a checkpoint; nothing was run`);
}

/**
 * What REDUCE makes of a function and its arguments.
 *
 * @param spend counts work beyond one instruction
 */
export function reduce(callee: Value, args: Value, spend: (steps: number) => void): Value {
  if (!(callee instanceof Global)) throw new Refusal(`REDUCE on ${kindOf(callee)}, which cannot be called`);
  if (!(args instanceof Tuple)) throw new Refusal(`REDUCE with ${kindOf(args)} in place of a tuple of arguments`);
  const [first] = args.items;
  switch (callee.kind) {
    case 'record':
      return new Instance(callee, args);
    case 'dict':
      return orderedDict(args, spend);
    case 'set': {
      const set = new PickleSet();
      if (first === undefined) return set;
      if (!(first instanceof List || first instanceof Tuple)) throw new Refusal(`a set is made from ${kindOf(first)}`);
      spend(first.items.length);
      for (const item of first.items) set.items.push(item);
      return set;
    }
    case 'bytes': {
      const [text, encoding] = args.items;
      if (typeof text !== 'string' || encoding !== 'latin1')
        throw new Refusal('_codecs.encode is known here for a text in latin1 alone');
      spend(text.length);
      return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);
    }
    case 'size':
      if (!(first instanceof Tuple || first instanceof List)) throw new Refusal('torch.Size without a tuple of sizes');
      spend(first.items.length);
      return new Tuple([...first.items]);
    case 'rebuild':
      return rebuild(callee, args);
    default:
      throw new Refusal(`REDUCE on ${kindOf(callee)}, which is no function`);
  }
}

/** An object of a class: NEWOBJ never runs its constructor, and neither does this. */
export function newObject(type: Value, args: Value): Value {
  if (!(type instanceof Global)) throw new Refusal(`NEWOBJ on ${kindOf(type)}, which is no class`);
  if (type.kind === 'record') return new Instance(type, args);
  if (type.kind === 'dict' && args instanceof Tuple && args.items.length === 0) return new Dict();
  throw new Refusal(`NEWOBJ on ${kindOf(type)}, which is not known to be made that way`);
}

function orderedDict(args: Tuple, spend: (steps: number) => void): Dict {
  const dict = new Dict();
  const [pairs] = args.items;
  if (pairs === undefined) return dict;
  if (!(pairs instanceof List)) throw new Refusal(`an OrderedDict is made from ${kindOf(pairs)}`);
  spend(pairs.items.length);
  for (const pair of pairs.items) {
    const items = pair instanceof List || pair instanceof Tuple ? pair.items : [];
    const [key, value] = items;
    if (items.length !== 2 || key === undefined || value === undefined)
      throw new Refusal('an OrderedDict is made from entries that are no pairs');
    setItem(dict, key, value);
  }
  return dict;
}

/** Refuses keys that Python could not hash. */
export function setItem(dict: Dict, key: Value, value: Value): void {
  if (key instanceof List || key instanceof Dict || key instanceof PickleSet)
    throw new Refusal(`a dict has ${kindOf(key)} as a key`);
  dict.entries.set(key, value);
}

function rebuild(callee: Global, args: Tuple): Value {
  const { items } = args;
  switch (callee.name) {
    case '_rebuild_tensor':
      return rebuildTensor(callee, items, 4);
    case '_rebuild_tensor_v2':
      return rebuildTensor(callee, items, 6);
    case '_rebuild_tensor_v3': {
      const dtype = items[6];
      if (!(dtype instanceof Global) || dtype.dtype === undefined || dtype.kind !== 'dtype')
        throw new Refusal(`_rebuild_tensor_v3 without a dtype`);
      return rebuildTensor(callee, items, 7, dtype.dtype);
    }
    case '_rebuild_parameter':
    case '_rebuild_parameter_with_state': {
      const tensor = items[0];
      if (!(tensor instanceof TensorView)) throw new Refusal(`${callee.name} without a tensor`);
      return tensor;
    }
    default: {
      // _rebuild_from_type_v2(function, type, arguments, state): the type and the state belong to a subclass.
      const [inner, , innerArgs] = items;
      if (!(inner instanceof Global && inner.kind === 'rebuild' && inner.name !== callee.name))
        throw new Refusal(`_rebuild_from_type_v2 of ${inner === undefined ? 'nothing' : kindOf(inner)}`);
      if (!(innerArgs instanceof Tuple)) throw new Refusal('_rebuild_from_type_v2 without a tuple of arguments');
      return rebuild(inner, innerArgs);
    }
  }
}

/** (storage, offset, size, stride, …); what follows says nothing about the numbers. */
function rebuildTensor(callee: Global, items: readonly Value[], least: number, dtype?: TorchDtype): TensorView {
  const [storage, offset, size, stride] = items;
  if (items.length < least || !(storage instanceof StorageRef))
    throw new Refusal(`${callee.name} without a storage and ${least} arguments`);
  const type = dtype ?? storage.dtype;
  if (type === undefined) throw new Refusal(`${callee.name} of an untyped storage`);
  // A typed view of bytes is what _rebuild_tensor_v3 is for; two types for one storage are not.
  if (dtype !== undefined && storage.dtype !== undefined && storage.dtype !== dtype)
    throw new Refusal(`${callee.name}: a storage of ${storage.dtype} as ${dtype}`);
  if (!isCount(offset)) throw new Refusal(`${callee.name}: the offset is not a whole number from 0 on`);
  const shape = counts(size, `${callee.name}: size`);
  const strides = counts(stride, `${callee.name}: stride`);
  if (shape.length !== strides.length)
    throw new Refusal(`${callee.name}: ${shape.length} sizes and ${strides.length} strides`);
  return new TensorView(storage, type, offset, shape, strides);
}

function counts(value: Value | undefined, what: string): number[] {
  if (!(value instanceof Tuple || value instanceof List)) throw new Refusal(`${what} is not a tuple`);
  if (value.items.length > RANK_LIMIT) throw new Refusal(`${what} has ${value.items.length} axes, over ${RANK_LIMIT}`);
  return value.items.map((item) => {
    if (!isCount(item)) throw new Refusal(`${what} holds something else than whole numbers from 0 on`);
    return item;
  });
}

export function isCount(value: Value | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
