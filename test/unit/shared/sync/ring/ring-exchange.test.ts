import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../../../shared/base/limits.ts';
import { crc32 } from '../../../../../shared/protocol/checksum.ts';
import { createRingExchange, type RingExchange } from '../../../../../shared/sync/ring/ring-exchange.ts';
import type { RingLayout } from '../../../../../shared/sync/ring/ring-layout.ts';
import {
  decodeRingMessage,
  encodeRingMessage,
  type RingMessage,
  ringHeaderBytes,
} from '../../../../../shared/sync/ring/ring-message.ts';
import { accumulate, mean } from '../../../../../shared/tensor/grid.ts';
import { packedBytesMax, packSums } from '../../../../../shared/tensor/packed-sums.ts';

const identity = { epoch: 3, round: 7, ringId: 0xdead_beef, ringEpoch: 2 };

function ringOf(
  sums: readonly Float64Array[],
  segmentValues: number,
  weight: number,
): readonly RingExchange[] {
  const length = sums[0]?.length ?? 0;
  const layout: RingLayout = { members: sums.length, length, segmentValues };
  return sums.map((sum, position) =>
    createRingExchange({ identity, layout, position, sum, weight, checksum: crc32 }),
  );
}

/** Delivers messages in an order that `pick` chooses; each channel keeps its own order. */
function runRing(ring: readonly RingExchange[], pick: (below: number) => number): void {
  const channels = ring.map((): Uint8Array[] => []);
  for (;;) {
    ring.forEach((member, position) => {
      for (let message = member.next(); message; message = member.next()) channels[position]?.push(message);
    });
    const busy = channels.flatMap((channel, position) => (channel.length > 0 ? [position] : []));
    if (busy.length === 0) return;
    const from = busy[pick(busy.length)] ?? 0;
    const message = channels[from]?.shift();
    if (message !== undefined) ring[(from + 1) % ring.length]?.receive(message);
  }
}

