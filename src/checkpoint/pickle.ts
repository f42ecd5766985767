// A machine for the part of pickle that checkpoints use (protocols 2 to 5, binary instructions). It builds inert values; no name is
// imported, no object is called, and every length is checked against the bytes that are there before it is used.
// Source: CPython, Lib/pickletools.py (the meaning of each instruction).

import { findGlobal, newObject, reduce, setItem } from './globals.ts';
import type { CheckpointLimits } from './limits.ts';
import { opcodeName } from './opcodes.ts';
import { Dict, Instance, kindOf, List, PickleSet, Refusal, Tuple, type Value } from './values.ts';

/** Longest module or attribute name, in bytes. */
const NAME_BYTES = 1024;
/** Longest integer of LONG1 and LONG4, in bytes. */
const INTEGER_BYTES = 255;

export interface PickleOptions {
  readonly limits: CheckpointLimits;
  /** What BINPERSID's object stands for. @throws Refusal */
  readonly persistent: (id: Value) => Value;
}

/** The bytes ended within the pickle: more of them may help. */
export class PickleCut extends Refusal {}

/** Where in a pickle something was refused. */
export class PickleRefusal extends Refusal {
  constructor(
    reason: string,
    readonly offset: number,
    options?: ErrorOptions,
  ) {
    super(`${reason} (byte ${offset} of its pickle)`, options);
  }
}

/**
 * Reads the pickle that begins at `start`.
 *
 * @returns its object and where it ends
 * @throws PickleCut where the bytes end before the pickle does, PickleRefusal for everything else
 */
export function readPickle(bytes: Uint8Array, start: number, options: PickleOptions): { value: Value; end: number } {
  const machine = new Machine(bytes, start, options);
  try {
    return { value: machine.run(), end: machine.at };
  } catch (cause) {
    if (cause instanceof PickleCut || !(cause instanceof Refusal)) throw cause;
    throw new PickleRefusal(cause.message, machine.instruction, { cause });
  }
}

class Machine {
  /** The next byte, and where the current instruction began. */
  at: number;
  instruction: number;
  #stack: Value[] = [];
  /** Height of the stack at each MARK. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, Value>();
  #steps = 0;
  readonly #view: DataView;
  readonly #text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  readonly #bytes: Uint8Array;
  readonly #options: PickleOptions;

  constructor(bytes: Uint8Array, start: number, options: PickleOptions) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#options = options;
    this.at = start;
    this.instruction = start;
  }

  run(): Value {
    if (this.#byte() !== 0x80) throw new Refusal('a pickle begins with PROTO, and this does not');
    this.at--;
    for (;;) {
      this.instruction = this.at;
      this.spend(1);
      const code = this.#byte();
      if (code === 0x2e) return this.#pop();
      const value = this.#step(code);
      if (value !== undefined) this.#stack.push(value);
    }
  }

  readonly spend = (steps: number): void => {
    this.#steps += steps;
    const { opcodes } = this.#options.limits;
    if (this.#steps > opcodes) throw new Refusal(`the pickle takes more than ${opcodes} steps`);
  };

  /** Does one instruction; what it leaves on the stack, if anything. */
  #step(code: number): Value | undefined {
    switch (code) {
      case 0x80: {
        const protocol = this.#byte();
        if (protocol < 2 || protocol > 5) throw new Refusal(`pickle protocol ${protocol} is not 2 to 5`);
        return undefined;
      }
      case 0x95: // FRAME: its length is a hint for buffering
        this.#take(8);
        return undefined;
      // Constants and numbers.
      case 0x4e:
        return null;
      case 0x88:
        return true;
      case 0x89:
        return false;
      case 0x4a:
        return this.#view.getInt32(this.#take(4), true);
      case 0x4b:
        return this.#byte();
      case 0x4d:
        return this.#view.getUint16(this.#take(2), true);
      case 0x47:
        return this.#view.getFloat64(this.#take(8));
      case 0x8a:
        return this.#integer(this.#byte());
      case 0x8b:
        return this.#integer(this.#uint32());
      // Texts and bytes.
      case 0x58:
        return this.#utf8(this.#uint32());
      case 0x8c:
        return this.#utf8(this.#byte());
      case 0x54:
        return this.#latin1(this.#uint32());
      case 0x55:
        return this.#latin1(this.#byte());
      case 0x42:
        return this.#slice(this.#uint32());
      case 0x43:
        return this.#slice(this.#byte());
      // Containers.
      case 0x28:
        if (this.#marks.length >= this.#options.limits.depth)
          throw new Refusal(`the pickle is nested deeper than ${this.#options.limits.depth} levels`);
        this.#marks.push(this.#stack.length);
        return undefined;
      case 0x7d:
        return new Dict();
      case 0x5d:
        return new List();
      case 0x8f:
        return new PickleSet();
      case 0x29:
        return new Tuple([]);
      case 0x74:
        return new Tuple(this.#popMark());
      case 0x85:
        return new Tuple([this.#pop()]);
      case 0x86:
        return new Tuple(this.#popMany(2));
      case 0x87:
        return new Tuple(this.#popMany(3));
      case 0x61:
        this.#append([this.#pop()]);
        return undefined;
      case 0x65:
        this.#append(this.#popMark());
        return undefined;
      case 0x90: {
        const items = this.#popMark();
        const set = this.#top();
        if (!(set instanceof PickleSet)) throw new Refusal(`ADDITEMS on ${kindOf(set)}`);
        for (const item of items) set.items.push(item);
        return undefined;
      }
      case 0x73:
        this.#setItems('SETITEM', this.#popMany(2));
        return undefined;
      case 0x75:
        this.#setItems('SETITEMS', this.#popMark());
        return undefined;
      // The stack and the memo.
      case 0x30:
        // As in CPython, POP right behind a MARK takes the MARK.
        if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
        else this.#pop();
        return undefined;
      case 0x31:
        this.#popMark();
        return undefined;
      case 0x32:
        return this.#top();
      case 0x71:
        this.#remember(this.#byte());
        return undefined;
      case 0x72:
        this.#remember(this.#uint32());
        return undefined;
      case 0x94:
        this.#remember(this.#memo.size);
        return undefined;
      case 0x68:
        return this.#recall(this.#byte());
      case 0x6a:
        return this.#recall(this.#uint32());
      // Names and objects.
      case 0x63:
        return findGlobal(this.#line(), this.#line());
      case 0x93: {
        const [module, name] = this.#popMany(2);
        if (typeof module !== 'string' || typeof name !== 'string')
          throw new Refusal('STACK_GLOBAL without two texts on the stack');
        return findGlobal(module, name);
      }
      case 0x51:
        return this.#options.persistent(this.#pop());
      case 0x52: {
        const [callee = null, args = null] = this.#popMany(2);
        return reduce(callee, args, this.spend);
      }
      case 0x81: {
        const [type = null, args = null] = this.#popMany(2);
        return newObject(type, args);
      }
      case 0x92: {
        const [type = null, args = null] = this.#popMany(3);
        return newObject(type, args);
      }
      case 0x62:
        this.#build(this.#pop());
        return undefined;
      default:
        throw new Refusal(`instruction ${opcodeName(code)} does not belong in a checkpoint`);
    }
  }

  /** BUILD attaches a state to an object of an unknown class; the state of an ordered dict is of no use here. */
  #build(state: Value): void {
    const target = this.#top();
    if (target instanceof Instance) target.state = state;
    else if (!(target instanceof Dict)) throw new Refusal(`BUILD on ${kindOf(target)}`);
  }

  #append(items: readonly Value[]): void {
    const list = this.#top();
    if (!(list instanceof List)) throw new Refusal(`APPEND on ${kindOf(list)}`);
    for (const item of items) list.items.push(item);
  }

  #setItems(name: string, items: readonly Value[]): void {
    const dict = this.#top();
    if (!(dict instanceof Dict)) throw new Refusal(`${name} on ${kindOf(dict)}, which is no dict`);
    if (items.length % 2 !== 0) throw new Refusal(`${name} with a key that has no value`);
    for (let i = 0; i < items.length; i += 2) setItem(dict, items[i] ?? null, items[i + 1] ?? null);
  }

  /** The lowest height that may be popped: what lies below a MARK waits for it. */
  #floor(): number {
    return this.#marks.at(-1) ?? 0;
  }

  #top(): Value {
    const value = this.#stack.length > this.#floor() ? this.#stack.at(-1) : undefined;
    if (value === undefined) throw new Refusal('the stack is empty');
    return value;
  }

  #pop(): Value {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #popMany(count: number): Value[] {
    if (this.#stack.length - count < this.#floor()) throw new Refusal('the stack holds too little');
    return this.#stack.splice(this.#stack.length - count, count);
  }

  #popMark(): Value[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new Refusal('there is no MARK');
    return this.#stack.splice(mark);
  }

