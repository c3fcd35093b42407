import fc from 'fast-check';
import { expect, it } from 'vitest';
import { curvePath } from '../../../../client/browser/curve-path.ts';

it('stays in its box, from the left edge to the right one', () => {
  const losses = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 2, maxLength: 50 });
  fc.assert(
    fc.property(losses, (values) => {
      const points = values.map((loss, index) => ({ round: index * 3, loss }));
      const { line, lowest, highest } = curvePath(points, 600, 140);
      const coordinates = line
        .split(/[ML]/)
        .slice(1)
        .map((pair) => pair.split(' ').map(Number));
      expect(coordinates).toHaveLength(points.length);
      expect(coordinates[0]?.[0]).toBe(0);
      expect(coordinates.at(-1)?.[0]).toBe(600);
      for (const [, y = Number.NaN] of coordinates) {
        expect(y).toBeGreaterThanOrEqual(0);
        expect(y).toBeLessThanOrEqual(140);
      }
      expect([lowest, highest]).toEqual([Math.min(...values), Math.max(...values)]);
    }),
  );
});

it('draws lower losses lower', () => {
  const { line } = curvePath(
    [
      { round: 0, loss: 2 },
      { round: 1, loss: 1 },
    ],
    100,
    100,
  );
  expect(line).toBe('M0.0 4.0L100.0 96.0');
});
