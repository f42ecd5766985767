// From a file's object to named tensors, as PyTorch's state_dict() would name them.
// Source: torch/nn/modules/module.py (state_dict: parameters, then persistent buffers, then children, depth first).

import { type CheckpointLimits, NAME_LIMIT } from './limits.ts';
import {
  Dict,
  DTYPE_BYTES,
  Instance,
  kindOf,
  List,
  PickleSet,
  Refusal,
  TensorView,
  Tuple,
  type Value,
} from './values.ts';

/** Plain attributes of a pickled module, which a state dict does not have: a norm's `eps`, a head's `nc`. */
export interface ModuleRecord {
  /** Name of the class without its module. */
  readonly className: string;
  readonly attributes: ReadonlyMap<string, number | string | boolean>;
}

export interface StateDict {
  readonly tensors: ReadonlyMap<string, TensorView>;
  /** Pickled modules by their path; the outermost one has the path ''. */
  readonly modules: ReadonlyMap<string, ModuleRecord>;
}

/** Text keys of the outermost dict that hold a dict or a module: what can be selected. */
export function sections(root: Value): string[] {
  if (!(root instanceof Dict)) return [];
  return [...root.entries]
    .filter(([key, value]) => typeof key === 'string' && (value instanceof Dict || value instanceof Instance))
    .map(([key]) => String(key));
}

/**
 * Collects all tensors below an entry of the root, or below the root.
 *
 * @param size bytes that a storage has in the file; undefined where it is not there
 * @param fileBytes all tensors together are bounded by a multiple of it
 * @throws Refusal
 */
export function stateDict(
  root: Value,
  select: string | undefined,
  size: (key: string) => number | undefined,
  fileBytes: number,
  limits: CheckpointLimits,
): StateDict {
  const walk = new Walk(size, limits);
  walk.visit(selected(root, select), '', 0);
  if (walk.tensors.size === 0)
    throw new Refusal(`there is no tensor in ${select === undefined ? 'it' : `'${select}'`}`);
  const most = limits.expansion * fileBytes;
  if (walk.bytes > most) {
    throw new Refusal(
      `its tensors take ${walk.bytes} bytes, over ${limits.expansion} times the file: their storages are shared too often`,
    );
  }
  return walk;
}

function selected(root: Value, select: string | undefined): Value {
  if (select === undefined) {
    if (root instanceof Dict || isModule(root)) return root;
    throw new Refusal(`it holds ${kindOf(root)}, not a dict of tensors or a module`);
  }
  const found = root instanceof Dict ? root.get(select) : undefined;
  if (found === undefined || !(found instanceof Dict || isModule(found))) {
    const there = sections(root).join(', ').slice(0, 1000) || 'none';
    throw new Refusal(`it has no dict or module '${select}'; of these it has ${there}`);
  }
  return found;
}

/** The state of a pickled torch module. */
function moduleState(value: Value): Dict | undefined {
  const state = value instanceof Instance ? value.state : null;
  return state instanceof Dict && state.get('_parameters') instanceof Dict && state.get('_modules') instanceof Dict
    ? state
    : undefined;
}

function isModule(value: Value): boolean {
  return moduleState(value) !== undefined;
}

class Walk implements StateDict {
  readonly tensors = new Map<string, TensorView>();
  readonly modules = new Map<string, ModuleRecord>();
  /** Of all tensors, copied out. */
  bytes = 0;
  #steps = 0;
  readonly #size: (key: string) => number | undefined;
  readonly #limits: CheckpointLimits;

  constructor(size: (key: string) => number | undefined, limits: CheckpointLimits) {
    this.#size = size;
    this.#limits = limits;
  }

  visit(value: Value, prefix: string, depth: number): void {
    this.#count(depth);
    if (prefix.length > NAME_LIMIT) throw longName(prefix);
    const module = moduleState(value);
    if (module !== undefined && value instanceof Instance) this.#module(value, module, prefix, depth);
    else if (value instanceof Dict) {
      for (const [key, entry] of value.entries) {
        if (typeof key !== 'string') continue;
        if (entry instanceof TensorView) this.#add(prefix + key, entry);
        else if (entry instanceof Dict || entry instanceof Instance) this.visit(entry, `${prefix}${key}.`, depth + 1);
        else this.#count(depth);
      }
    }
  }

