import { expect, test } from 'vitest';
import type { Event } from '../../../../server/core/events.ts';
import { createLocalTrainer } from '../../../../server/runtime/trainer/local-trainer.ts';
import { createTrainerDriver } from '../../../../server/runtime/trainer-driver.ts';
import { asLeaseId } from '../../../../shared/base/ids.ts';
import { contribution, jobId, jobIn, memoryStores } from './trainer/fixture.ts';

function driver() {
  const stores = memoryStores();
  const { plan, ...job } = jobIn(stores.blobs);
  const events: Event[] = [];
  const fatal: unknown[] = [];
  const { execute, delta } = createTrainerDriver({
    trainer: createLocalTrainer(stores),
    describe: () => job,
    post: (event) => events.push(event),
    onFatal: (error) => fatal.push(error),
  });
  const reduce = { kind: 'reduce', leaseId: asLeaseId('lease'), ...contribution(0, 0) } as const;
  /** Everything asked for so far has been answered. */
  const answered = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    expect(fatal).toEqual([]);
    return events.map(({ kind }) => kind);
  };
  return {
    execute,
    delta,
    answered,
    events,
    store: { kind: 'storeRound', jobId, round: 0, weight: 1 } as const,
    reduce,
    open: { kind: 'openTrainer', jobId, attempt: 1, plan } as const,
  };
}

test('keeps the delta of the newest round until the job is closed', async () => {
  const { execute, delta, answered, reduce, open } = driver();
  for (const effect of [open, reduce, { kind: 'storeRound', jobId, round: 0, weight: 1 }] as const) {
    execute(effect);
  }
  expect(await answered()).toEqual(['trainerOpened', 'contributionReduced', 'roundStored']);
  expect(delta(jobId, 1)?.length).toBeGreaterThan(0);
  expect(delta(jobId, 2)).toBeUndefined();
  execute({ kind: 'closeTrainer', jobId });
  expect(delta(jobId, 1)).toBeUndefined();
});

test('brings a replica from round to round, and tells under which number it failed', async () => {
  const leader = driver();
  for (const effect of [leader.open, leader.reduce, leader.store]) leader.execute(effect);
  await leader.answered();
  const stored = leader.events.find((event) => event.kind === 'roundStored');
  if (stored?.kind !== 'roundStored') throw new Error('Expected a round.');
  const { aggregateHash, parametersHash } = stored;
  const published = leader.delta(jobId, 1);
  expect(published).toBeInstanceOf(Uint8Array);
  leader.execute({ kind: 'followRound', jobId, attempt: 2, round: 0, aggregateHash });
  leader.execute({ kind: 'followRound', jobId, attempt: 3, round: 7, aggregateHash });
  expect((await leader.answered()).slice(3)).toEqual(['roundFollowed', 'replicaFailed']);
  expect(leader.events.slice(3)).toMatchObject([
    { jobId, attempt: 2, version: 1, parametersHash },
    { jobId, attempt: 3, code: 'conflict' },
  ]);
  // The same bytes as the leader has: they are published to the workers here.
  expect(leader.delta(jobId, 1)).toEqual(published);
});

test('names the work that failed', async () => {
  const { execute, answered, events, open } = driver();
  execute(open);
  execute({ kind: 'installRound', jobId, round: 4 });
  expect(await answered()).toEqual(['trainerOpened', 'trainerFailed']);
  expect(events[1]).toMatchObject({ during: 'installRound', code: 'conflict' });
});

test('drops the delta of a round that is stored after the job was closed', async () => {
  const { execute, delta, answered, reduce, open } = driver();
  for (const effect of [open, reduce, { kind: 'storeRound', jobId, round: 0, weight: 1 }] as const) {
    execute(effect);
  }
  execute({ kind: 'closeTrainer', jobId });
  expect(await answered()).toContain('roundStored');
  expect(delta(jobId, 1)).toBeUndefined();
});