  #remember(index: number): void {
    const { memo } = this.#options.limits;
    if (this.#memo.size >= memo) throw new Refusal(`the memo has more than ${memo} entries`);
    this.#memo.set(index, this.#top());
  }

  #recall(index: number): Value {
    const value = this.#memo.get(index);
    if (value === undefined) throw new Refusal(`the memo has no entry ${index}`);
    return value;
  }

  /** Offset of the next `count` bytes, which are skipped. */
  #take(count: number): number {
    const from = this.at;
    if (count > this.#bytes.length - from) throw new PickleCut('the pickle is truncated');
    this.at = from + count;
    return from;
  }

  #byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  #slice(count: number): Uint8Array {
    const from = this.#take(count);
    return this.#bytes.subarray(from, from + count);
  }

  #utf8(count: number): string {
    return this.#decode(this.#slice(count));
  }

  #decode(bytes: Uint8Array): string {
    try {
      return this.#text.decode(bytes);
    } catch (cause) {
      throw new Refusal('a text is not UTF-8', { cause });
    }
  }

  /** Texts of Python 2; the pieces keep the call's arguments few. */
  #latin1(count: number): string {
    const bytes = this.#slice(count);
    let text = '';
    for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
    return text;
  }

  /** Little-endian two's complement: a number where it is exact, else a bigint. */
  #integer(count: number): number | bigint {
    if (count > INTEGER_BYTES) throw new Refusal(`an integer of ${count} bytes`);
    // Long arithmetic costs more than its one instruction.
    this.spend(count);
    const bytes = this.#slice(count);
    let value = 0n;
    for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
    if ((bytes.at(-1) ?? 0) >= 0x80) value -= 1n << BigInt(8 * count);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  #line(): string {
    const from = this.at;
    const end = this.#bytes.indexOf(0x0a, from);
    if (end < 0 && this.#bytes.length - from <= NAME_BYTES) throw new PickleCut('the pickle is truncated');
    if (end < 0 || end - from > NAME_BYTES) throw new Refusal(`a name is longer than ${NAME_BYTES} bytes`);
    this.at = end + 1;
    return this.#decode(this.#bytes.subarray(from, end));
  }
}
