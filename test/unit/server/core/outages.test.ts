import { describe, expect, it } from 'vitest';
import type { JobState } from '../../../../server/core/commands.ts';
import type { Effect } from '../../../../server/core/events.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { dataset, hashOf, jobId, submission } from './fixtures.ts';

const evaluation = { everyRounds: 1, samplesMax: 0, batchSize: 1 };
const change = (state: JobState) =>
  ({ kind: 'jobStateChanged', jobId, state, reason: 'asked', atMs: 0 }) as const;
const kindsOf = (effects: readonly Effect[]) => effects.map(({ kind }) => kind);

function computeRound(bench: BenchCoordinator, name: string): void {
  for (let unit = 0; unit < bench.job.document.unitsPerRound; unit++) {
    const lease = bench.lease(name);
    if (lease === undefined) throw new Error('Expected a lease.');
    bench.finish(name, lease);
  }
}

/** Answers the reducer's work, and stores: the round's proposal is left to the test. */
function reduceAndStore(bench: BenchCoordinator, finite = true): void {
  for (const { round, unit, leaseId } of bench.take('reduce')) {
    const outcome = { accepted: true, norm: 1 } as const;
    bench.post({ kind: 'contributionReduced', jobId, round, unit, leaseId, outcome });
  }
  const [{ round } = { round: -1 }] = bench.take('storeRound');
  const hashes = { aggregateHash: hashOf(`a${round}`), parametersHash: hashOf(`v${round + 1}`) };
  bench.post({ kind: 'roundStored', jobId, round, ...hashes, finite });
}

function workingBench(): BenchCoordinator {
  const bench = BenchCoordinator.withJob({ evaluation });
  bench.register('a');
  return bench;
}

describe('a pause', () => {
  it('gives up the open round, refuses what waits, and goes on from the committed version', () => {
    const bench = workingBench();
    computeRound(bench, 'a');
    bench.settle();
    const lease = bench.lease('a');
    if (lease !== undefined) bench.finish('a', lease);
    const effects = bench.commit(change('paused'));
    expect(effects).toMatchObject([
      { kind: 'refuse', code: 'jobNotRunning' },
      { kind: 'closeTrainer' },
      { kind: 'jobChanged' },
    ]);
    bench.take('reduce');
    expect(bench.job).toMatchObject({ state: 'paused', version: 1 });
    expect(bench.state.runs.size).toBe(0);
    const [open] = bench.commit(change('running'));
    expect(open).toEqual({
      kind: 'openTrainer',
      jobId,
      plan: {
        initialParametersHash: hashOf('v0'),
        replay: [{ round: 0, aggregateHash: hashOf('a0'), parametersHash: hashOf('v1') }],
      },
    });
  });

  it('loses no round that was in the log’s hands: it counts, and the trainer replays it', () => {
    const bench = workingBench();
    computeRound(bench, 'a');
    reduceAndStore(bench);
    const [proposal] = bench.take('propose');
    bench.commit(change('paused'));
    if (proposal !== undefined) expect(kindsOf(bench.commit(proposal.command))).toEqual(['jobChanged']);
    expect(bench.job).toMatchObject({ version: 1, unitsCounted: 4 });
  });

  it('leaves pauses out of the running time', () => {
    const bench = workingBench();
    const call = bench.call();
    bench.nowMs += 5_000;
    bench.post({ kind: 'commandRequested', call, command: change('paused') });
    bench.settle();
    expect(bench.take('answerCommitted')).toMatchObject([{ call }]);
    bench.nowMs += 60_000;
    bench.post({ kind: 'commandRequested', call: bench.call(), command: change('running') });
    bench.settle();
    bench.nowMs += 1_000;
    computeRound(bench, 'a');
    bench.settle();
    expect(bench.job.runningMs).toBe(6_000);
  });
});

