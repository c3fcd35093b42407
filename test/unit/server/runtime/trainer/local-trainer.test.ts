import { describe, expect, test } from 'vitest';
import type { Trainer, TrainerJob } from '../../../../../server/runtime/ports.ts';
import { createLocalTrainer } from '../../../../../server/runtime/trainer/local-trainer.ts';
import type { TrainerStores } from '../../../../../server/runtime/trainer/open-state.ts';
import { parametersHashOf } from '../../../../../server/runtime/trainer/parameters-hash.ts';
import type { BlobHash } from '../../../../../shared/base/ids.ts';
import { applyUpdate } from '../../../../../shared/codec/published-update.ts';
import { bytesOf, floatsOf } from '../../../../../shared/tensor/bytes.ts';
import { gridWeightMax } from '../../../../../shared/tensor/grid.ts';
import { downSpecs, named } from '../../../shared/codec/support/specs.ts';
import {
  codecOf,
  contribution,
  jobId,
  jobIn,
  length,
  memoryStores,
  train,
  unitsPerRound,
  vector,
} from './fixture.ts';

async function opened(
  changes: Partial<TrainerJob> = {},
): Promise<{ trainer: Trainer; stores: TrainerStores; job: TrainerJob }> {
  const stores = memoryStores();
  const job = jobIn(stores.blobs, changes);
  const trainer = createLocalTrainer(stores);
  await trainer.open(job);
  return { trainer, stores, job };
}

function aggregateIn({ blobs }: TrainerStores, hash: BlobHash): Float32Array {
  return floatsOf(blobs.get(hash).subarray(0, 4 * length));
}

const refused = (code: string) => expect.objectContaining({ accepted: false, code });
const thrown = (code: string) => expect.objectContaining({ name: 'GradswarmError', code });

describe('training', () => {
  test('starts from the initial parameters', async () => {
    const stores = memoryStores();
    const trainer = createLocalTrainer(stores);
    const parametersHash = parametersHashOf(vector(0));
    expect(await trainer.open(jobIn(stores.blobs))).toEqual({ version: 0, parametersHash });
    const { bytes, ...rest } = await trainer.snapshot(jobId);
    expect(rest).toEqual({ version: 0, parametersHash });
    expect(floatsOf(bytes)).toEqual(vector(0));
  });

  test.each(named(downSpecs))(
    'gives followers of the updates the same vector over %s',
    async (_, downCodec) => {
      const { trainer } = await opened({ downCodec });
      const worker = vector(0);
      const { updates, parametersHash } = await train(trainer, [0, 1, 2]);
      for (const update of updates) applyUpdate(codecOf(downCodec), worker, update);
      expect(parametersHashOf(worker)).toBe(parametersHash);
      expect(floatsOf((await trainer.snapshot(jobId)).bytes)).toEqual(worker);
    },
  );

  test('gives the same bits whatever the order of the contributions', async () => {
    const one = await train((await opened()).trainer, [0, 1, 2]);
    const other = await train((await opened()).trainer, [0, 1, 2], (units) => units.reverse());
    expect(other).toEqual(one);
  });

  test('stores the mean of the contributions, durable before the round is announced', async () => {
    const { trainer, stores } = await opened();
    const payload = (scale: number) => bytesOf(new Float32Array(length).fill(scale)).slice();
    const common = { jobId, round: 0, codec: 'float32', seed: 0, normMax: 1_000 };
    await trainer.reduce({ ...common, unit: 0, weight: 1, payload: payload(1) });
    await trainer.reduce({ ...common, unit: 1, weight: 3, payload: payload(2) });
    const { aggregateHash } = await trainer.storeRound(jobId, 0, 4);
    expect(aggregateIn(stores, aggregateHash)).toEqual(new Float32Array(length).fill(1.75));
  });

  test('a discarded round leaves no trace', async () => {
    const { trainer } = await opened();
    await trainer.reduce(contribution(7, 7));
    await trainer.reduce({ ...contribution(0, 3), weight: 9 });
    await trainer.discardRound(jobId, 0);
    await trainer.reduce({ ...contribution(0, 3), weight: 2 });
    await trainer.storeRound(jobId, 0, 2);
    await trainer.discardRound(jobId, 0);
    await trainer.discardRound(jobId, 5);
    expect(await train(trainer, [0, 1])).toEqual(await train((await opened()).trainer, [0, 1]));
  });

  test('a diverged round is reported and cannot be installed', async () => {
    const { trainer } = await opened({ optimizer: { kind: 'sgd', learningRate: 1e38 } });
    await trainer.reduce(contribution(0, 0));
    expect(await trainer.storeRound(jobId, 0, 1)).toMatchObject({ finite: false });
    await expect(trainer.installRound(jobId, 0)).rejects.toEqual(thrown('conflict'));
    await trainer.discardRound(jobId, 0);
    expect(await trainer.snapshot(jobId)).toMatchObject({
      version: 0,
      parametersHash: parametersHashOf(vector(0)),
    });
  });
});

