import fc from 'fast-check';
import { createRandom } from '../../../../../shared/base/random.ts';

export const seeds = fc.integer({ min: 0, max: 0xffffffff });

/** Of ordinary size, of one that is clipped, and of one below the grid's step. */
export const vectors = fc.oneof(
  fc.float32Array({ noNaN: true, min: -1, max: 1, maxLength: 600 }),
  fc.float32Array({ noNaN: true, min: -Math.fround(1e9), max: Math.fround(1e9), maxLength: 600 }),
  fc.float32Array({ noNaN: true, min: -Math.fround(1e-11), max: Math.fround(1e-11), maxLength: 20 }),
);

/** Heavy at the ends, as gradients are: mostly small, some large, a few zero. */
export function gradientLike(length: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length }, () => {
    const sum = random.unit() + random.unit() + random.unit() - 1.5;
    return random.below(16) === 0 ? 0 : (0.01 * sum) / (0.05 + random.unit());
  });
}

export const squaredNormOf = (values: Float32Array): number =>
  values.reduce((sum, value) => sum + value * value, 0);

export function differenceOf(values: Float32Array, decoded: Float32Array): Float32Array {
  return values.map((value, index) => value - decoded[index]!);
}