describe('a command', () => {
  it('is refused at once where the state does not allow it', () => {
    const bench = BenchCoordinator.withJob();
    const call = bench.call();
    expect(bench.post({ kind: 'commandRequested', call, command: submission() })).toMatchObject([
      { kind: 'refuse', call, code: 'conflict', field: 'name' },
    ]);
  });

  it('is refused when it comes second', () => {
    const bench = BenchCoordinator.withJob();
    const calls = [bench.call(), bench.call()];
    for (const call of calls) {
      bench.post({ kind: 'commandRequested', call, command: submission({}, 'twice') });
    }
    bench.settle();
    expect(bench.take('answerCommitted').map(({ call }) => call)).toEqual([calls[0]]);
    expect(bench.take('refuse')).toMatchObject([{ call: calls[1], code: 'conflict' }]);
  });

  it('that the log did not take is refused', () => {
    const bench = BenchCoordinator.withJob();
    const failure = {
      kind: 'proposalFailed',
      command: change('paused'),
      code: 'unavailable',
      message: 'no',
    } as const;
    expect(bench.post({ ...failure, call: 9 })).toMatchObject([{ kind: 'refuse', call: 9 }, { kind: 'log' }]);
  });
});

describe('leadership', () => {
  it('ends with every call refused and nothing remembered but the log', () => {
    const bench = workingBench();
    const lease = bench.lease('a');
    bench.register('b');
    for (let asked = 0; asked < 5; asked++) bench.lease('b');
    bench.effects = [];
    if (lease !== undefined) bench.finish('a', lease);
    bench.post({ kind: 'lostLeadership' });
    expect(bench.take('refuse').every(({ code }) => code === 'unavailable')).toBe(true);
    expect(bench.take('disconnect')).toHaveLength(2);
    expect(bench.take('closeTrainer')).toHaveLength(1);
    const { workers, leases, runs, waiting, reducingCalls } = bench.state;
    expect(workers.size + leases.size + runs.size + waiting.size + reducingCalls.size).toBe(0);
  });

  it('acts only while it lasts: a follower applies and does nothing', () => {
    const bench = new BenchCoordinator();
    bench.commit({ kind: 'datasetRegistered', dataset, atMs: 0 });
    expect(kindsOf(bench.commit(submission()))).toEqual(['jobChanged']);
    expect(bench.register('a')).toMatchObject([{ kind: 'refuse', code: 'unavailable' }]);
    expect(kindsOf(bench.post({ kind: 'becameLeader', epoch: 3 }))).toEqual(['log', 'openTrainer']);
    expect(bench.post({ kind: 'becameLeader', epoch: 3 })).toEqual([]);
  });

  it('gives leases of its own epoch', () => {
    const bench = workingBench();
    const lease = bench.lease('a');
    bench.post({ kind: 'lostLeadership' });
    bench.post({ kind: 'becameLeader', epoch: 6 });
    bench.settle();
    bench.register('a');
    expect([lease?.epoch, bench.lease('a')?.epoch]).toEqual([5, 6]);
    bench.take('refuse');
    if (lease !== undefined) bench.post(bench.contribution('a', lease));
    expect(bench.take('refuse').map(({ code }) => code)).toEqual(['staleEpoch']);
  });
});

