import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEdgeSums } from '../../../../../server/runtime/edge/edge-sums.ts';
import type { ReduceOrder } from '../../../../../server/runtime/edge/relay-messages.ts';
import { createLocalTrainer } from '../../../../../server/runtime/trainer/local-trainer.ts';
import { GradswarmError } from '../../../../../shared/base/errors.ts';
import { asLeaseId } from '../../../../../shared/base/ids.ts';
import { contribution, jobId, jobIn, memoryStores, train } from '../trainer/fixture.ts';

const relay = { epoch: 3, session: 1 };
const units = [0, 1, 2, 3];

/** A coordinator's trainer with the job opened. */
async function openTrainer() {
  const stores = memoryStores();
  const trainer = createLocalTrainer(stores);
  await trainer.open(jobIn(stores.blobs));
  return trainer;
}

function orderOf(unit: number, serial = 1): { readonly order: ReduceOrder; readonly payload: Uint8Array } {
  const { payload, ...rest } = contribution(0, unit);
  return { order: { ...rest, serial, leaseId: asLeaseId(`l${unit}`) }, payload };
}

async function openFollower() {
  const sums = createEdgeSums(await openTrainer());
  const reduce = ({ order, payload }: ReturnType<typeof orderOf>) => sums.reduce(relay, order, payload);
  return { sums, reduce };
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => (error instanceof GradswarmError ? error.code : error));

describe('sums of followers', () => {
  it('give the bits of one coordinator, whoever sums what', async () => {
    const alone = await openTrainer();
    const expected = (await train(alone, [0])).parametersHash;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }), async (places) => {
        const leader = await openTrainer();
        const followers = [await openFollower(), await openFollower()];
        const partials: { weight: number; bytes: Uint8Array }[] = [];
        for (const unit of units.toReversed()) {
          const follower = followers[(places[unit] ?? 0) - 1];
          const outcome = await (follower?.reduce(orderOf(unit)) ?? leader.reduce(contribution(0, unit)));
          expect(outcome.accepted).toBe(true);
        }
        for (const [index, { sums }] of followers.entries()) {
          const own = units.filter((unit) => places[unit] === index + 1);
          if (own.length === 0) continue;
          const bytes = await sums.collect({ ...relay, jobId, serial: 1, units: own, weight: own.length });
          partials.push({ weight: own.length, bytes });
        }
        const { parametersHash } = await leader.storeRound(jobId, 0, units.length, partials);
        expect(parametersHash).toBe(expected);
      }),
      { numRuns: 20 },
    );
  });

  it('are given only for exactly the units that the leader has counted', async () => {
    const { sums, reduce } = await openFollower();
    await reduce(orderOf(0));
    await reduce(orderOf(1));
    const request = { ...relay, jobId, serial: 1, units: [0, 1], weight: 2 };
    for (const wrong of [
      { units: [0] },
      { units: [0, 2] },
      { weight: 3 },
      { serial: 2 },
      { session: 2 },
      { epoch: 4 },
    ]) {
      expect(await codeOf(sums.collect({ ...request, ...wrong }))).toBe('conflict');
    }
    expect(await sums.collect(request)).toBeInstanceOf(Uint8Array);
  });

  it('begin anew with the round', async () => {
    const { sums, reduce } = await openFollower();
    await reduce(orderOf(0, 1));
    await reduce(orderOf(2, 2));
    const request = { ...relay, jobId, serial: 2, units: [2], weight: 1 };
    const other = await openFollower();
    await other.reduce(orderOf(2, 2));
    expect(await sums.collect(request)).toEqual(await other.sums.collect(request));
  });

  it('hold nothing of a payload that is refused', async () => {
    const { sums, reduce } = await openFollower();
    await reduce(orderOf(0));
    const { order, payload } = orderOf(1);
    expect(await reduce({ order: { ...order, normMax: 1e-9 }, payload })).toMatchObject({
      code: 'normTooLarge',
    });
    expect(await reduce({ order, payload: payload.slice(1) })).toMatchObject({ code: 'wrongLength' });
    await expect(sums.collect({ ...relay, jobId, serial: 1, units: [0], weight: 1 })).resolves.toBeDefined();
  });
});

describe('the leader', () => {
  it('refuses bytes that are no sum, and what weighs more than a round may', async () => {
    const leader = await openTrainer();
    const { sums, reduce } = await openFollower();
    await reduce(orderOf(0));
    const bytes = await sums.collect({ ...relay, jobId, serial: 1, units: [0], weight: 1 });
    expect(await codeOf(leader.storeRound(jobId, 0, 1, [{ weight: 1, bytes: bytes.slice(1) }]))).toMatch(
      /wrongLength|badRequest/,
    );
    expect(await codeOf(leader.storeRound(jobId, 0, 1, [{ weight: 2_000, bytes }]))).toBe('badRequest');
    await expect(leader.storeRound(jobId, 0, 1, [{ weight: 1, bytes }])).resolves.toMatchObject({
      finite: true,
    });
  });
});
