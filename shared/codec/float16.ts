import { assert } from '../base/assert.ts';
import { assertGridWeight, toGrid } from '../tensor/grid.ts';
import type { Codec } from './codec.ts';
import type { CodecSpecOf } from './codec-spec.ts';
import { finiteSquaredNorm, notFinite } from './finite.ts';
import { wordsOf } from './int8-scale.ts';
import { checkPayloadLength } from './payload-length.ts';

const exponentMask = 0x7c00;
/** 65,504: larger magnitudes become this one. */
const largestHalf = 0x7bff;
/** Bits of float32: what rounds to 65,536 or more, and the smallest half that is not subnormal. */
const overflowBits = 0x477ff000;
const normalBits = 0x38800000;
/** Doubles from 2^52 on are whole numbers: to add this rounds half-even to one. */
const wholeRounder = 0x10_0000_0000_0000;
const halvesPerUnit = 0x1000000;

/** A half's magnitude, rounded to nearest, ties to even; `word` holds the bits of a finite float32. */
function halfOf(word: number, value: number): number {
  const magnitude = word & 0x7fffffff;
  const sign = (word >>> 16) & 0x8000;
  if (magnitude >= overflowBits) return sign | largestHalf;
  if (magnitude >= normalBits) {
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  return sign | (Math.abs(value) * halvesPerUnit + wholeRounder - wholeRounder);
}

/**
 * By sign and exponent, 64 rows: a half is `(mantissa + implicit) * step`. In doubles, where nothing here is subnormal
 * and therefore slow.
 */
const implicit = new Float64Array(64);
const steps = new Float64Array(64);
for (let exponent = 0, step = 1 / halvesPerUnit; exponent < 31; exponent++) {
  implicit[exponent] = implicit[exponent + 32] = exponent === 0 ? 0 : 1024;
  steps[exponent] = step;
  steps[exponent + 32] = -step;
  if (exponent > 0) step *= 2;
}

function halfValue(half: number): number {
  const row = half >>> 10;
  return ((half & 0x3ff) + implicit[row]!) * steps[row]!;
}

/** @throws GradswarmError `notFinite`. */
function checkedHalves(codec: Codec, payload: Uint8Array, length: number): Uint16Array {
  checkPayloadLength(codec, payload);
  const aligned = payload.byteOffset % 2 === 0 ? payload : payload.slice();
  const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, length);
  for (let index = 0; index < length; index++) {
    if ((halves[index]! & exponentMask) === exponentMask) throw notFinite();
  }
  return halves;
}

/**
 * Little-endian IEEE 754 half precision, rounded to nearest, ties to even: an error of at most 2^-11 of the value, or
 * of 2^-25 where that is more. Every half is a multiple of 2^-24, so it is on the grid.
 */
export function createFloat16(spec: CodecSpecOf<'float16'>, { length }: { readonly length: number }): Codec {
  const codec: Codec = {
    spec,
    lossless: false,
    isBiased: false,
    encodedBytes: 2 * length,
    encode(values) {
      assert(values.length === length, 'a vector has the length of its codec');
      finiteSquaredNorm(values);
      const words = wordsOf(values);
      const halves = new Uint16Array(length);
      for (let index = 0; index < length; index++) halves[index] = halfOf(words[index]!, values[index]!);
      return new Uint8Array(halves.buffer);
    },
    decode(payload, _seed, target) {
      assert(target.length === length, 'a target has the length of its codec');
      const halves = checkedHalves(codec, payload, length);
      for (let index = 0; index < length; index++) target[index] = halfValue(halves[index]!);
    },
    squaredNorm(payload) {
      const halves = checkedHalves(codec, payload, length);
      let sum = 0;
      for (let index = 0; index < length; index++) {
        const value = halfValue(halves[index]!);
        sum += value * value;
      }
      return sum;
    },
    decodeAndAccumulate(payload, _seed, accumulator, weight) {
      assert(accumulator.length === length, 'an accumulator has the length of its codec');
      assertGridWeight(weight);
      const halves = checkedHalves(codec, payload, length);
      for (let index = 0; index < length; index++) {
        accumulator[index]! += toGrid(halfValue(halves[index]!)) * weight;
      }
    },
  };
  return codec;
}
