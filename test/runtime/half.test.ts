import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bf16ToF32, f16ToF32, f32ToF16 } from '../../src/runtime/half.ts';

/** The value of a float16 from the definition: sign * 2^(exponent - 15) * 1.fraction. */
function definition(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : fraction * 2 ** -24);
}

const everyHalf = Uint16Array.from({ length: 65536 }, (_, i) => i);

describe('float16', () => {
  it('decodes all 65,536 bit patterns as IEEE 754 defines them', () => {
    const values = f16ToF32(everyHalf);
    const wrong = [...everyHalf].filter((half) => !Object.is(values[half], definition(half)));
    expect(wrong).toEqual([]);
  });

  it('encodes what it decoded, bit for bit', () => {
    const back = f32ToF16(f16ToF32(everyHalf));
    const isNan = (half: number) => (half & 0x7c00) === 0x7c00 && (half & 0x3ff) !== 0;
    // A signalling NaN may turn quiet; it must stay NaN.
    const wrong = [...everyHalf].filter((half) => (isNan(half) ? !isNan(back[half] ?? 0) : back[half] !== half));
    expect(wrong).toEqual([]);
  });

  it('rounds the middle between neighbours to the even one, and one step beside it to the nearer', () => {
    const wrong: number[] = [];
    const bits = new Uint32Array(1);
    const value = new Float32Array(bits.buffer);
    const encode = (change: number) => {
      bits[0] = (bits[0] ?? 0) + change;
      return f32ToF16(value)[0];
    };
    for (let half = 0; half < 0x7bff; half++) {
      value[0] = (definition(half) + definition(half + 1)) / 2;
      const even = half % 2 ? half + 1 : half;
      if (encode(0) !== even || encode(-1) !== half || encode(2) !== half + 1) wrong.push(half);
    }
    expect(wrong).toEqual([]);
  });

  it('takes the nearest of all halves for any float32', () => {
    const finite = [...everyHalf].filter((half) => half < 0x7c00).map(definition);
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: Math.fround(-65519), max: Math.fround(65519) }), (x) => {
        const got = definition(f32ToF16(Float32Array.of(x))[0] ?? 0);
        let low = 0;
        let high = finite.length - 1;
        while (high - low > 1) {
          const middle = (low + high) >> 1;
          if ((finite[middle] ?? 0) <= Math.abs(x)) low = middle;
          else high = middle;
        }
        const best = Math.min(Math.abs(Math.abs(x) - (finite[low] ?? 0)), Math.abs(Math.abs(x) - (finite[high] ?? 0)));
        return Math.abs(x - got) === best && Math.sign(got) * Math.sign(x) >= 0;
      }),
      { numRuns: 2000 },
    );
  });

  it('overflows to infinity from 65,520 on, and keeps NaN and signed zero', () => {
    const source = Float32Array.of(65519.996, 65520, 1e38, Infinity, -65520, NaN, -0, 2 ** -25, 2 ** -24);
    expect([...f32ToF16(source)]).toEqual([0x7bff, 0x7c00, 0x7c00, 0x7c00, 0xfc00, 0x7e00, 0x8000, 0x0000, 0x0001]);
  });
});

describe('bfloat16', () => {
  it('is the upper half of a float32', () => {
    const values = bf16ToF32(Uint16Array.of(0x3f80, 0xc000, 0x0000, 0x8000, 0x7f80, 0x7fc0, 0x4049, 0x0001));
    expect([...values]).toEqual([1, -2, 0, -0, Infinity, NaN, 3.140625, 2 ** -133]);
  });
});