  #module(module: Instance, state: Dict, prefix: string, depth: number): void {
    this.modules.set(prefix.slice(0, -1), { className: module.type.name, attributes: this.#attributes(state, depth) });
    for (const [name, value] of this.#named(state.get('_parameters'))) {
      if (value instanceof TensorView) this.#add(prefix + name, value);
    }
    const passing = this.#texts(state.get('_non_persistent_buffers_set'));
    for (const [name, value] of this.#named(state.get('_buffers'))) {
      if (value instanceof TensorView && !passing.has(name)) this.#add(prefix + name, value);
    }
    for (const [name, value] of this.#named(state.get('_modules'))) {
      if (isModule(value)) this.visit(value, `${prefix}${name}.`, depth + 1);
    }
  }

  #attributes(state: Dict, depth: number): Map<string, number | string | boolean> {
    const attributes = new Map<string, number | string | boolean>();
    for (const [name, value] of this.#named(state)) {
      this.#count(depth);
      if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean')
        attributes.set(name, value);
    }
    return attributes;
  }

  #named(value: Value | undefined): [string, Value][] {
    if (!(value instanceof Dict)) return [];
    this.#steps += value.entries.size;
    return [...value.entries].filter((entry): entry is [string, Value] => typeof entry[0] === 'string');
  }

  #texts(value: Value | undefined): ReadonlySet<string> {
    const items = value instanceof PickleSet || value instanceof List || value instanceof Tuple ? value.items : [];
    this.#steps += items.length;
    return new Set(items.filter((item): item is string => typeof item === 'string'));
  }

  /** Objects may hold themselves, or share parts so often that a walk never ends. */
  #count(depth: number): void {
    if (depth > this.#limits.depth)
      throw new Refusal(`its objects are nested deeper than ${this.#limits.depth} levels`);
    this.#steps++;
    if (this.#steps > this.#limits.opcodes) throw new Refusal('its objects share their parts too often to be listed');
  }

  #add(name: string, view: TensorView): void {
    this.#count(0);
    if (this.tensors.size >= this.#limits.tensors)
      throw new Refusal(`it has more than ${this.#limits.tensors} tensors`);
    if (name.length > NAME_LIMIT) throw longName(name);
    if (this.tensors.has(name)) throw new Refusal(`it has two tensors named ${name.slice(0, 200)}`);
    this.bytes += checkView(name.slice(0, 200), view, this.#size(view.storage.key));
    this.tensors.set(name, view);
  }
}

/** Bytes of a tensor, copied out. @throws Refusal where its storage does not hold it */
function checkView(name: string, view: TensorView, bytes: number | undefined): number {
  const { storage, shape, stride, dtype } = view;
  const [key] = [storage.key];
  if (bytes === undefined) throw new Refusal(`storage ${key} of tensor ${name} is missing`);
  let elements = 1;
  let last = view.offset;
  for (const [axis, length] of shape.entries()) {
    elements *= length;
    last += (length - 1) * (stride[axis] ?? 0);
  }
  const total = elements * DTYPE_BYTES[dtype];
  const needed = elements === 0 ? 0 : (last + 1) * DTYPE_BYTES[dtype];
  if (!Number.isSafeInteger(total) || !Number.isSafeInteger(needed))
    throw new Refusal(`the shape [${shape.join(', ')}] of tensor ${name} overflows`);
  if (needed > Math.min(bytes, storage.bytes)) {
    throw new Refusal(
      `storage ${key} is shorter than tensor ${name} needs: ${Math.min(bytes, storage.bytes)} bytes of ${needed}`,
    );
  }
  if (bytes !== storage.bytes)
    throw new Refusal(`storage ${key} of tensor ${name} has ${bytes} bytes, and the pickle says ${storage.bytes}`);
  return total;
}

function longName(name: string): Refusal {
  return new Refusal(`a name of more than ${NAME_LIMIT} characters: ${name.slice(0, 100)}…`);
}
