import { describe, expect, it } from 'vitest';
import { limits } from '../../../../shared/base/limits.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { jobId } from './fixtures.ts';

/** A job of one minute whose round 1 is in the hands of the log; version 1 was not evaluated. */
function withRoundInTheLog(): BenchCoordinator {
  const bench = BenchCoordinator.withJob({ stop: { durationMs: 60_000 } });
  bench.register('a');
  for (let lease = bench.lease('a', 0); lease !== undefined; lease = bench.lease('a', 0)) {
    bench.finish('a', lease);
    bench.nowMs += 100;
    bench.settle(
      (effect) =>
        effect.kind === 'propose' && effect.command.kind === 'roundCommitted' && effect.command.round === 1,
    );
  }
  expect(bench.run.round).toMatchObject({ round: 1, phase: 'committing' });
  return bench;
}

describe('the last evaluation', () => {
  it('is of the round in the log when the time runs out meanwhile', () => {
    const bench = withRoundInTheLog();
    bench.nowMs += 60_000;
    bench.register('a');
    bench.post({ kind: 'tick' });
    expect(bench.lease('a', 0)).toBeUndefined();
    bench.settle();

    const told = bench.work('a').map(({ kind, version, unit }) => `${kind} ${version}.${unit}`);
    expect(told).toEqual(['evaluate 2.0', 'evaluate 2.1', 'evaluate 2.2']);
    expect(bench.job).toMatchObject({ state: 'finished', version: 2, evaluation: { version: 2 } });
  });
});

it('gives no unit more time than any unit may have, however many samples it holds', () => {
  const bench = BenchCoordinator.withJob({
    batchSize: 1,
    evaluation: { everyRounds: 1, samplesMax: 10, batchSize: 10 },
  });
  bench.register('a');
  expect(bench.lease('a')).toMatchObject({
    kind: 'evaluate',
    sampleCount: 10,
    deadlineMs: limits.leaseTimeoutMsMax,
  });
});

describe('the running time', () => {
  it('holds the time that the log took', () => {
    const bench = withRoundInTheLog();
    const { runningMs } = bench.job;
    const since = bench.run.runningSinceMs;
    bench.nowMs += 500;
    bench.settle();
    expect(bench.job.runningMs + bench.nowMs - bench.run.runningSinceMs).toBe(
      runningMs + bench.nowMs - since,
    );
  });

  it('is counted once when an admin pauses the job while a round is in the log', () => {
    const bench = withRoundInTheLog();
    const { runningMs } = bench.job;
    const since = bench.run.runningSinceMs;
    bench.nowMs += 500;
    const command = { kind: 'jobStateChanged', jobId, state: 'paused', reason: '', atMs: 0 } as const;
    bench.post({ kind: 'commandRequested', call: bench.call(), command });
    bench.settle();
    expect(bench.job).toMatchObject({
      state: 'paused',
      version: 2,
      runningMs: runningMs + bench.nowMs - since,
    });
  });
});
