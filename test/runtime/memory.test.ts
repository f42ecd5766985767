// Slabs: never shared by tensors that are alive together, and as few bytes as lifetimes allow.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Lifetime, planSlabs } from '../../src/runtime/memory.ts';

const LAUNCHES = 24;

const interval = fc
  .tuple(fc.nat(LAUNCHES - 1), fc.nat(LAUNCHES - 1))
  .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));

function lifetimes(bytes: fc.Arbitrary<number>): fc.Arbitrary<Lifetime[]> {
  return fc
    .array(fc.tuple(interval, bytes), { maxLength: 40 })
    .map((list) => list.map(([at, size], id) => ({ id, bytes: size, ...at })));
}

/** Largest sum of bytes that are alive during one launch: no plan can take less. */
function peak(list: readonly Lifetime[]): number {
  const alive = Array.from({ length: LAUNCHES }, (_, at) =>
    list.filter((t) => t.first <= at && at <= t.last).reduce((sum, t) => sum + t.bytes, 0),
  );
  return Math.max(...alive);
}

const total = (slabs: readonly number[]): number => slabs.reduce((a, b) => a + b, 0);

test('tensors that are alive together never share a slab, and each fits into its own', () => {
  fc.assert(
    fc.property(lifetimes(fc.integer({ min: 16, max: 4096 })), (list) => {
      const { slabs, slabOf } = planSlabs(list);
      for (const a of list) {
        const slab = slabOf.get(a.id) ?? -1;
        expect(slabs[slab]).toBeGreaterThanOrEqual(a.bytes);
        for (const b of list) {
          if (a.id < b.id && a.first <= b.last && b.first <= a.last) expect(slabOf.get(b.id)).not.toBe(slab);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('the slabs take no more than all tensors, no less than the fullest launch, and are listed from the largest', () => {
  fc.assert(
    fc.property(lifetimes(fc.integer({ min: 16, max: 4096 })), (list) => {
      const { slabs } = planSlabs(list);
      expect(total(slabs)).toBeLessThanOrEqual(total(list.map((t) => t.bytes)));
      expect(total(slabs)).toBeGreaterThanOrEqual(peak(list));
      expect(slabs).toEqual([...slabs].sort((a, b) => b - a));
    }),
    { numRuns: 300 },
  );
});

test('tensors of one size take exactly the bytes of the fullest launch', () => {
  fc.assert(
    fc.property(lifetimes(fc.constant(256)), (list) => {
      expect(total(planSlabs(list).slabs)).toBe(peak(list));
    }),
    { numRuns: 300 },
  );
});

test('the order in which lifetimes are given changes nothing', () => {
  const shuffled = lifetimes(fc.integer({ min: 16, max: 4096 })).chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
  );
  fc.assert(
    fc.property(shuffled, ([list, other]) => {
      const [one, two] = [planSlabs(list), planSlabs(other)];
      expect(two.slabs).toEqual(one.slabs);
      for (const { id } of list) expect(two.slabOf.get(id)).toBe(one.slabOf.get(id));
    }),
  );
});

test('a chain lives in two slabs, of the sizes of its largest tensors of either parity', () => {
  // Launch i reads tensor i - 1 and writes tensor i.
  const sizes = [64, 512, 128, 1024, 32, 256];
  const chain = sizes.map((bytes, id) => ({ id, bytes, first: id, last: id + 1 }));
  expect(planSlabs(chain).slabs).toEqual([1024, 128]);
});

test('no tensors, no slabs', () => {
  expect(planSlabs([]).slabs).toEqual([]);
});