describe('following', () => {
  test('gives the bits of the trainer that leads, and can lead from there', async () => {
    const { trainer, stores, job } = await opened();
    const follower = createLocalTrainer(stores);
    await follower.open(job);
    const { history, updates } = await train(trainer, [0, 1, 2]);
    for (const { round, aggregateHash, parametersHash } of history) {
      const followed = await follower.followRound(jobId, round, aggregateHash);
      expect(followed).toEqual({ version: round + 1, parametersHash, delta: updates[round] });
    }
    expect(await follower.snapshot(jobId)).toEqual(await trainer.snapshot(jobId));
    expect(await train(follower, [3, 4])).toEqual(await train(trainer, [3, 4]));
  });

  test('voids what the follower had of the round', async () => {
    const { trainer, stores, job } = await opened();
    const deposed = createLocalTrainer(stores);
    await deposed.open(job);
    await deposed.reduce({ ...contribution(0, 3), weight: 2 });
    await deposed.storeRound(jobId, 0, 2);
    const { history } = await train(trainer, [0]);
    const [first] = history;
    await deposed.followRound(jobId, 0, first!.aggregateHash);
    expect(await train(deposed, [1])).toEqual(await train(trainer, [1]));
  });

  test('changes nothing when the aggregate is missing or the round is another one', async () => {
    const { trainer, stores } = await opened();
    const { aggregateHash } = await trainer
      .reduce(contribution(0, 0))
      .then(() => trainer.storeRound(jobId, 0, 1));
    await trainer.discardRound(jobId, 0);
    await expect(trainer.followRound(jobId, 1, aggregateHash)).rejects.toEqual(thrown('conflict'));
    stores.blobs.delete(aggregateHash);
    await expect(trainer.followRound(jobId, 0, aggregateHash)).rejects.toEqual(thrown('notFound'));
    expect(await train(trainer, [0])).toEqual(await train((await opened()).trainer, [0]));
  });
});

describe('contributions are refused whole', () => {
  const nan = bytesOf(Float32Array.from({ length }, (_, index) => (index === length - 1 ? Number.NaN : 1)));
  const badScale = new Uint8Array(codecOf({ kind: 'int8' }).encodedBytes).fill(255);
  test.each([
    ['another round', { round: 1 }, 'wrongRound'],
    ['NaN', { codec: 'float32', payload: nan }, 'notFinite'],
    ['a short payload', { payload: new Uint8Array(12) }, 'wrongLength'],
    ['a scale off the grid', { payload: badScale }, 'badRequest'],
    ['a long vector', { normMax: 0.01 }, 'normTooLarge'],
    ['an unknown codec', { codec: 'gzip' }, 'wrongCodec'],
    ['no weight', { weight: 0 }, 'badRequest'],
    ['half a weight', { weight: 0.5 }, 'badRequest'],
    ['more weight than the round can hold', { weight: gridWeightMax }, 'badRequest'],
  ] as const)('%s', async (_, changes, code) => {
    const { trainer, stores } = await opened();
    await trainer.reduce(contribution(0, 0));
    const request = { ...contribution(0, 1), ...changes } as Parameters<Trainer['reduce']>[0];
    expect(await trainer.reduce(request)).toEqual(refused(code));
    const { aggregateHash } = await trainer.storeRound(jobId, 0, 1);

    const alone = new Float32Array(length);
    codecOf({ kind: 'int8' }).decode(contribution(0, 0).payload, 0, alone);
    expect(aggregateIn(stores, aggregateHash)).toEqual(alone);
  });

  test('once the round is stored', async () => {
    const { trainer } = await opened();
    await trainer.reduce(contribution(0, 0));
    await trainer.storeRound(jobId, 0, 1);
    expect(await trainer.reduce(contribution(0, 1))).toEqual(refused('wrongRound'));
  });

  test('when the job is closed', async () => {
    const { trainer } = await opened();
    await trainer.close(jobId);
    expect(await trainer.reduce(contribution(0, 1))).toEqual(refused('jobNotRunning'));
    await expect(trainer.snapshot(jobId)).rejects.toEqual(thrown('jobNotRunning'));
    await expect(trainer.close(jobId)).resolves.toBeUndefined();
  });

  test('accepted ones report their norm', async () => {
    const { trainer } = await opened();
    const payload = bytesOf(Float32Array.from({ length }, (_, index) => (index < 2 ? 3 + index : 0)));
    const outcome = await trainer.reduce({ ...contribution(0, 0), codec: 'float32', payload });
    expect(outcome).toEqual({ accepted: true, norm: 5 });
  });
});

