import fc from 'fast-check';
import { expect, test } from 'vitest';
import { limits } from '../../../../shared/base/limits.ts';
import { crc32 } from '../../../../shared/protocol/checksum.ts';
import { encodeFrame, frameKinds } from '../../../../shared/protocol/frame.ts';
import { createLinkPair } from '../../../../shared/protocol/memory-link.ts';
import { createPayloadBudget } from '../../../../shared/protocol/payload-in.ts';
import { createRpcClient } from '../../../../shared/protocol/rpc-client.ts';
import { workerService } from '../../../../shared/protocol/services.ts';
import { systemTimers } from '../../../../shared/system/system-timers.ts';
import { connectServer, noise } from './rpc-fixture.ts';

const part = limits.frameChunkBytesMin;
const payloadMax = 3 * part;

/** Frames near the edge of what a client may send: real methods, real payloads, and everything slightly wrong. */
const frames = fc.array(
  fc.record({
    call: fc.integer({ min: 1, max: 3 }),
    kind: fc.constantFrom(
      ...Object.values(frameKinds),
      frameKinds.REQUEST,
      frameKinds.CHUNK,
      frameKinds.CHUNK,
    ),
    method: fc.constantFrom(
      'WorkerService/Contribute',
      'WorkerService/Lease',
      'WorkerService/WatchParameters',
      'x',
      '',
    ),
    message: fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 20 })),
    payloadBytes: fc.constantFrom(0, part, payloadMax, payloadMax + 1, 0xffffffff),
    payloadOffset: fc.constantFrom(0, part, 2 * part, 0xffffffff),
    payload: fc.constantFrom(0, 1, part, payloadMax),
    isSummed: fc.boolean(),
  }),
  { minLength: 1, maxLength: 20 },
);

test('no sequence of frames crashes the server, holds memory, or goes past the budget', async () => {
  let reserved = 0;
  let reservedMax = 0;
  const inner = createPayloadBudget(10 * payloadMax);
  const budget = {
    reserve(bytes: number) {
      if (!inner.reserve(bytes)) return false;
      reserved += bytes;
      reservedMax = Math.max(reservedMax, reserved);
      return true;
    },
    release(bytes: number) {
      inner.release(bytes);
      reserved -= bytes;
    },
  };
  await fc.assert(
    fc.asyncProperty(frames, async (sequence) => {
      const { serve, defects } = connectServer(
        {
          contribute: { payloadBytesMax: () => payloadMax, answer: () => ({ message: {} }) },
          lease: { answer: () => new Promise(() => {}) },
          watchParameters: {
            async *answer() {
              yield { message: {}, payload: noise(10) };
            },
          },
        },
        undefined,
        budget,
      );
      const [raw, serverLink] = createLinkPair();
      const { closed } = serve(serverLink);
      for (const { payload: size, isSummed, ...envelope } of sequence) {
        const payload = noise(size);
        raw.send(encodeFrame({ ...envelope, payloadChecksum: isSummed ? crc32(payload) : 0 }, payload));
      }
      raw.close();
      await closed;
      expect(defects).toEqual([]);
      await new Promise((resolve) => setImmediate(resolve));
      expect(reserved).toBe(0);
    }),
    { numRuns: 500 },
  );
  expect(reservedMax).toBeGreaterThan(0);
  expect(reservedMax).toBeLessThanOrEqual(10 * payloadMax);
});

test('no sequence of frames from a server leaves a caller waiting once the link is closed', async () => {
  await fc.assert(
    fc.asyncProperty(frames, async (sequence) => {
      const [clientLink, serverLink] = createLinkPair();
      const client = createRpcClient(clientLink, { timers: systemTimers });
      const calls = [
        client.unary(workerService.method.lease, {}),
        client.unary(workerService.method.getParameters, {}),
        (async () => {
          for await (const _ of client.stream(workerService.method.watchParameters, {}));
        })(),
      ];
      for (const { payload: size, isSummed, ...envelope } of sequence) {
        const payload = noise(size);
        serverLink.send(
          encodeFrame({ ...envelope, payloadChecksum: isSummed ? crc32(payload) : 0 }, payload),
        );
      }
      serverLink.close();
      await Promise.allSettled(calls);
      expect((await client.closed).code).toBe(1000);
    }),
    { numRuns: 300 },
  );
});
