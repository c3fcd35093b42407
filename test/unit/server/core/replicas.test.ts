import { describe, expect, it } from 'vitest';
import type { Command, JobState } from '../../../../server/core/commands.ts';
import type { Effect } from '../../../../server/core/events.ts';
import { fromSnapshot, type Snapshot, toSnapshot } from '../../../../server/core/snapshot.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { checkpointCommitted, dataset, hashOf, jobId, roundCommitted, submission } from './fixtures.ts';

const rules = {
  evaluation: { everyRounds: 1, samplesMax: 0, batchSize: 1 },
  unitsPerRound: 1,
  stop: { rounds: 99 },
  checkpoint: { everyRounds: 2 },
};
const change = (state: JobState, id = jobId): Command => ({
  kind: 'jobStateChanged',
  jobId: id,
  state,
  reason: '',
  atMs: 0,
});
const isTrainers = ({ kind }: Effect) => kind === 'openTrainer' || kind === 'followRound';
const failed = (bench: BenchCoordinator, code: 'corrupted' | 'notFound' | 'unavailable' | 'hashMismatch') =>
  bench.post({ kind: 'replicaFailed', jobId, attempt: bench.replica.attempt, code, message: `is ${code}` });

describe('a follower', () => {
  it('follows round after round, each when its aggregate is here', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    bench.commit(roundCommitted(1));
    const fetches = bench.take('fetchBlobs').filter(({ replica }) => replica !== undefined);
    expect(fetches.map(({ hashes }) => hashes)).toEqual([[hashOf('a0')]]);
    bench.post({ kind: 'blobsFetched', jobId, attempt: bench.replica.attempt });
    expect(bench.take('followRound')).toMatchObject([{ round: 0, aggregateHash: hashOf('a0') }]);
    const arrived = { version: 1, parametersHash: hashOf('v1') };
    bench.post({ kind: 'roundFollowed', jobId, attempt: bench.replica.attempt, ...arrived });
    expect(bench.replica).toMatchObject({ version: 1, backlog: [{ round: 1 }] });
    bench.settle();
    expect(bench.replica).toMatchObject({ version: 2, backlog: [], step: undefined });
  });

  it('asks others for every blob that a command names', () => {
    const bench = BenchCoordinator.following(rules);
    bench.take('fetchBlobs');
    bench.commit(checkpointCommitted(0));
    expect(bench.take('fetchBlobs')).toEqual([
      { kind: 'fetchBlobs', hashes: [hashOf('c0'), hashOf('p0')], isExpected: true },
    ]);
  });

  it('that becomes the leader goes on at once, without a replay', () => {
    const bench = BenchCoordinator.following(rules);
    for (const number of [0, 1, 2]) bench.commit(roundCommitted(number));
    bench.settle();
    bench.effects = [];
    bench.post({ kind: 'becameLeader', epoch: 6 });
    bench.register('a');
    expect(bench.lease('a')).toMatchObject({ version: 3, parametersHash: hashOf('v3') });
    expect(bench.effects.filter(isTrainers)).toEqual([]);
  });

  it('that becomes the leader too early first follows what it lacks', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    bench.post({ kind: 'becameLeader', epoch: 6 });
    bench.register('a');
    expect(bench.lease('a')).toBeUndefined();
    bench.settle();
    expect(bench.take('answerLease')).toMatchObject([{ lease: { version: 1 } }]);
  });

  it('tells its watchers of a version that it followed', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    bench.settle();
    expect(bench.take('publishUpdate')).toMatchObject([{ baseVersion: 0, version: 1 }]);
  });

  it('begins anew from the newest checkpoint when it lags too far behind', () => {
    const bench = BenchCoordinator.following(rules);
    for (const number of [0, 1]) bench.commit(roundCommitted(number));
    bench.commit(checkpointCommitted(2));
    for (const number of [2, 3, 4]) bench.commit(roundCommitted(number));
    expect(bench.take('closeTrainer')).toHaveLength(1);
    bench.effects = bench.effects.filter((effect) => effect.kind === 'fetchBlobs');
    bench.settle(isTrainers);
    expect(bench.take('openTrainer')).toMatchObject([
      { plan: { checkpointHash: hashOf('c2'), replay: [{ round: 2 }, { round: 3 }, { round: 4 }] } },
    ]);
  });

  it('takes the newer checkpoint when that comes while it fetches the way to an older state', () => {
    const bench = new BenchCoordinator();
    bench.post({ kind: 'caughtUp', epoch: bench.epoch, blobs: [] });
    bench.commit({ kind: 'datasetRegistered', dataset, atMs: 0 });
    for (const command of [submission(rules), roundCommitted(0), checkpointCommitted(1)])
      bench.commit(command);
    const wanted = bench.take('fetchBlobs').filter(({ replica }) => replica !== undefined);
    expect(wanted.map(({ hashes }) => hashes)).toEqual([[hashOf('v0')], [hashOf('c1'), hashOf('p1')]]);
    bench.post({ kind: 'blobsFetched', jobId, attempt: bench.replica.attempt });
    bench.settle();
    expect(bench.replica.version).toBe(1);
  });

  it('needs nothing of an aggregate that a checkpoint has covered and nobody keeps', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    bench.commit(checkpointCommitted(1));
    failed(bench, 'notFound');
    bench.settle();
    expect(bench.replica).toMatchObject({ version: 1, failures: 0 });
  });
});

