import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GradswarmError } from '../../../../shared/base/errors.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { decodeFrame, encodeFrame, frameKinds } from '../../../../shared/protocol/frame.ts';

const request = {
  call: 7,
  kind: frameKinds.REQUEST,
  method: 'WorkerService/Contribute',
  message: new Uint8Array([8, 1]),
  payloadBytes: 5,
  payloadChecksum: 0x470b99f4,
};

const codeOf = (bytes: Uint8Array): string => {
  try {
    decodeFrame(bytes);
  } catch (error) {
    if (error instanceof GradswarmError) return error.code;
    throw error;
  }
  return 'decoded';
};

describe('a frame', () => {
  test('survives the round trip, with its payload at a multiple of 8', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 0xffffffff }),
        fc.string(),
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ maxLength: 300 }),
        (call, method, message, payload) => {
          const bytes = encodeFrame({ call, kind: frameKinds.REQUEST, method, message }, payload);
          const frame = decodeFrame(bytes);
          expect(frame.envelope).toMatchObject({ call, kind: frameKinds.REQUEST, method });
          expect(Buffer.from(frame.envelope.message).equals(message)).toBe(true);
          expect(Buffer.from(frame.payload).equals(payload)).toBe(true);
          expect(frame.payload.byteOffset % 8).toBe(0);
          expect(frame.payload.buffer).toBe(bytes.buffer);
        },
      ),
    );
  });

  test('is refused when it is cut anywhere before its payload', () => {
    const bytes = encodeFrame(request, new Uint8Array(5));
    const start = bytes.length - 5;
    for (let length = 0; length < start; length++)
      expect(codeOf(bytes.subarray(0, length))).toBe('malformedFrame');
  });

  test('is refused with padding that is not zero', () => {
    const bytes = encodeFrame({ ...request, message: new Uint8Array(1) }, new Uint8Array(0));
    const headerBytes = new DataView(bytes.buffer).getUint32(0, true);
    expect(bytes.length).toBeGreaterThan(4 + headerBytes);
    bytes[bytes.length - 1] = 1;
    expect(codeOf(bytes)).toBe('malformedFrame');
  });

  test('is refused without a call', () => {
    expect(codeOf(encodeFrame({ ...request, call: 0 }))).toBe('malformedFrame');
  });

  test('is refused above the limits of header, payload and frame, on both sides', () => {
    const lyingHeader = new Uint8Array(16);
    new DataView(lyingHeader.buffer).setUint32(0, 0xffffffff, true);
    expect(codeOf(lyingHeader)).toBe('tooLarge');
    expect(codeOf(new Uint8Array(limits.frameBytesMax + 1))).toBe('tooLarge');
    const header = encodeFrame(request);
    const long = new Uint8Array(header.length + limits.frameChunkBytesMax + 1);
    long.set(header);
    expect(codeOf(long)).toBe('tooLarge');
    expect(() => encodeFrame(request, new Uint8Array(limits.frameChunkBytesMax + 1))).toThrow(
      'frame payload',
    );
    expect(() => encodeFrame({ ...request, message: new Uint8Array(limits.frameHeaderBytesMax) })).toThrow(
      'frame header',
    );
  });

  test('that is as large as allowed fits into one message', () => {
    const message = new Uint8Array(limits.frameHeaderBytesMax - 64);
    const bytes = encodeFrame({ ...request, message }, new Uint8Array(limits.frameChunkBytesMax));
    expect(bytes.length).toBeLessThanOrEqual(limits.frameBytesMax);
    expect(codeOf(bytes)).toBe('decoded');
  });
});

test('mutated frames are decoded or refused with a code, never worse', () => {
  const original = encodeFrame(request, new Uint8Array([1, 2, 3, 4, 5]));
  const mutation = fc.record({ at: fc.nat(original.length - 1), to: fc.nat(255) });
  fc.assert(
    fc.property(
      fc.array(mutation, { minLength: 1, maxLength: 6 }),
      fc.nat(original.length),
      (mutations, cut) => {
        const bytes = original.slice();
        for (const { at, to } of mutations) bytes[at] = to;
        expect(['decoded', 'malformedFrame', 'tooLarge']).toContain(codeOf(bytes));
        expect(['decoded', 'malformedFrame', 'tooLarge']).toContain(codeOf(bytes.subarray(cut)));
      },
    ),
    { numRuns: 20_000 },
  );
});
