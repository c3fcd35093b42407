import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../../../shared/base/limits.ts';
import { type LinkSpeed, orderByBandwidth } from '../../../../../shared/sync/ring/ring-order.ts';
import { ringTimeoutMs, ringUploadTimeoutMs } from '../../../../../shared/sync/ring/ring-timeout.ts';

function speedsOf(table: Readonly<Record<string, number>>): LinkSpeed {
  return (from, to) => table[`${from}${to}`];
}

const slowest = (ring: readonly string[], speed: LinkSpeed): number =>
  Math.min(...ring.map((from, index) => speed(from, ring[(index + 1) % ring.length] ?? '') ?? 0));

function orders(members: readonly string[]): readonly (readonly string[])[] {
  if (members.length < 2) return [members];
  return members.flatMap((first) =>
    orders(members.filter((other) => other !== first)).map((rest) => [first, ...rest]),
  );
}

describe('the order of a ring', () => {
  it.each<[string, Record<string, number>, string]>([
    ['the ids when nothing was measured', {}, 'abcd'],
    ['another one where a link is slow', { ab: 1, bc: 9, cd: 9, da: 9 }, 'acbd'],
    ['the one that was, where all are equal', { ab: 9, bc: 9, cd: 9, da: 9 }, 'abcd'],
    [
      'one around the slow pair',
      { ab: 9, ba: 9, ac: 1, ca: 1, bc: 9, cb: 9, cd: 9, dc: 9, ad: 9, da: 9, bd: 1, db: 1 },
      'abcd',
    ],
  ])('is %s', (_, table, expected) => {
    for (const members of ['abcd', 'dcba', 'cadb']) {
      expect(orderByBandwidth([...members], speedsOf(table)).join('')).toBe(expected);
    }
  });

  it('has all members, and a slowest link no slower than that of the plain order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 100 })),
        (count, stream) => {
          const members = Array.from({ length: count }, (_, index) => `w${String(index).padStart(2, '0')}`);
          const table = new Map<string, number>();
          for (const from of members)
            for (const to of members) table.set(from + to, stream.next().value ?? 1);
          const speed: LinkSpeed = (from, to) => table.get(from + to);
          const ring = orderByBandwidth(members, speed);
          expect(ring.toSorted()).toEqual(members);
          if (count <= 7) expect(slowest(ring, speed)).toBeGreaterThanOrEqual(slowest(members, speed));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('keeps two apart wherever there is a ring that does, whatever was measured', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 7 }),
        fc.infiniteStream(fc.constantFrom(undefined, undefined, 0, 3, 9)),
        (count, stream) => {
          const members = Array.from({ length: count }, (_, index) => `w${index}`);
          const table = new Map<string, number | undefined>();
          for (const from of members) {
            for (const to of members) {
              const known = stream.next().value;
              // A way is missing both ways.
              table.set(from + to, table.get(to + from) === 0 || known === 0 ? 0 : known);
              if (known === 0) table.set(to + from, 0);
            }
          }
          const speed: LinkSpeed = (from, to) => table.get(from + to);
          const isWhole = (ring: readonly string[]): boolean =>
            ring.every((from, at) => speed(from, ring[(at + 1) % ring.length] ?? '') !== 0);
          expect(isWhole(orderByBandwidth(members, speed))).toBe(orders(members).some(isWhole));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('swaps members of a large ring away from a link that holds all up', () => {
    const members = Array.from({ length: 12 }, (_, index) => String.fromCharCode(97 + index));
    const speed: LinkSpeed = (from, to) => (from === 'l' && to < 'f' ? 1 : 10);
    expect(slowest(orderByBandwidth(members, speed), speed)).toBe(10);
  });
});

describe('the time of an exchange', () => {
  it('grows with the bytes of a link and stays between its bounds', () => {
    expect(ringTimeoutMs(0, 4)).toBe(limits.ringTimeoutMsMin);
    expect(ringTimeoutMs(1_000_000, 2, 8_000_000)).toBe(limits.ringTimeoutMsMin + 4_000);
    expect(ringUploadTimeoutMs(1_000_000, 8_000_000)).toBe(limits.ringTimeoutMsMin + 4_000);
    expect(ringTimeoutMs(100_000_000, 8)).toBe(limits.ringTimeoutMsMax);
  });
});