describe('a replica that cannot go on', () => {
  it('tries again after a while, less and less often', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    bench.effects = [];
    for (const delayMs of [limits.replicaRetryMsMin, 2 * limits.replicaRetryMsMin]) {
      failed(bench, 'unavailable');
      bench.nowMs += delayMs - 1;
      bench.post({ kind: 'tick' });
      expect(bench.take('fetchBlobs')).toEqual([]);
      bench.nowMs += 1;
      bench.post({ kind: 'tick' });
      expect(bench.take('fetchBlobs')).toHaveLength(1);
    }
    bench.post({ kind: 'blobsFetched', jobId, attempt: bench.replica.attempt });
    bench.settle();
    expect(bench.replica).toMatchObject({ version: 1, failures: 0 });
  });

  it('has damaged blobs replaced', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    bench.effects = [];
    failed(bench, 'corrupted');
    bench.nowMs += limits.replicaRetryMsMin;
    bench.post({ kind: 'tick' });
    expect(bench.take('fetchBlobs')).toMatchObject([{ replica: { mustVerify: true } }]);
  });

  it('pauses the job where this coordinator leads and cannot help itself', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    bench.post({ kind: 'becameLeader', epoch: 6 });
    failed(bench, 'notFound');
    expect(bench.take('propose')).toEqual([]);
    bench.nowMs += limits.replicaRetryMsMin;
    bench.post({ kind: 'tick' });
    failed(bench, 'notFound');
    bench.settle(({ kind }) => kind === 'fetchBlobs');
    expect(bench.job).toMatchObject({ state: 'paused', stateReason: expect.stringContaining('is notFound') });
    bench.effects = [];
    bench.commit(change('running'));
    bench.settle();
    bench.register('a');
    expect(bench.lease('a')).toMatchObject({ version: 1 });
  });

  it('waits for the others where this coordinator leads and they are away', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    bench.post({ kind: 'becameLeader', epoch: 6 });
    for (let attempt = 0; attempt < 9; attempt++) {
      failed(bench, 'unavailable');
      bench.nowMs += limits.replicaRetryMsMax;
      bench.post({ kind: 'tick' });
    }
    expect(bench.take('propose')).toEqual([]);
  });

  it('ignores answers to what it does not wait for any more', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    const { attempt } = bench.replica;
    bench.post({ kind: 'blobsFetched', jobId, attempt: attempt - 1 });
    bench.post({ kind: 'trainerOpened', jobId, attempt, version: 7, parametersHash: hashOf('x') });
    expect(bench.replica).toMatchObject({ version: 0, step: { kind: 'fetchingRound' } });
  });
});

describe('other bits than were committed', () => {
  const followWrongly = (bench: BenchCoordinator) => {
    bench.settle(isTrainers);
    const [effect] = bench.effects.filter(isTrainers);
    bench.effects = [];
    const { attempt } = bench.replica;
    const wrong = { version: 1, parametersHash: hashOf('wrong') };
    if (effect?.kind === 'followRound') bench.post({ kind: 'roundFollowed', jobId, attempt, ...wrong });
    else bench.post({ kind: 'trainerOpened', jobId, attempt, ...wrong });
  };

  it('raise an alarm with both hashes, and the replica is built anew once', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    followWrongly(bench);
    const [alarm] = bench.take('log').filter(({ level }) => level === 'error');
    expect(alarm?.fields['reason']).toContain(hashOf('wrong'));
    expect(alarm?.fields['reason']).toContain(hashOf('v1'));
    expect(bench.take('closeTrainer')).toHaveLength(1);
    bench.settle();
    expect(bench.replica.version).toBe(1);
    expect(bench.take('fatal')).toEqual([]);
  });

  it('end a follower the second time', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    followWrongly(bench);
    followWrongly(bench);
    expect(bench.take('fatal')).toMatchObject([{ message: expect.stringContaining(hashOf('wrong')) }]);
  });

  it('found while the plan is replayed count as well', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    failed(bench, 'hashMismatch');
    failed(bench, 'hashMismatch');
    expect(bench.take('fatal')).toHaveLength(1);
  });

  it('pause the job of a leader the second time', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    bench.post({ kind: 'becameLeader', epoch: 6 });
    followWrongly(bench);
    followWrongly(bench);
    bench.settle(isTrainers);
    expect(bench.job).toMatchObject({ state: 'paused', stateReason: expect.stringContaining('differs') });
    expect(bench.take('fatal')).toEqual([]);
  });
});

