import { describe, expect, it } from 'vitest';
import type { ContributionReceived, EvaluationReported } from '../../../../server/core/events.ts';
import type { ErrorCode } from '../../../../shared/base/errors.ts';
import { asJobId, asLeaseId } from '../../../../shared/base/ids.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { hashOf, workerIdOf } from './fixtures.ts';

const neverEvaluated = { everyRounds: 1, samplesMax: 0, batchSize: 1 };

function leased() {
  const bench = BenchCoordinator.withJob({ evaluation: neverEvaluated });
  bench.register('a');
  bench.register('b');
  const lease = bench.lease('a');
  if (lease === undefined) throw new Error('Expected a lease.');
  return { bench, lease };
}

interface Case {
  readonly code: ErrorCode;
  readonly what: string;
  readonly with: Partial<ContributionReceived>;
  /** Whether the worker's own lease ends with the refusal, so that its unit is handed out again. */
  readonly frees: boolean;
  readonly isFault: boolean;
}

const cases: readonly Case[] = [
  {
    code: 'unknownJob',
    what: 'another job',
    with: { jobId: asJobId('other') },
    frees: false,
    isFault: false,
  },
  { code: 'staleEpoch', what: 'an earlier leader', with: { epoch: 4 }, frees: false, isFault: false },
  { code: 'wrongRound', what: 'a round that is not open', with: { round: 1 }, frees: false, isFault: false },
  { code: 'wrongVersion', what: 'other parameters', with: { version: 7 }, frees: false, isFault: false },
  { code: 'badRequest', what: 'a unit that does not exist', with: { unit: 4 }, frees: false, isFault: true },
  { code: 'unknownLease', what: 'no lease', with: { leaseId: asLeaseId('x') }, frees: false, isFault: false },
  {
    code: 'unknownLease',
    what: 'the unit of another lease',
    with: { unit: 1 },
    frees: false,
    isFault: false,
  },
  {
    code: 'unknownLease',
    what: "another's lease",
    with: { workerId: workerIdOf('b') },
    frees: false,
    isFault: false,
  },
  {
    code: 'wrongManifest',
    what: 'other tensors',
    with: { manifestHash: hashOf('x') },
    frees: true,
    isFault: true,
  },
  { code: 'wrongCodec', what: 'another codec', with: { codec: 'int8' }, frees: true, isFault: true },
  { code: 'wrongCodec', what: 'an unknown codec', with: { codec: 'zip' }, frees: true, isFault: true },
  { code: 'wrongLength', what: 'a wrong length', with: { length: 4 }, frees: true, isFault: true },
  {
    code: 'wrongLength',
    what: 'a short payload',
    with: { payload: new Uint8Array(11) },
    frees: true,
    isFault: true,
  },
  { code: 'badRequest', what: 'a wrong count of samples', with: { samples: 9 }, frees: true, isFault: true },
  { code: 'notFinite', what: 'a loss of NaN', with: { loss: Number.NaN }, frees: true, isFault: true },
  {
    code: 'notFinite',
    what: 'a loss whose sum overflows',
    with: { loss: 1e308 },
    frees: true,
    isFault: true,
  },
  {
    code: 'notRegistered',
    what: 'a stranger',
    with: { workerId: workerIdOf('x') },
    frees: false,
    isFault: false,
  },
];

