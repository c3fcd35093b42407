import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Members } from '../../../../../shared/sync/aggregators/aggregator.ts';
import type { AggregatorSpec } from '../../../../../shared/sync/aggregators/aggregator-spec.ts';
import {
  aggregate,
  builtinAggregators,
  keepsVectors,
  membersMin,
} from '../../../../../shared/sync/aggregators/aggregators.ts';
import { accumulate, mean } from '../../../../../shared/tensor/grid.ts';
import { mixings, permuted, randomMembers, specs, withLiars } from './members.ts';
import { oracle, weightedDistances } from './oracles.ts';

const drawn = fc.record({
  seed: fc.integer(),
  count: fc.integer({ min: 11, max: 60 }),
  length: fc.integer({ min: 1, max: 40 }),
});

function result(spec: AggregatorSpec, members: Members, seed = 1): Float32Array {
  const target = new Float32Array(members.vectors[0]!.length);
  aggregate(spec, members, seed, target);
  return target;
}

function expectNear(actual: Float32Array, expected: readonly number[]): void {
  for (const [index, value] of actual.entries())
    expect(Math.abs(value - expected[index]!)).toBeLessThan(1e-6);
}

test('every function is tried here', () => {
  expect(specs.map(({ kind }) => kind)).toEqual(builtinAggregators);
});

