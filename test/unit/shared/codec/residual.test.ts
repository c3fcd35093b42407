import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createResidual } from '../../../../shared/codec/residual.ts';

/** Small multiples of 1/8: their sums are exact. */
const exact = fc.array(fc.integer({ min: -64, max: 64 }), { minLength: 3, maxLength: 3 });
const steps = fc.array(
  fc.record({ update: exact, decoded: exact, isCounted: fc.boolean(), settlesAfter: fc.nat({ max: 3 }) }),
  { maxLength: 12 },
);
const eighths = (values: readonly number[]): Float32Array => Float32Array.from(values, (value) => value / 8);
const carriedBy = (residual: ReturnType<typeof createResidual>): number[] => [
  ...residual.plus(new Float32Array(3)),
];

test('is the sum of what counted contributions left out, however late the answers come', () => {
  fc.assert(
    fc.property(steps, (contributions) => {
      const residual = createResidual(3);
      const open: { readonly at: number; readonly settle: () => void }[] = [];
      for (const [index, { update, decoded, isCounted, settlesAfter }] of contributions.entries()) {
        for (const { at, settle } of open) if (at <= index) settle();
        residual.plus(eighths(update));
        const departure = residual.leave(eighths(update), eighths(decoded));
        open.push({ at: index + settlesAfter, settle: () => departure.settle(isCounted) });
      }
      for (const { settle } of open.reverse()) settle();
      const expected = [0, 1, 2].map((index) =>
        contributions
          .filter(({ isCounted }) => isCounted)
          .reduce((sum, { update, decoded }) => sum + (update[index]! - decoded[index]!) / 8, 0),
      );
      expect(carriedBy(residual)).toEqual(expected);
    }),
  );
});

test('the order of the answers changes no bit, and a refusal leaves no trace', () => {
  const floats = fc.float32Array({ noNaN: true, min: -1, max: 1, minLength: 3, maxLength: 3 });
  const contributions = fc.array(fc.record({ update: floats, decoded: floats, isCounted: fc.boolean() }), {
    maxLength: 6,
  });
  const decays = fc.constantFrom(1, 0.9);
  fc.assert(
    fc.property(contributions, decays, fc.infiniteStream(fc.nat()), (all, decay, chances) => {
      const shuffled = createResidual(3, decay);
      const departures = all.map(({ update, decoded, isCounted }) => {
        shuffled.plus(update);
        const departure = shuffled.leave(update, decoded.slice());
        return () => departure.settle(isCounted);
      });
      while (departures.length > 0) {
        const [settle] = departures.splice(chances.next().value % departures.length, 1);
        settle?.();
      }
      const plain = createResidual(3, decay);
      for (const { update, decoded } of all.filter(({ isCounted }) => isCounted)) {
        plain.leave(update, decoded.slice()).settle(true);
      }
      expect(carriedBy(shuffled)).toEqual(carriedBy(plain));
    }),
  );
});

test('a refused contribution gives back the residual of before, to the bit', () => {
  const residual = createResidual(3);
  residual.leave(Float32Array.of(0.1, 0.2, 0.3), Float32Array.of(0.3, 0.1, 1e-9)).settle(true);
  const before = carriedBy(residual);
  const refused = residual.leave(Float32Array.of(1e9, 1, 0.7), Float32Array.of(-1e9, 0.1, 0.4));
  expect(carriedBy(residual)).not.toEqual(before);
  refused.settle(false);
  expect(carriedBy(residual)).toEqual(before);
});

test('only the first answer holds', () => {
  const residual = createResidual(1);
  const departure = residual.leave(Float32Array.of(2), Float32Array.of(1.5));
  departure.settle(true);
  departure.settle(false);
  expect(residual.plus(new Float32Array(1))).toEqual(Float32Array.of(0.5));
  expect(residual.squaredNorm()).toBe(0.25);
});

test('a momentum shrinks at each encoding', () => {
  const residual = createResidual(1, 0.5);
  residual.leave(Float32Array.of(4), new Float32Array(1)).settle(true);
  expect(residual.plus(Float32Array.of(1))).toEqual(Float32Array.of(3));
});
