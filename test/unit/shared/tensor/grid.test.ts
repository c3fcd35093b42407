import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../../../shared/base/limits.ts';
import {
  accumulate,
  gridMax,
  gridStep,
  gridWeightMax,
  mean,
  merge,
  toGrid,
} from '../../../../shared/tensor/grid.ts';

const float = fc.float({ noNaN: true, noDefaultInfinity: true });

/** The nearest multiple of 2^-40, ties to even, in integer arithmetic. */
function oracle(value: number): bigint {
  const clipped = Math.min(Math.max(value, -gridMax), gridMax);
  // A double under 4 is a multiple of 2^-1074; scale it exactly by powers of two that stay in range.
  let numerator = 0n;
  let denominator = 1n;
  let rest = clipped;
  for (let bit = 0; bit < 1200 && rest !== 0; bit++) {
    const whole = Math.trunc(rest);
    numerator += BigInt(whole);
    rest = (rest - whole) * 2;
    if (rest !== 0) {
      numerator *= 2n;
      denominator *= 2n;
    }
  }
  const scaled = (numerator < 0n ? -numerator : numerator) * (1n << 40n);
  const floor = scaled / denominator;
  const twiceRest = 2n * (scaled % denominator);
  const up = twiceRest > denominator || (twiceRest === denominator && floor % 2n === 1n);
  const magnitude = up ? floor + 1n : floor;
  return numerator < 0n ? -magnitude : magnitude;
}

describe('toGrid', () => {
  test('equals rounding half to even in integer arithmetic', () => {
    const near = fc.double({ min: -5, max: 5, noNaN: true });
    const ties = fc.integer({ min: -(2 ** 30), max: 2 ** 30 }).map((steps) => (steps + 0.5) * gridStep);
    fc.assert(
      fc.property(fc.oneof(near, ties, float), (value) => {
        expect(BigInt(toGrid(value) / gridStep)).toBe(oracle(value));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    [4, gridMax],
    [-4, -gridMax],
    [3e38, gridMax],
    [gridMax, gridMax],
    [-0, 0],
    [gridStep / 2, 0],
    [(3 * gridStep) / 2, 2 * gridStep],
    [(-3 * gridStep) / 2, -2 * gridStep],
    [-1e-30, 0],
  ])('%d becomes %d', (value, expected) => {
    expect(toGrid(value)).toBe(expected);
  });
});

describe('sums', () => {
  test('a round at its limit fits the weights', () => {
    expect(limits.unitsPerRoundMax).toBeLessThanOrEqual(gridWeightMax);
  });

  const contributions = fc.integer({ min: 1, max: 9 }).chain((length) =>
    fc.array(
      fc.record({
        values: fc.array(fc.oneof(float, fc.float({ min: -4, max: 4, noNaN: true })), {
          minLength: length,
          maxLength: length,
        }),
        weight: fc.integer({ min: 1, max: 64 }),
      }),
      { minLength: 1, maxLength: 16 },
    ),
  );

  function sumOf(parts: readonly { values: number[]; weight: number }[], length: number): Float64Array {
    const accumulator = new Float64Array(length);
    for (const { values, weight } of parts) accumulate(accumulator, Float32Array.from(values), weight);
    return accumulator;
  }

  test('do not depend on order or grouping, and equal integer arithmetic', () => {
    fc.assert(
      fc.property(contributions, fc.infiniteStream(fc.nat({ max: 1_000 })), (parts, choices) => {
        const length = parts[0]!.values.length;
        const inOrder = sumOf(parts, length);

        const keyed = parts.map((part) => ({ part, key: choices.next().value as number }));
        const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ part }) => part);
        const cut = (choices.next().value as number) % (shuffled.length + 1);
        const grouped = sumOf(shuffled.slice(cut), length);
        merge(grouped, sumOf(shuffled.slice(0, cut), length));
        expect(grouped).toEqual(inOrder);

        for (let index = 0; index < length; index++) {
          const exact = parts.reduce(
            (sum, { values, weight }) => sum + oracle(Math.fround(values[index]!)) * BigInt(weight),
            0n,
          );
          expect(BigInt(inOrder[index]! / gridStep)).toBe(exact);
        }
      }),
    );
  });

  test('hold the largest values at the largest weight exactly', () => {
    const accumulator = new Float64Array(2);
    for (let count = 0; count < gridWeightMax; count++) accumulate(accumulator, Float32Array.of(9, -9), 1);
    expect(accumulator).toEqual(Float64Array.of(gridMax * gridWeightMax, -gridMax * gridWeightMax));
    accumulator[0]! += gridStep;
    expect(accumulator[0]! - gridMax * gridWeightMax).toBe(gridStep);
  });

  test('divide once, at the end', () => {
    const target = new Float32Array(2);
    mean(Float64Array.of(1, 0.1), 3, target);
    expect(target).toEqual(Float32Array.of(1 / 3, 0.1 / 3));
  });

  test.each([0, -1, 1.5, 1_025, Number.NaN])('refuse the weight %d', (weight) => {
    expect(() => accumulate(new Float64Array(1), new Float32Array(1), weight)).toThrow('Invariant');
  });

  test('refuse vectors of another length', () => {
    expect(() => accumulate(new Float64Array(2), new Float32Array(1), 1)).toThrow('Invariant');
    expect(() => merge(new Float64Array(2), new Float64Array(1))).toThrow('Invariant');
    expect(() => mean(new Float64Array(2), 1, new Float32Array(1))).toThrow('Invariant');
  });
});