describe('a contribution is refused', () => {
  it.each(cases)('with $code for $what', ({ code, with: overrides, frees, isFault }) => {
    const { bench, lease } = leased();
    const freeBefore = bench.run.round?.pool.freeCount ?? 0;
    const effects = bench.post(bench.contribution('a', lease, overrides));
    expect(effects.map((effect) => (effect.kind === 'refuse' ? effect.code : effect.kind))).toEqual([code]);
    expect((bench.run.round?.pool.freeCount ?? 0) - freeBefore).toBe(frees ? 1 : 0);
    const sender = bench.state.workers.get(overrides.workerId ?? workerIdOf('a'));
    expect(sender?.faults ?? 0).toBe(isFault ? 1 : 0);
  });

  it('as a duplicate while the unit is reduced, and after it is counted', () => {
    const { bench, lease } = leased();
    bench.finish('a', lease);
    const again = () =>
      bench.post(bench.contribution('a', lease)).map((effect) => 'code' in effect && effect.code);
    expect(again()).toEqual(['duplicate']);
    bench.settle();
    expect(again()).toEqual(['duplicate']);
    expect(bench.state.workers.get(workerIdOf('a'))?.faults).toBe(0);
  });

  it('as expired from the deadline on, before and after the lease is taken away', () => {
    const { bench, lease } = leased();
    bench.nowMs += limits.leaseTimeoutMsFirst;
    for (const name of ['a', 'b'])
      bench.post({ kind: 'heartbeat', workerId: workerIdOf(name), samplesPerSecond: 0 });
    const late = () =>
      bench.post(bench.contribution('a', lease)).map((effect) => 'code' in effect && effect.code);
    expect(late()).toEqual(['leaseExpired']);
    bench.post({ kind: 'tick' });
    expect(bench.run.round?.pool.statusOf(lease.unit)).toBe('free');
    expect(late()).toEqual(['leaseExpired']);
  });

  it('while the job is paused, and while nobody leads', () => {
    const { bench, lease } = leased();
    bench.commit({ kind: 'jobStateChanged', jobId: lease.jobId, state: 'paused', reason: '', atMs: 0 });
    const codes = () =>
      bench.post(bench.contribution('a', lease)).map((effect) => 'code' in effect && effect.code);
    expect(codes()).toEqual(['jobNotRunning']);
    bench.post({ kind: 'lostLeadership' });
    expect(codes()).toEqual(['notLeader']);
  });

  it('by the values that the reducer saw; the unit is handed out again', () => {
    const { bench, lease } = leased();
    bench.finish('a', lease);
    const [reduce] = bench.take('reduce');
    if (reduce === undefined) throw new Error('Expected a reduction.');
    const { round, unit, leaseId } = reduce;
    const outcome = { accepted: false, code: 'notFinite', message: 'NaN' } as const;
    const stale = { kind: 'contributionReduced', jobId: lease.jobId, round, unit, outcome } as const;
    expect(bench.post({ ...stale, leaseId: asLeaseId('earlier') })).toEqual([]);
    const [answer] = bench.post({ ...stale, leaseId });
    expect(answer).toMatchObject({ kind: 'refuse', code: 'notFinite' });
    expect(bench.run.round?.pool.statusOf(unit)).toBe('free');
    expect(bench.lease('b')?.unit).toBe(unit);
  });
});

describe('an evaluation is refused', () => {
  const report = (bench: BenchCoordinator, overrides: Partial<EvaluationReported>) => {
    const lease = bench.lease('a');
    if (lease?.kind !== 'evaluate') throw new Error('Expected an evaluation.');
    return bench.post({
      kind: 'evaluationReported',
      call: bench.call(),
      workerId: workerIdOf('a'),
      leaseId: lease.leaseId,
      jobId: lease.jobId,
      version: lease.version,
      unit: lease.unit,
      epoch: lease.epoch,
      samples: lease.sampleCount,
      lossSum: 1,
      correct: 1,
      determinismClass: { engine: 'cpu', build: '1' },
      ...overrides,
    });
  };

  it.each([
    { code: 'wrongVersion', with: { version: 3 } },
    { code: 'badRequest', with: { unit: 3 } },
    { code: 'badRequest', with: { samples: 5 } },
    { code: 'badRequest', with: { correct: 5 } },
    { code: 'notFinite', with: { lossSum: Number.POSITIVE_INFINITY } },
    { code: 'notFinite', with: { lossSum: -1e308 } },
    { code: 'unknownLease', with: { leaseId: asLeaseId('x') } },
  ])('with $code for $with', ({ code, with: overrides }) => {
    const bench = BenchCoordinator.withJob();
    bench.register('a');
    expect(report(bench, overrides).map((effect) => 'code' in effect && effect.code)).toEqual([code]);
  });
});