describe('an exchange', () => {
  it("gives every member the server's bits, for any members, units, segments and order of delivery", () => {
    const setup = fc.record({
      members: fc.integer({ min: 2, max: 7 }),
      length: fc.integer({ min: 0, max: 40 }),
      segmentValues: fc.integer({ min: 1, max: 9 }),
      owners: fc.array(fc.nat(), { minLength: 1, maxLength: 12 }),
      picks: fc.infiniteStream(fc.nat()),
      values: fc.infiniteStream(fc.float({ min: -5, max: 5, noNaN: true })),
    });
    fc.assert(
      fc.property(setup, ({ members, length, segmentValues, owners, picks, values }) => {
        const server = new Float64Array(length);
        const sums = Array.from({ length: members }, () => new Float64Array(length));
        for (const owner of owners) {
          const update = Float32Array.from({ length }, () => values.next().value ?? 0);
          accumulate(server, update, 1);
          accumulate(sums[owner % members] ?? server, update, 1);
        }
        const ring = ringOf(sums, segmentValues, owners.length);
        runRing(ring, (below) => (picks.next().value ?? 0) % below);
        const expected = new Float32Array(length);
        mean(server, owners.length, expected);
        for (const [position, sum] of sums.entries()) {
          expect(ring[position]?.isDone).toBe(true);
          expect(Buffer.from(packSums(sum)).equals(Buffer.from(packSums(server)))).toBe(true);
          const actual = new Float32Array(length);
          mean(sum, owners.length, actual);
          expect(Buffer.from(actual.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('sends 2 (n - 1) / n of the vector from each member', () => {
    const sums = Array.from({ length: 4 }, () => new Float64Array(400).fill(0.5));
    const values = sums.map(() => 0);
    const ring = ringOf(sums, 10, 4);
    const counted = ring.map((member, position) => ({
      ...member,
      get isDone() {
        return member.isDone;
      },
      get segmentsMissing() {
        return member.segmentsMissing;
      },
      next() {
        const bytes = member.next();
        if (bytes) values[position] = (values[position] ?? 0) + decodeRingMessage(bytes, crc32).count;
        return bytes;
      },
    }));
    runRing(counted, () => 0);
    expect(values).toEqual([600, 600, 600, 600]);
    expect(sums[2]?.every((value) => value === 2)).toBe(true);
  });
});

describe('a message', () => {
  it('is read as it was written, and fits a data channel', () => {
    const message: RingMessage = {
      ...identity,
      position: 1,
      step: 2,
      start: 30,
      count: 4,
      payload: Uint8Array.of(0, 0),
    };
    const bytes = encodeRingMessage(message, crc32);
    expect(decodeRingMessage(bytes, crc32)).toEqual(message);
    const largest = ringHeaderBytes + packedBytesMax(limits.ringSegmentValues);
    expect(largest).toBeLessThanOrEqual(limits.ringMessageBytesMax);
  });
});

describe('what a member refuses', () => {
  const zeros = (count: number): Uint8Array => packSums(new Float64Array(count));
  /** What the predecessor of position 0 in a ring of three over 9 values sends first. */
  const first: RingMessage = { ...identity, position: 2, step: 0, start: 6, count: 2, payload: zeros(2) };
  const member = (): RingExchange => {
    const sum = new Float64Array(9).fill(1);
    const layout = { members: 3, length: 9, segmentValues: 2 };
    return createRingExchange({ identity, layout, position: 0, sum, weight: 3, checksum: crc32 });
  };

  it.each<[string, Partial<RingMessage>, string]>([
    ['another leader', { epoch: 4 }, 'staleEpoch'],
    ['another round', { round: 8 }, 'wrongRound'],
    ['another opening of the round', { ringId: 1 }, 'wrongRound'],
    ['an earlier ring epoch', { ringEpoch: 1 }, 'staleRing'],
    ['another sender', { position: 1 }, 'wrongChunk'],
    ['a step beyond the last', { step: 4 }, 'wrongChunk'],
    ['another chunk', { start: 3 }, 'wrongChunk'],
    ['a start between segments', { start: 7 }, 'wrongChunk'],
    ['another count', { count: 1 }, 'wrongChunk'],
    ['a sum that is gathered before it can be known', { step: 2, start: 0 }, 'wrongChunk'],
    ['a short payload', { payload: zeros(2).subarray(0, 1) }, 'wrongLength'],
    ['a long payload', { payload: Uint8Array.of(0, 0, 0) }, 'wrongLength'],
    ['more than three updates can add up to', { payload: packSums(Float64Array.of(12, 0)) }, 'badRequest'],
  ])('%s', (_, change, code) => {
    const exchange = member();
    const missing = exchange.segmentsMissing;
    const bytes = encodeRingMessage({ ...first, ...change }, crc32);
    expect(() => exchange.receive(bytes)).toThrow(expect.objectContaining({ code }));
    expect(exchange.segmentsMissing).toBe(missing);
    exchange.receive(encodeRingMessage(first, crc32));
    expect(exchange.segmentsMissing).toBe(missing - 1);
  });

  it('a segment that came already', () => {
    const exchange = member();
    const bytes = encodeRingMessage(first, crc32);
    exchange.receive(bytes);
    expect(() => exchange.receive(bytes)).toThrow(expect.objectContaining({ code: 'duplicate' }));
  });

  it('any damaged bytes', () => {
    const bytes = encodeRingMessage(first, crc32);
    const codes = new Set(['checksumMismatch', 'malformedFrame']);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        try {
          member().receive(damaged);
          expect.unreachable('damage is seen');
        } catch (error) {
          expect(codes).toContain((error as { code?: string }).code);
        }
      }),
    );
    expect(() => member().receive(bytes.subarray(0, 39))).toThrow(
      expect.objectContaining({ code: 'malformedFrame' }),
    );
  });
});
