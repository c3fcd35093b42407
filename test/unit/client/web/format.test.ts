import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatLoss,
  formatPercent,
  formatPlural,
  formatRate,
} from '../../../../client/web/format.ts';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [950, '950 B'],
    [999, '999 B'],
    [1_000, '1 kB'],
    [1_234_567, '1.23 MB'],
    [999_600, '1 MB'],
    [54_950_000_000, '55 GB'],
  ])('%d is %s', (bytes, words) => expect(formatBytes(bytes)).toBe(words));
});

describe('formatRate', () => {
  it.each([
    [0, '0'],
    [0.0512, '0.0512'],
    [56.72, '56.7'],
    [99.97, '100'],
    [7135.3, '7,135'],
  ])('%d is %s', (rate, words) => expect(formatRate(rate)).toBe(words));
});

describe('formatDuration', () => {
  it.each([
    [400, '0 s'],
    [59_600, '1 min'],
    [200_000, '3 min 20 s'],
    [3_600_000, '1 h'],
    [7_500_000, '2 h 5 min'],
    [86_399_000, '1 d'],
    [356_400_000, '4 d 3 h'],
  ])('%d ms is %s', (durationMs, words) => expect(formatDuration(durationMs)).toBe(words));
});

describe('formatPercent', () => {
  it.each([
    [0, 1, '0.0 %'],
    [0.9731, 1, '97.3 %'],
    [0.29, 0, '29 %'],
    [0.99999, 1, '99.9 %'],
    [1, 1, '100.0 %'],
  ])('%d with %d digits is %s', (fraction, digits, words) =>
    expect(formatPercent(fraction, digits)).toBe(words),
  );

  it('says 100 % of nothing less than everything', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        fc.integer({ min: 0, max: 3 }),
        (fraction, digits) => {
          expect(formatPercent(fraction, digits)).not.toMatch(/^100/);
        },
      ),
    );
  });
});

describe('formatLoss', () => {
  it.each([
    [2.4567891, '2.4568'],
    [0, '0.0000'],
    [0.00001234, '1.23e-5'],
    [45.678, '45.68'],
    [1_234_567, '1.23e+6'],
  ])('%d is %s', (loss, words) => expect(formatLoss(loss)).toBe(words));
});

describe('what is not known', () => {
  it.each([formatBytes, formatCount, formatRate, formatDuration, formatPercent, formatLoss])(
    'is a dash',
    (format) => {
      expect(format(Number.NaN)).toBe('–');
      expect(format(Number.POSITIVE_INFINITY)).toBe('–');
    },
  );
});

it('formatPlural counts', () => {
  expect(formatPlural(1, 'worker')).toBe('1 worker');
  expect(formatPlural(1_200, 'worker')).toBe('1,200 workers');
});
