// Half-precision arrays: float16 (IEEE 754 binary16) and bfloat16, to and from float32, without Float16Array.

/** Float32 value of each of the 65,536 float16 bit patterns, made at first use (256 KiB). */
let float16Values: Float32Array<ArrayBuffer> | undefined;

function float16Table(): Float32Array<ArrayBuffer> {
  if (float16Values) return float16Values;
  const bits = new Uint32Array(65536);
  const values = new Float32Array(bits.buffer);
  for (let half = 0; half < 65536; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 31;
    const fraction = half & 0x3ff;
    if (exponent === 0) {
      // Subnormal: fraction * 2^-24 is exact in float32.
      values[half] = (sign ? -fraction : fraction) * 2 ** -24;
    } else if (exponent === 31) {
      // Infinity, or NaN with its payload kept in the upper bits of the longer fraction.
      bits[half] = sign | 0x7f800000 | (fraction << 13);
    } else {
      // Rebias the exponent from 15 to 127.
      bits[half] = sign | ((exponent + 112) << 23) | (fraction << 13);
    }
  }
  float16Values = values;
  return values;
}

/**
 * Float16 bit patterns as float32 values; every value is exact.
 *
 * @param source bit patterns, [n]
 * @param target where they go, [n]; memory of their own unless given
 * @returns values, [n]; NaN stays NaN, subnormals and signed zeros are kept
 */
export function f16ToF32(source: Uint16Array, target = new Float32Array(source.length)): Float32Array<ArrayBuffer> {
  const table = new Uint32Array(float16Table().buffer);
  const result = new Uint32Array(target.buffer, target.byteOffset, source.length);
  for (let i = 0; i < source.length; i++) result[i] = table[source[i] ?? 0] ?? 0;
  return target;
}

/** Float16 bits of the float32 value whose bits are `x`: to nearest, ties to even (IEEE 754-2019, 4.3.1). */
function roundToHalf(x: number): number {
  const sign = (x >>> 16) & 0x8000;
  const magnitude = x & 0x7fffffff;
  // NaN: keep the upper payload and set the quiet bit, so that it never turns into infinity.
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >> 13) & 0x1ff);
  // 65520 = 0x477ff000 lies halfway between the largest half, 65504, and the next step: it rounds up, to infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // 2^-14 and more are normal: rebias, then round off 13 bits; a carry moves on into the exponent as it should.
  if (magnitude >= 0x38800000) {
    const rebiased = magnitude - 0x38000000;
    return sign | ((rebiased + 0xfff + ((rebiased >> 13) & 1)) >> 13);
  }
  // 2^-25 is halfway to the smallest subnormal, and zero is even.
  if (magnitude <= 0x33000000) return sign;
  // Subnormal: count units of 2^-24 in the 24-bit significand.
  const significand = (magnitude & 0x7fffff) | 0x800000;
  const shift = 126 - (magnitude >> 23);
  const half = 1 << (shift - 1);
  return sign | ((significand + half - 1 + ((significand >> shift) & 1)) >> shift);
}

/**
 * Float32 values as float16 bit patterns, rounded to nearest, ties to even.
 *
 * @param source values, [n]
 * @param result where they go, [n]; memory of their own unless given
 * @returns bit patterns, [n]; what lies beyond 65,520 becomes infinity, NaN stays NaN
 */
export function f32ToF16(source: Float32Array, result = new Uint16Array(source.length)): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  for (let i = 0; i < bits.length; i++) result[i] = roundToHalf(bits[i] ?? 0);
  return result;
}

/**
 * Bfloat16 bit patterns as float32 values: the upper half of a float32.
 *
 * @param source bit patterns, [n]
 * @param target where they go, [n]; memory of their own unless given
 * @returns values, [n]
 */
export function bf16ToF32(source: Uint16Array, target = new Float32Array(source.length)): Float32Array<ArrayBuffer> {
  const result = new Uint32Array(target.buffer, target.byteOffset, source.length);
  for (let i = 0; i < source.length; i++) result[i] = (source[i] ?? 0) << 16;
  return target;
}