describe('a paused job that differs', () => {
  it('ends nobody: neither its leader nor a follower', () => {
    for (const leads of [true, false]) {
      const bench = BenchCoordinator.following(rules);
      bench.commit(roundCommitted(0));
      bench.commit(change('paused'));
      if (leads) bench.post({ kind: 'becameLeader', epoch: 6 });
      failed(bench, 'hashMismatch');
      failed(bench, 'hashMismatch');
      bench.post({ kind: 'tick' });
      expect(bench.take('fatal')).toEqual([]);
      expect(bench.job.state).toBe('paused');
    }
  });
});

describe('replicas', () => {
  it('are closed with their jobs', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(change('cancelled'));
    expect(bench.take('closeTrainer')).toHaveLength(1);
    expect(bench.state.replicas.size).toBe(0);
  });

  it('are bounded: those of jobs that were paused long ago give way', () => {
    const bench = BenchCoordinator.following(rules);
    const names = Array.from({ length: limits.jobsRunningMax }, (_, index) => `job-${index}`);
    bench.commit({ ...change('paused'), atMs: 5 } as Command);
    for (const name of names) {
      const { jobId: id } = submission({}, name);
      bench.commit(submission(rules, name));
      if (name !== names.at(-1)) bench.commit({ ...change('paused', id), atMs: 10 } as Command);
    }
    bench.settle();
    expect(bench.state.replicas.size).toBe(limits.jobsRunningMax);
    expect(bench.state.replicas.has(jobId)).toBe(false);
    expect(bench.take('closeTrainer').map((effect) => effect.jobId)).toEqual([jobId]);
  });

  it('stay with a pause, and need no replay after it', () => {
    const bench = BenchCoordinator.withJob(rules);
    bench.commit(change('paused'));
    bench.commit(change('running'));
    expect(bench.effects.filter(isTrainers)).toEqual([]);
    expect(bench.run.isOpen).toBe(true);
  });
});

describe('a snapshot of the log', () => {
  /** The state after `commands`, as another coordinator has it. */
  const stateAfter = (...commands: readonly Command[]) => {
    const other = BenchCoordinator.following(rules);
    for (const command of commands) other.commit(command);
    return fromSnapshot(JSON.parse(JSON.stringify(toSnapshot(other.state.replicated))) as Snapshot);
  };
  const load = (bench: BenchCoordinator, ...commands: readonly Command[]) => {
    bench.effects = [];
    bench.post({ kind: 'snapshotLoaded', epoch: 7, replicated: stateAfter(...commands) });
  };

  it('lets a replica go on where the state still has its rounds', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    bench.settle();
    load(bench, roundCommitted(0), checkpointCommitted(1), roundCommitted(1), roundCommitted(2));
    expect(bench.replica).toMatchObject({ version: 1, backlog: [{ round: 1 }, { round: 2 }] });
    bench.settle();
    expect(bench.replica.version).toBe(3);
    expect(bench.take('closeTrainer')).toEqual([]);
  });

  it('keeps the round that the trainer is following in front', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    bench.post({ kind: 'blobsFetched', jobId, attempt: bench.replica.attempt });
    load(bench, roundCommitted(0), checkpointCommitted(1), roundCommitted(1), roundCommitted(2));
    const arrived = { version: 1, parametersHash: hashOf('v1') };
    bench.post({ kind: 'roundFollowed', jobId, attempt: bench.replica.attempt, ...arrived });
    expect(bench.replica).toMatchObject({ version: 1, backlog: [{ round: 1 }, { round: 2 }] });
    bench.settle();
    expect(bench.replica.version).toBe(3);
  });

  it('makes a replica begin anew that lacks rounds which are gone', () => {
    const bench = BenchCoordinator.following(rules);
    load(bench, roundCommitted(0), roundCommitted(1), checkpointCommitted(2), roundCommitted(2));
    expect(bench.take('closeTrainer')).toHaveLength(1);
    bench.settle();
    expect(bench.replica.version).toBe(3);
  });

  it('is acted on: blobs come and go, jobs end, and whoever watches is told', () => {
    const bench = BenchCoordinator.following(rules);
    bench.commit(roundCommitted(0));
    bench.settle();
    load(bench, roundCommitted(0), checkpointCommitted(1), change('cancelled'));
    expect(bench.take('removeBlobs')).toMatchObject([{ hashes: [hashOf('a0')] }]);
    expect(bench.take('fetchBlobs')).toMatchObject([{ hashes: [hashOf('c1'), hashOf('p1')] }]);
    expect(bench.take('closeTrainer')).toHaveLength(1);
    expect(bench.take('jobChanged')).toMatchObject([{ jobId }]);
  });

  it('is only the state while the past is replayed', () => {
    const bench = new BenchCoordinator();
    load(bench, roundCommitted(0));
    expect(bench.effects).toEqual([]);
    expect(bench.job.version).toBe(1);
  });
});
