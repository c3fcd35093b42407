import { describe, expect, it } from 'vitest';
import { forecastRound } from '../../../../server/core/forecast.ts';

/** Evaluations of an error that falls exactly as `0.5 / round`. */
const history = [0, 10, 20, 40].map((round) => ({
  round,
  testAccuracy: round === 0 ? 0.1 : 1 - 0.5 / round,
}));

describe('forecastRound', () => {
  it('follows a power law to the evaluation at which the accuracy is reached', () => {
    // The error reaches 0.005 in round 100.
    expect(forecastRound(history, 0.995, 10)).toBe(100);
    expect(forecastRound(history, 0.995, 30)).toBe(120);
  });

  it('says where an accuracy was reached', () => {
    expect(forecastRound(history, 0.9, 10)).toBe(40);
  });

  it('says nothing before the second evaluation, for an error that does not fall, and for perfection', () => {
    expect(forecastRound(history.slice(0, 2), 0.99, 10)).toBeUndefined();
    expect(forecastRound([...history, { round: 80, testAccuracy: 0.2 }], 0.99, 10)).toBeUndefined();
    expect(forecastRound(history, 1, 10)).toBeUndefined();
  });
});