describe('calls out of order', () => {
  test('are conflicts', async () => {
    const { trainer } = await opened();
    await expect(trainer.installRound(jobId, 0)).rejects.toEqual(thrown('conflict'));
    await expect(trainer.storeRound(jobId, 1, 1)).rejects.toEqual(thrown('conflict'));
    await expect(trainer.storeCheckpoint(jobId, 1)).rejects.toEqual(thrown('conflict'));
    await trainer.reduce(contribution(0, 0));
    await trainer.storeRound(jobId, 0, 1);
    await expect(trainer.storeRound(jobId, 0, 1)).rejects.toEqual(thrown('conflict'));
  });

  test('a weight that the coordinator counted otherwise is a broken invariant, not the job’s fault', async () => {
    const { trainer } = await opened();
    await trainer.reduce(contribution(0, 0));
    await expect(trainer.storeRound(jobId, 0, 2)).rejects.toThrow('Invariant');
  });
});

describe('opening again', () => {
  test.each(named(downSpecs))(
    'replays every committed round to the same bits over %s',
    async (_, downCodec) => {
      const { trainer, stores, job } = await opened({ downCodec });
      const { history, parametersHash } = await train(trainer, [0, 1, 2, 3, 4]);
      const reopened = createLocalTrainer(stores);
      const plan = { ...job.plan, replay: history };
      expect(await reopened.open({ ...job, plan })).toEqual({ version: 5, parametersHash });
      expect(await train(reopened, [5, 6])).toEqual(await train(trainer, [5, 6]));
    },
  );

  test('starts from a checkpoint and replays what came after it', async () => {
    const { trainer, stores, job } = await opened();
    const before = await train(trainer, [0, 1, 2]);
    const checkpoint = await trainer.storeCheckpoint(jobId, 3);
    const { history, parametersHash } = await train(trainer, [3, 4]);
    for (const { aggregateHash } of before.history) stores.blobs.delete(aggregateHash);
    stores.blobs.delete(job.plan.initialParametersHash);

    const reopened = createLocalTrainer(stores);
    const plan = { ...job.plan, checkpointHash: checkpoint.manifestHash, replay: history };
    expect(await reopened.open({ ...job, plan })).toEqual({ version: 5, parametersHash });
    expect(await train(reopened, [5])).toEqual(await train(trainer, [5]));
  });

  test('refuses a replay that gives other bits', async () => {
    const { trainer, stores, job } = await opened();
    const { history } = await train(trainer, [0, 1]);
    const plan = { ...job.plan, replay: history };
    const open = (changes: Partial<TrainerJob>) =>
      createLocalTrainer(stores).open({ ...job, plan, ...changes });
    await expect(open({ seed: 6 })).rejects.toEqual(thrown('hashMismatch'));
    await expect(open({ optimizer: { kind: 'sgd', learningRate: 1 } })).rejects.toEqual(
      thrown('hashMismatch'),
    );
    await expect(open({ plan: { ...plan, replay: history.slice(1) } })).rejects.toEqual(thrown('corrupted'));
  });

  test('refuses blobs that are missing or belong elsewhere', async () => {
    const { trainer, stores, job } = await opened();
    const { history } = await train(trainer, [0]);
    const { manifestHash } = await trainer.storeCheckpoint(jobId, 1);
    const open = (changes: Partial<TrainerJob>) => createLocalTrainer(stores).open({ ...job, ...changes });
    const fromCheckpoint = { ...job.plan, checkpointHash: manifestHash };
    await expect(open({ plan: fromCheckpoint, tensors: [{ name: 'a', shape: [length] }] })).rejects.toEqual(
      thrown('corrupted'),
    );
    await expect(open({ tensors: [{ name: 'a', shape: [3] }] })).rejects.toEqual(thrown('corrupted'));
    stores.blobs.delete(history[0]!.aggregateHash);
    await expect(open({ plan: { ...job.plan, replay: history } })).rejects.toEqual(thrown('notFound'));
  });
});

test('rounds hold the weight that their units bring', () => {
  expect(unitsPerRound).toBeLessThanOrEqual(gridWeightMax);
});
