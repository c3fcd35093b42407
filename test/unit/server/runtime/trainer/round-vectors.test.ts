import { describe, expect, test } from 'vitest';
import type { Trainer, TrainerJob } from '../../../../../server/runtime/ports.ts';
import type { CustomAggregators } from '../../../../../server/runtime/trainer/custom-aggregators.ts';
import { createLocalTrainer } from '../../../../../server/runtime/trainer/local-trainer.ts';
import { RoundVectors } from '../../../../../server/runtime/trainer/round-vectors.ts';
import { mixSeed } from '../../../../../shared/base/random.ts';
import { aggregate } from '../../../../../shared/sync/aggregators/aggregators.ts';
import { floatsOf } from '../../../../../shared/tensor/bytes.ts';
import { createManifest } from '../../../../../shared/tensor/manifest.ts';
import {
  contribution,
  jobId,
  jobIn,
  length,
  memoryStores,
  tensors,
  train,
  unitsPerRound,
  vector,
} from './fixture.ts';

async function opened(aggregator: TrainerJob['aggregator'], customs?: CustomAggregators) {
  const stores = memoryStores();
  const trainer = createLocalTrainer(stores, customs);
  const job = jobIn(stores.blobs, aggregator === undefined ? {} : { aggregator });
  await trainer.open(job);
  return { trainer, stores, job };
}

async function reduceAll(trainer: Trainer, units: readonly number[]): Promise<void> {
  for (const unit of units) {
    expect(await trainer.reduce(contribution(0, unit, { kind: 'float32' }))).toMatchObject({
      accepted: true,
    });
  }
}

const reverse = (units: number[]): number[] => units.reverse();
const thrown = (code: string, message: RegExp) =>
  expect.objectContaining({ name: 'GradswarmError', code, message: expect.stringMatching(message) });

describe('a round whose vectors are kept', () => {
  const aggregators = [
    { kind: 'median' },
    { kind: 'krum', faulty: 0 },
    { kind: 'weightedMean', before: { kind: 'bucketing', size: 3 } },
    { kind: 'geometricMedian', before: { kind: 'nearestNeighbourMixing', faulty: 1 } },
  ] as const;

  test.each(aggregators)('gives the same bits in any order of arrival: %j', async (aggregator) => {
    const one = await train((await opened(aggregator)).trainer, [0, 1, 2]);
    const other = await train((await opened(aggregator)).trainer, [0, 1, 2], reverse);
    expect(other).toEqual(one);
  });

  test.each(aggregators)('is replayed from its aggregate to the same bits: %j', async (aggregator) => {
    const { trainer, stores, job } = await opened(aggregator);
    const { history, parametersHash } = await train(trainer, [0, 1, 2]);
    // Whoever replays or follows asks no aggregator.
    const { aggregator: _, ...plain } = job;
    const reopened = createLocalTrainer(stores);
    expect(await reopened.open({ ...plain, plan: { ...job.plan, replay: history } })).toEqual({
      version: 3,
      parametersHash,
    });
    const follower = createLocalTrainer(stores);
    await follower.open(job);
    for (const { round, aggregateHash } of history) await follower.followRound(jobId, round, aggregateHash);
    expect((await follower.snapshot(jobId)).parametersHash).toBe(parametersHash);
  });

  test('stores what the function makes of its vectors in the order of the units', async () => {
    const spec = { kind: 'krum', faulty: 0, before: { kind: 'bucketing', size: 1 } } as const;
    const { trainer, stores } = await opened(spec);
    await reduceAll(trainer, [3, 1, 2, 0]);
    const { aggregateHash } = await trainer.storeRound(jobId, 0, 4);
    const expected = new Float32Array(length);
    const members = { vectors: [1, 2, 3, 4].map(vector), weights: [1, 1, 1, 1] };
    aggregate(spec, members, mixSeed(5, 0), expected);
    expect(floatsOf(stores.blobs.get(aggregateHash).subarray(0, 4 * length))).toEqual(expected);
  });

  test('keeps nothing of a round that was discarded', async () => {
    const { trainer } = await opened({ kind: 'median' });
    await reduceAll(trainer, [0, 9]);
    await trainer.discardRound(jobId, 0);
    expect(await train(trainer, [0, 1])).toEqual(
      await train((await opened({ kind: 'median' })).trainer, [0, 1]),
    );
  });

  test('refuses what is too long or does not belong there, and goes on', async () => {
    const { trainer } = await opened({ kind: 'median' });
    const good = contribution(0, 0);
    const refusals = [
      [{ ...good, normMax: 0.1 }, 'normTooLarge'],
      [{ ...good, weight: 0.5 }, 'badRequest'],
      [{ ...good, payload: good.payload.slice(1) }, 'wrongLength'],
      [{ ...good, codec: 'int9' }, 'wrongCodec'],
    ] as const;
    for (const [bad, code] of refusals) {
      expect(await trainer.reduce(bad)).toMatchObject({ accepted: false, code });
    }
    expect((await train(trainer, [0])).history).toHaveLength(1);
  });

  test('says when it has fewer vectors than the function needs', async () => {
    const { trainer } = await opened({ kind: 'krum', faulty: 1 });
    await reduceAll(trainer, [0, 1, 2, 3]);
    await expect(trainer.storeRound(jobId, 0, 4)).rejects.toEqual(
      thrown('tooFewMembers', /krum needs 5 contributions, and the round has 4/),
    );
  });

  test('takes no more vectors than its memory may hold', () => {
    const room = 2;
    const bytesMax = room * 4 * length;
    const round = new RoundVectors(createManifest(tensors), { kind: 'median' }, new Map(), bytesMax);
    expect([0, 1].map((unit) => round.add(contribution(0, unit)).accepted)).toEqual([true, true]);
    expect(round.add(contribution(0, 2))).toMatchObject({ accepted: false, code: 'tooLarge' });
    expect(round.weight).toBe(room);
  });
});

describe('an operator’s own aggregator', () => {
  const job = { kind: 'custom', name: 'first' } as const;
  const customs = (
    fill: (target: Float32Array, vectors: readonly Float32Array[]) => void,
  ): CustomAggregators =>
    new Map([['first', { aggregate: (vectors, _weights, target) => fill(target, vectors) }]]);

  test('makes the aggregate', async () => {
    const { trainer, stores } = await opened(
      job,
      customs((target, vectors) => target.set(vectors[0]!)),
    );
    await reduceAll(trainer, [2, 0, 1]);
    const { aggregateHash } = await trainer.storeRound(jobId, 0, 3);
    expect(floatsOf(stores.blobs.get(aggregateHash).subarray(0, 4 * length))).toEqual(vector(1));
  });

  test('that gives values that are not finite concerns its job alone', async () => {
    const { trainer } = await opened(
      job,
      customs((target) => target.fill(Number.NaN)),
    );
    await reduceAll(trainer, [0]);
    await expect(trainer.storeRound(jobId, 0, 1)).rejects.toEqual(thrown('notFinite', /aggregator first/));
  });

  test('that is not here is named when a round is stored', async () => {
    const { trainer } = await opened(job);
    await reduceAll(
      trainer,
      Array.from({ length: unitsPerRound }, (_, unit) => unit),
    );
    await expect(trainer.storeRound(jobId, 0, unitsPerRound)).rejects.toEqual(
      thrown('notFound', /"first" here; the setting aggregators names none/),
    );
  });
});