describe('a round', () => {
  it('that cannot be committed is given up and computed again', () => {
    const bench = workingBench();
    computeRound(bench, 'a');
    reduceAndStore(bench);
    const [proposal] = bench.take('propose');
    if (proposal === undefined) throw new Error('Expected a proposal.');
    bench.post({ kind: 'proposalFailed', command: proposal.command, code: 'unavailable', message: 'no' });
    expect(bench.take('discardRound')).toHaveLength(1);
    bench.post({ kind: 'tick' });
    computeRound(bench, 'a');
    bench.settle();
    expect(bench.job.version).toBe(1);
  });

  it('that was committed by somebody else makes the trainer start again', () => {
    const bench = workingBench();
    bench.lease('a');
    const theirs = { aggregateHash: hashOf('x'), parametersHash: hashOf('y'), units: 4, samples: 32 };
    const command = { kind: 'roundCommitted', jobId, round: 0, ...theirs, trainingLoss: 1, atMs: 0 } as const;
    expect(kindsOf(bench.commit(command))).toEqual(['closeTrainer', 'openTrainer', 'jobChanged']);
    bench.settle();
    expect(bench.lease('a')?.version).toBe(1);
  });

  it('whose parameters are not finite fails the job and keeps the version before it', () => {
    const bench = workingBench();
    computeRound(bench, 'a');
    reduceAndStore(bench, false);
    bench.settle();
    expect(bench.job).toMatchObject({ state: 'failed', version: 0, parametersHash: hashOf('v0') });
  });

  it('in which everybody returns impossible values pauses the job; one liar does not', () => {
    const lie = (bench: BenchCoordinator) => {
      const lease = bench.lease('a');
      if (lease !== undefined) bench.post(bench.contribution('a', lease, { loss: Number.NaN }));
      bench.settle();
    };
    const alone = workingBench();
    for (let count = 0; count < limits.divergedRefusals; count++) lie(alone);
    expect(alone.job.state).toBe('paused');
    const together = workingBench();
    together.register('honest');
    together.lease('honest');
    for (let count = 0; count < limits.divergedRefusals; count++) lie(together);
    expect(together.job.state).toBe('running');
  });
});

describe('a trainer', () => {
  it('that fails pauses the job with its reason', () => {
    const bench = workingBench();
    bench.post({ kind: 'trainerFailed', jobId, code: 'corrupted', message: 'blob 12 is damaged' });
    bench.settle();
    expect(bench.job).toMatchObject({ state: 'paused', stateReason: expect.stringContaining('blob 12') });
  });

  it('that replays to other bits than were committed pauses the job', () => {
    const bench = new BenchCoordinator();
    bench.post({ kind: 'becameLeader', epoch: 1 });
    bench.commit({ kind: 'datasetRegistered', dataset, atMs: 0 });
    bench.commit(submission());
    bench.take('openTrainer');
    bench.post({ kind: 'trainerOpened', jobId, version: 0, parametersHash: hashOf('other') });
    bench.settle();
    expect(bench.job.state).toBe('paused');
  });
});

describe('an abandoned call', () => {
  it('is refused once, and the contribution behind it counts all the same', () => {
    const bench = workingBench();
    const lease = bench.lease('a');
    if (lease === undefined) throw new Error('Expected a lease.');
    const contribution = bench.contribution('a', lease);
    bench.post(contribution);
    const { call } = contribution;
    expect(bench.post({ kind: 'callAbandoned', call })).toMatchObject([
      { kind: 'refuse', call, code: 'cancelled' },
    ]);
    expect(bench.post({ kind: 'callAbandoned', call })).toEqual([]);
    bench.settle();
    expect(bench.run.round?.pool.doneCount).toBe(1);
  });
});

describe('disk use', () => {
  it('is bounded: a round waits while checkpoints are overdue', () => {
    const bench = BenchCoordinator.withJob({
      evaluation,
      stop: { rounds: 50 },
      checkpoint: { everyRounds: 2 },
    });
    bench.register('a');
    const held: Effect[] = [];
    for (let lease = bench.lease('a', 0); lease !== undefined; lease = bench.lease('a', 0)) {
      bench.finish('a', lease);
      bench.settle((effect) => effect.kind === 'storeCheckpoint');
    }
    held.push(...bench.take('storeCheckpoint'));
    expect(bench.job.aggregates).toHaveLength(4);
    expect(held).toHaveLength(1);
    bench.effects.push(...held);
    bench.settle();
    expect(bench.job.aggregates.length).toBeLessThan(4);
    expect(bench.take('removeBlobs').flatMap(({ hashes }) => hashes)).toContain(hashOf('a0'));
    expect(bench.lease('a')).toBeDefined();
  });
});