describe.each(specs)('$kind', (spec) => {
  test('does not depend on the order of the members, to the last bit', () => {
    fc.assert(
      fc.property(
        drawn,
        fc.integer(),
        fc.double({ min: 0.001, max: 20, noNaN: true }),
        (size, shuffle, spread) => {
          const members = randomMembers(size.seed, size.count, size.length, spread);
          expect(result(spec, permuted(members, shuffle))).toEqual(result(spec, members));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('gives back what all agree on', () => {
    const { vectors } = randomMembers(5, 1, 2_500);
    const members = { vectors: Array.from({ length: 11 }, () => vectors[0]!), weights: Array(11).fill(1) };
    expectNear(result(spec, members), [...vectors[0]!]);
  });

  test('neither writes to the vectors nor needs more members than it says', () => {
    const members = randomMembers(8, membersMin(spec), 9);
    const before = members.vectors.map((vector) => vector.slice());
    expect(result(spec, members).every(Number.isFinite)).toBe(true);
    expect(members.vectors).toEqual(before);
  });

  test('stays among distinct signed zeros and equal values', () => {
    const vectors = Array.from({ length: 11 }, (_, index) => Float32Array.of(index % 2 === 0 ? 0 : -0, 1));
    const members = { vectors, weights: Array(11).fill(1) };
    expect(result(spec, permuted(members, 3))).toEqual(result(spec, members));
  });
});

describe.each(specs.filter((spec) => spec.kind !== 'geometricMedian'))('$kind', (spec) => {
  test('equals its plain form', () => {
    fc.assert(
      fc.property(drawn, ({ seed, count, length }) => {
        // Distances of single values tie too often for a choice to be the same in other arithmetic.
        const members = randomMembers(seed, count, length + 2);
        expectNear(result(spec, members), oracle(spec, members));
      }),
      { numRuns: 60 },
    );
  });
});

test('the geometric median has no better point near it', () => {
  fc.assert(
    fc.property(drawn, fc.integer(), ({ seed, count, length }, direction) => {
      const members = randomMembers(seed, count, length + 2);
      const centre = [...result({ kind: 'geometricMedian' }, members)];
      const step = randomMembers(direction, 1, length + 2, 0.1).vectors[0]!;
      const aside = centre.map((value, index) => value + step[index]!);
      expect(weightedDistances(centre, members)).toBeLessThan(weightedDistances(aside, members) + 1e-3);
    }),
    { numRuns: 100 },
  );
});

test.each(specs.filter((spec) => !keepsVectors(spec)))('$kind is the sum of a round', (spec) => {
  const members = randomMembers(4, 20, 300, 10);
  const sum = new Float64Array(300);
  const weightOf = (index: number): number => (spec.kind === 'mean' ? 1 : members.weights[index]!);
  for (const [index, vector] of members.vectors.entries()) accumulate(sum, vector, weightOf(index));
  const expected = new Float32Array(300);
  mean(
    sum,
    members.vectors.reduce((total, _, index) => total + weightOf(index), 0),
    expected,
  );
  expect(result(spec, members)).toEqual(expected);
});

describe('breaking points', () => {
  const length = 30;
  const lie = new Float32Array(length).fill(1_000);
  const honest = (count: number): Members => ({
    vectors: randomMembers(3, count, length, 0.1).vectors,
    weights: Array(count).fill(1),
  });
  /** How far from the honest mean 11 members end, of which so many lie. */
  const harm = (spec: AggregatorSpec, liars: number): number => {
    const members = honest(11);
    const truth = oracle({ kind: 'mean' }, honest(11));
    const aggregated = result(spec, withLiars(members, liars, lie));
    return Math.hypot(...truth.map((value, index) => value - aggregated[index]!));
  };

  test.each([
    { spec: { kind: 'trimmedMean', trim: 2 }, holds: 2, breaks: 3 },
    { spec: { kind: 'trimmedMean', trim: 5 }, holds: 5, breaks: 6 },
    { spec: { kind: 'median' }, holds: 5, breaks: 6 },
    { spec: { kind: 'geometricMedian' }, holds: 5, breaks: 6 },
    { spec: { kind: 'krum', faulty: 4 }, holds: 4, breaks: 6 },
    { spec: { kind: 'multiKrum', faulty: 4 }, holds: 4, breaks: 5 },
    { spec: { kind: 'bulyan', faulty: 2 }, holds: 2, breaks: 6 },
    { spec: { kind: 'centredClipping', radius: 0.5 }, holds: 5, breaks: 6 },
    { spec: { kind: 'median', before: { kind: 'nearestNeighbourMixing', faulty: 4 } }, holds: 4, breaks: 6 },
  ] as const)('$spec.kind holds with $holds of 11 and breaks with $breaks', ({ spec, holds, breaks }) => {
    expect(harm(spec, holds)).toBeLessThan(2);
    expect(harm(spec, breaks)).toBeGreaterThan(2);
  });

  test.each([{ kind: 'mean' }, { kind: 'weightedMean' }] as const)(
    '$kind breaks with a single liar',
    (spec) => {
      expect(harm(spec, 0)).toBeLessThan(1e-6);
      expect(harm(spec, 1)).toBeGreaterThan(1.5);
    },
  );

  test('clipping to the median norm bounds what a liar adds by an honest length', () => {
    const members = honest(11);
    const lengths = members.vectors.map((vector) => Math.hypot(...vector));
    const aggregated = result({ kind: 'medianNormClip' }, withLiars(members, 5, lie));
    expect(Math.hypot(...aggregated)).toBeLessThanOrEqual(Math.max(...lengths));
  });

  test('buckets spread a lie: with as many buckets spoiled as the median stands, it holds', () => {
    const spec = { kind: 'median', before: { kind: 'bucketing', size: 2 } } as const;
    expect(harm(spec, 2)).toBeLessThan(2);
    expect(harm(spec, 6)).toBeGreaterThan(2);
  });
});

describe('mixing before', () => {
  const combined = mixings.flatMap((before) => specs.map((spec) => ({ ...spec, before })));

  test.each(combined)(
    '$kind after $before.kind keeps what all agree on, and needs enough members',
    (spec) => {
      const { vectors } = randomMembers(5, 1, 70);
      const count = membersMin(spec);
      const weights = Array(count).fill(1);
      const members = { vectors: Array.from({ length: count }, () => vectors[0]!), weights };
      expectNear(result(spec, members), [...vectors[0]!]);
      expect(keepsVectors(spec)).toBe(true);
    },
  );

  test('buckets keep the weighted mean, whatever their seed', () => {
    fc.assert(
      fc.property(
        drawn,
        fc.integer(),
        fc.integer({ min: 1, max: 7 }),
        ({ seed, count, length }, draw, size) => {
          const members = randomMembers(seed, count, length);
          const spec = { kind: 'weightedMean', before: { kind: 'bucketing', size } } as const;
          expectNear(result(spec, members, draw), oracle({ kind: 'weightedMean' }, members));
        },
      ),
    );
  });

  test('the seed decides who shares a bucket', () => {
    const members = randomMembers(6, 20, 10);
    const spec = { kind: 'krum', faulty: 2, before: { kind: 'bucketing', size: 2 } } as const;
    expect(result(spec, members, 7)).toEqual(result(spec, members, 7));
    expect(result(spec, members, 8)).not.toEqual(result(spec, members, 7));
  });

  test('neighbours are mixed with whoever is nearest, whatever the order', () => {
    const spec = { kind: 'median', before: { kind: 'nearestNeighbourMixing', faulty: 3 } } as const;
    fc.assert(
      fc.property(drawn, fc.integer(), ({ seed, count, length }, shuffle) => {
        const members = randomMembers(seed, count, length);
        expect(result(spec, permuted(members, shuffle))).toEqual(result(spec, members));
      }),
      { numRuns: 40 },
    );
    const near = [0, 1, 2].map((value) => Float32Array.of(value));
    const members = { vectors: [...near, Float32Array.of(100)], weights: [1, 1, 1, 1] };
    const one = { kind: 'mean', before: { kind: 'nearestNeighbourMixing', faulty: 1 } } as const;
    // (1 + 1 + 1 + 103 / 3) / 4, all on the grid up to its maximum of 4.
    expect(result(one, members)[0]).toBeCloseTo((1 + 1 + 1 + (1 + 2 + 4) / 3) / 4, 6);
  });
});

describe('too few members', () => {
  test.each([
    [{ kind: 'krum', faulty: 2 }, 7],
    [{ kind: 'multiKrum', faulty: 3 }, 9],
    [{ kind: 'bulyan', faulty: 2 }, 11],
    [{ kind: 'trimmedMean', trim: 4 }, 9],
    [{ kind: 'median' }, 1],
    [{ kind: 'krum', faulty: 2, before: { kind: 'bucketing', size: 2 } }, 13],
    [{ kind: 'median', before: { kind: 'nearestNeighbourMixing', faulty: 3 } }, 7],
  ] as const)('%j needs %i', (spec, needed) => {
    expect(membersMin(spec)).toBe(needed);
    expect(() => result(spec, randomMembers(1, needed, 3))).not.toThrow();
    if (needed === 1) return;
    expect(() => result(spec, randomMembers(1, needed - 1, 3))).toThrow(
      expect.objectContaining({ code: 'tooFewMembers' }),
    );
  });
});

describe('an operator’s own function', () => {
  const largest = {
    membersMin: 3,
    aggregate(vectors: readonly Float32Array[], _weights: readonly number[], target: Float32Array): void {
      target.forEach((_, index) => {
        target[index] = Math.max(...vectors.map((vector) => vector[index]!));
      });
    },
  };

  test('sees vectors after they were mixed, and says how many it needs', () => {
    const vectors = [1, 2, 3, 4].map((value) => Float32Array.of(value));
    const target = new Float32Array(1);
    const spec = { kind: 'custom', name: 'largest' } as const;
    const members = { vectors, weights: [1, 1, 1, 1] };
    aggregate(spec, members, 1, target, largest);
    expect(target[0]).toBe(4);
    const bucketed = { ...spec, before: { kind: 'bucketing', size: 2 } } as const;
    expect(() => aggregate(bucketed, members, 1, target, largest)).toThrow(
      expect.objectContaining({ code: 'tooFewMembers' }),
    );
  });
});
