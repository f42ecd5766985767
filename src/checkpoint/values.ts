// What a pickle turns into here: inert values. A class is a name, an object is a record of what would have been passed to its class.

/** Element types of torch tensors that are read. */
export type TorchDtype =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool';

/** Bytes of one element. */
export const DTYPE_BYTES: Readonly<Record<TorchDtype, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  uint8: 1,
  bool: 1,
};

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | List
  | Tuple
  | Dict
  | PickleSet
  | Global
  | Instance
  | StorageRef
  | TensorView;

export class List {
  readonly items: Value[] = [];
}

export class Tuple {
  constructor(readonly items: readonly Value[]) {}
}

/** A dict or an OrderedDict. Texts and numbers are keys by value, all else by identity. */
export class Dict {
  readonly entries = new Map<Value, Value>();

  /** The value of a text key; undefined where there is none. */
  get(key: string): Value | undefined {
    return this.entries.get(key);
  }
}

export class PickleSet {
  readonly items: Value[] = [];
}

/** What may be done with a class or function that a pickle names; see globals.ts. */
export type GlobalKind = 'record' | 'dict' | 'set' | 'bytes' | 'size' | 'storage' | 'dtype' | 'rebuild';

/** A class or function by name. There is nothing behind it that could be called. */
export class Global {
  constructor(
    readonly module: string,
    readonly name: string,
    readonly kind: GlobalKind,
    /** Of a storage class or a dtype; a storage without one is untyped. */
    readonly dtype?: TorchDtype,
  ) {}
}

/** An object of a class that is not known here: what its class would have been made from. */
export class Instance {
  /** What BUILD attached, the object's `__dict__` as a rule. */
  state: Value = null;

  constructor(
    readonly type: Global,
    readonly args: Value,
  ) {}
}

/** A storage by its key; the bytes are elsewhere in the file. */
export class StorageRef {
  constructor(
    readonly key: string,
    /** Undefined for an untyped storage, whose elements are bytes. */
    readonly dtype: TorchDtype | undefined,
    readonly numel: number,
  ) {}

  get bytes(): number {
    return this.numel * (this.dtype === undefined ? 1 : DTYPE_BYTES[this.dtype]);
  }
}

/** A tensor: element (i, j, …) lies at `offset + i * stride[0] + j * stride[1] + …` of the storage, counted in elements. */
export class TensorView {
  constructor(
    readonly storage: StorageRef,
    readonly dtype: TorchDtype,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly stride: readonly number[],
  ) {}
}

/** Why something in a file is refused, before anyone knows the file's name and the place; never leaves this folder. */
export class Refusal extends Error {}

/** How a value is called in messages. */
export function kindOf(value: Value): string {
  if (value === null) return 'None';
  if (value instanceof List) return 'a list';
  if (value instanceof Tuple) return 'a tuple';
  if (value instanceof Dict) return 'a dict';
  if (value instanceof PickleSet) return 'a set';
  if (value instanceof Global) return `${value.module}.${value.name}`;
  if (value instanceof Instance) return `an object of ${value.type.module}.${value.type.name}`;
  if (value instanceof StorageRef) return 'a storage';
  if (value instanceof TensorView) return 'a tensor';
  if (value instanceof Uint8Array) return 'bytes';
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`;
}
