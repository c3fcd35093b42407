import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GradswarmError } from '../../../../shared/base/errors.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { crc32 } from '../../../../shared/protocol/checksum.ts';
import { decodeFrame, encodeFrame } from '../../../../shared/protocol/frame.ts';
import { beginPayload, createPayloadBudget } from '../../../../shared/protocol/payload-in.ts';
import { noise } from './rpc-fixture.ts';

const part = limits.frameChunkBytesMin;

function begin(
  total: number,
  first: Uint8Array,
  checksum = 0,
  budget = createPayloadBudget(1e9),
  bytesMax = 1e9,
) {
  const frame = encodeFrame({ call: 1, payloadBytes: total, payloadChecksum: checksum });
  return beginPayload(decodeFrame(frame).envelope, first, bytesMax, budget, crc32);
}

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'done';
  } catch (error) {
    return error instanceof GradswarmError ? error.code : String(error);
  }
};

describe('a payload', () => {
  test('is joined from any cut that the rule allows', () => {
    const cuts = fc.array(fc.integer({ min: part, max: 3 * part }), { maxLength: 5 });
    fc.assert(
      fc.property(cuts, fc.nat(part), (sizes, rest) => {
        const bytes = noise(sizes.reduce((sum, size) => sum + size, 0) + rest);
        const [head = rest, ...others] = sizes;
        const payload = begin(bytes.length, bytes.subarray(0, head), crc32(bytes));
        let offset = head;
        for (const size of [...others, rest]) {
          if (payload.complete) break;
          payload.add(offset, bytes.subarray(offset, offset + size));
          offset += size;
        }
        expect(payload.complete).toBe(true);
        expect(Buffer.compare(payload.take(), bytes)).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test('is refused before memory is taken: too large, or no room', () => {
    const budget = createPayloadBudget(100);
    expect(codeOf(() => begin(101, new Uint8Array(0), 0, budget, 100))).toBe('tooLarge');
    const held = begin(60, new Uint8Array(60), 0, budget);
    expect(codeOf(() => begin(60, new Uint8Array(60), 0, budget))).toBe('unavailable');
    held.discard();
    held.discard();
    expect(codeOf(() => begin(100, new Uint8Array(100), 0, budget))).toBe('done');
    expect(codeOf(() => begin(1, new Uint8Array(1), 0, budget))).toBe('unavailable');
  });

  test('is refused with gaps, overlaps, crumbs, and more than was announced', () => {
    const start = () => begin(3 * part, noise(part));
    expect(codeOf(() => begin(5, noise(6)))).toBe('wrongLength');
    expect(codeOf(() => begin(3 * part, noise(part - 1)))).toBe('wrongLength');
    expect(codeOf(() => start().add(part + 1, noise(part)))).toBe('wrongLength');
    expect(codeOf(() => start().add(0, noise(part)))).toBe('wrongLength');
    expect(codeOf(() => start().add(part, noise(2 * part + 1)))).toBe('wrongLength');
    expect(codeOf(() => start().add(part, noise(1)))).toBe('wrongLength');
    expect(codeOf(() => start().add(part, noise(0)))).toBe('wrongLength');
  });

  test('is refused when a bit has flipped, whole or in parts', () => {
    const bytes = noise(2 * part);
    const sum = crc32(bytes);
    const wrong = (sum ^ 1) >>> 0;
    expect(codeOf(() => begin(bytes.length, bytes, sum).take())).toBe('done');
    expect(codeOf(() => begin(bytes.length, bytes, wrong).take())).toBe('checksumMismatch');
    const joined = begin(bytes.length, bytes.subarray(0, part), wrong);
    joined.add(part, bytes.subarray(part));
    expect(codeOf(() => joined.take())).toBe('checksumMismatch');
  });

  test('is counted in the budget of its connection and in that of all', () => {
    const all = createPayloadBudget(100);
    const [one, other] = [createPayloadBudget(80, all), createPayloadBudget(80, all)];
    expect(one.reserve(81)).toBe(false);
    expect(one.reserve(80)).toBe(true);
    expect(other.reserve(21)).toBe(false);
    one.release(80);
    expect(other.reserve(80)).toBe(true);
  });
});
