import { describe, expect, it } from 'vitest';
import type { JobState } from '../../../../server/core/commands.ts';
import type { Effect } from '../../../../server/core/events.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { hashOf, jobId, submission } from './fixtures.ts';

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
      { kind: 'discardRound', round: 1 },
      { kind: 'jobChanged' },
    ]);
    bench.take('reduce');
    expect(bench.job).toMatchObject({ state: 'paused', version: 1 });
    expect(bench.state.runs.size).toBe(0);
    expect(kindsOf(bench.commit(change('running')))).toEqual(['jobChanged']);
    expect(bench.lease('a')).toMatchObject({ version: 1, unit: 0 });
  });

  it('that the log has before a round voids the round, and leaves no blob of it', () => {
    const bench = workingBench();
    computeRound(bench, 'a');
    reduceAndStore(bench);
    const [proposal] = bench.take('propose');
    bench.commit(change('paused'));
    if (proposal === undefined) throw new Error('Expected a proposal.');
    expect(bench.commit(proposal.command)).toMatchObject([
      { kind: 'log', message: 'command had no effect' },
      { kind: 'removeBlobs', hashes: [hashOf('a0')] },
    ]);
    expect(bench.job).toMatchObject({ version: 0, unitsCounted: 0 });
  });

  it('counts the running time once, whichever of pause and round the log has first', () => {
    for (const isRoundFirst of [true, false]) {
      const bench = workingBench();
      bench.nowMs += 7_000;
      computeRound(bench, 'a');
      reduceAndStore(bench);
      bench.nowMs += 2_000;
      bench.post({ kind: 'commandRequested', call: bench.call(), command: change('paused') });
      const [round, pause] = bench.take('propose').map(({ command }) => command);
      if (round === undefined || pause === undefined) throw new Error('Expected two proposals.');
      for (const command of isRoundFirst ? [round, pause] : [pause, round]) bench.commit(command);
      expect(bench.job).toMatchObject({ runningMs: 9_000, version: isRoundFirst ? 1 : 0 });
    }
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
    expect(bench.take('discardRound')).toHaveLength(1);
    const { workers, leases, runs, waiting, reducingCalls } = bench.state;
    expect(workers.size + leases.size + runs.size + waiting.size + reducingCalls.size).toBe(0);
  });

  it('acts only while it lasts: a follower hands nothing out', () => {
    const bench = BenchCoordinator.following();
    expect(bench.register('a')).toMatchObject([{ kind: 'refuse', code: 'notLeader' }]);
    expect(bench.state.runs.size).toBe(0);
    bench.post({ kind: 'becameLeader', epoch: 6 });
    bench.register('a');
    expect(bench.lease('a')).toMatchObject({ epoch: 6, version: 0 });
    expect(bench.post({ kind: 'becameLeader', epoch: 6 })).toEqual([]);
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

  it('of other units is followed, though what it publishes is the same', () => {
    const bench = workingBench();
    computeRound(bench, 'a');
    reduceAndStore(bench);
    const [proposal] = bench.take('propose');
    if (proposal?.command.kind !== 'roundCommitted') throw new Error('Expected a round.');
    // What an earlier leader had proposed got into the log before it.
    const effects = bench.commit({ ...proposal.command, aggregateHash: hashOf('other') });
    expect(kindsOf(effects)).toEqual(expect.arrayContaining(['discardRound', 'fetchBlobs']));
    expect(kindsOf(effects)).not.toContain('installRound');
    bench.settle();
    expect(bench.lease('a')?.version).toBe(1);
  });

  it('that was committed after it was given up is followed', () => {
    const bench = workingBench();
    bench.lease('a');
    const theirs = { aggregateHash: hashOf('x'), parametersHash: hashOf('v1'), units: 4, samples: 32 };
    const command = { kind: 'roundCommitted', jobId, round: 0, ...theirs, trainingLoss: 1, atMs: 0 } as const;
    expect(kindsOf(bench.commit(command))).toEqual(['discardRound', 'fetchBlobs', 'jobChanged']);
    expect(bench.run.isOpen).toBe(false);
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

  describe('in which workers return impossible values', () => {
    const lie = (bench: BenchCoordinator, name: string, times: number) => {
      for (let count = 0; count < times; count++) {
        const lease = bench.lease(name);
        if (lease !== undefined) bench.post(bench.contribution(name, lease, { loss: Number.NaN }));
        bench.settle();
      }
    };
    const work = (bench: BenchCoordinator, name: string) => {
      const lease = bench.lease(name);
      if (lease !== undefined) bench.finish(name, lease);
      bench.settle();
    };

    it('pauses the job when all of them do, several or one whose work has counted', () => {
      const alone = workingBench();
      work(alone, 'a');
      lie(alone, 'a', limits.divergedRefusals);
      expect(alone.job.state).toBe('paused');
      const together = workingBench();
      together.register('b');
      lie(together, 'a', limits.divergedRefusals - 1);
      lie(together, 'b', 1);
      expect(together.job.state).toBe('paused');
    });

    it('goes on while another one serves the job, busy or between two units', () => {
      for (const isBusy of [true, false]) {
        const bench = workingBench();
        bench.register('honest');
        work(bench, 'honest');
        if (isBusy) bench.lease('honest');
        lie(bench, 'a', limits.faultsBeforeQuarantine);
        expect(bench.job.state).toBe('running');
      }
    });

    it('sets a stranger aside that is alone with the job, and does not believe it', () => {
      const bench = workingBench();
      lie(bench, 'a', limits.faultsBeforeQuarantine);
      expect(bench.job.state).toBe('running');
      expect(bench.state.quarantine.size).toBe(1);
    });
  });
});

describe('a trainer', () => {
  it('that fails pauses the job with its reason, and is built anew', () => {
    const bench = workingBench();
    const failure = { code: 'unavailable', message: 'the disk is full' } as const;
    bench.post({ kind: 'trainerFailed', jobId, during: 'installRound', ...failure });
    expect(bench.take('closeTrainer')).toHaveLength(1);
    bench.settle();
    expect(bench.job).toMatchObject({
      state: 'paused',
      stateReason: expect.stringContaining('disk is full'),
    });
    bench.commit(change('running'));
    bench.settle();
    expect(bench.lease('a')).toMatchObject({ version: 0 });
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
