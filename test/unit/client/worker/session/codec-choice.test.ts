import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseCodec } from '../../../../../client/worker/session/codec-choice.ts';
import { createUplinkMeter } from '../../../../../client/worker/session/uplink-meter.ts';

const sizes = [1_000_000, 100_000, 400_000, 10_000];
/** Seconds that a unit takes, at a megabyte a second: how many megabytes hide behind it. */
const seconds = (unitMs: number) => ({ bytesPerSecond: 1_000_000, unitMs });

describe('a worker sends with', () => {
  it.each([
    ['the codec in use while nothing was measured', 1, undefined, 1],
    ['the first that hides behind a unit', 0, seconds(500), 1],
    ['the preferred one when it hides', 3, seconds(1_400), 0],
    ['the smallest when none hides', 0, seconds(1), 3],
    ['the order of the job, not of the sizes', 0, seconds(600), 1],
    ['the codec in use when it almost fits', 0, seconds(850), 0],
    ['the next one when it does not', 0, seconds(800), 1],
    ['the codec in use when the better one only just fits', 1, seconds(1_200), 1],
  ])('%s', (_name, current, pace, expected) => {
    expect(chooseCodec(sizes, current, pace)).toBe(expected);
  });

  it('what fits, or the smallest; and one measurement never moves it twice', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 6 }),
        fc.nat(),
        fc.record({
          bytesPerSecond: fc.integer({ min: 1, max: 1_000 }),
          unitMs: fc.integer({ min: 1, max: 2_000 }),
        }),
        (bytes, start, pace) => {
          const chosen = chooseCodec(bytes, start % bytes.length, pace);
          const uploadMs = (bytes[chosen]! * 1_000) / pace.bytesPerSecond;
          expect(uploadMs <= 1.2 * pace.unitMs || bytes[chosen] === Math.min(...bytes)).toBe(true);
          expect(chooseCodec(bytes, chosen, pace)).toBe(chosen);
        },
      ),
    );
  });

  it('one codec while the uplink wavers by a fifth, and another when it halves', () => {
    let current = 0;
    for (let unit = 0; unit < 40; unit++) {
      const bytesPerSecond = 1_000_000 * (unit % 2 === 0 ? 0.8 : 1.2);
      current = chooseCodec(sizes, current, { bytesPerSecond, unitMs: 1_100 });
      expect(current).toBe(0);
    }
    expect(chooseCodec(sizes, current, { bytesPerSecond: 500_000, unitMs: 1_100 })).toBe(1);
  });
});

describe('the uplink', () => {
  it('is not known before the first upload', () => {
    const meter = createUplinkMeter();
    expect(meter.bytesPerSecond()).toBeUndefined();
    meter.begin(0)(0, 1_000);
    expect(meter.bytesPerSecond()).toBeUndefined();
  });

  it('is the bytes of the uploads over the time that some were under way', () => {
    const meter = createUplinkMeter();
    const first = meter.begin(0);
    const second = meter.begin(500);
    first(1_000, 1_000);
    second(1_000, 2_000);
    meter.begin(10_000)(500, 10_500);
    expect(meter.bytesPerSecond()).toBe(1_000);
  });

  it('does not take the round trip for the time that bytes need', () => {
    const meter = createUplinkMeter();
    meter.addRoundTrip(300);
    meter.addRoundTrip(100);
    meter.begin(0)(1_000, 600);
    expect(meter.bytesPerSecond()).toBe(2_000);
  });

  it('stays a number when no time seems to pass, and when the round trip was longer', () => {
    const meter = createUplinkMeter();
    meter.begin(5)(1_000, 5);
    expect(meter.bytesPerSecond()).toBe(1_000_000);
    meter.addRoundTrip(10_000);
    meter.begin(10)(1_000, 110);
    expect(meter.bytesPerSecond()).toBe(200_000);
  });

  it('follows a connection that changes', () => {
    const meter = createUplinkMeter();
    for (let upload = 0; upload < 20; upload++) {
      meter.begin(upload * 10_000)(1_000, upload * 10_000 + (upload < 10 ? 10 : 1_000));
    }
    expect(meter.bytesPerSecond()).toBe(1_000);
  });
});
