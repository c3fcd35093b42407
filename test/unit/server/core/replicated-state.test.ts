import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyCommand } from '../../../../server/core/apply-command.ts';
import type { Command, JobState } from '../../../../server/core/commands.ts';
import type { JobRecord } from '../../../../server/core/job-record.ts';
import {
  createReplicatedState,
  type ReplicatedState,
  referencedBlobs,
  unreferenced,
} from '../../../../server/core/replicated-state.ts';
import { fromSnapshot, type Snapshot, toSnapshot } from '../../../../server/core/snapshot.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { checkpointCommitted, dataset, hashOf, jobId, roundCommitted, submission } from './fixtures.ts';

const registered: Command = { kind: 'datasetRegistered', dataset, atMs: 0 };
const token = (tokenId: string, role: 'admin' | 'worker'): Command => ({
  kind: 'tokenCreated',
  tokenId,
  name: tokenId,
  role,
  tokenHash: hashOf(tokenId),
  atMs: 0,
});
const stateOf = (state: JobState): Command => ({
  kind: 'jobStateChanged',
  jobId,
  state,
  reason: 'why',
  atMs: 1,
});
const round = (number: number): Command =>
  roundCommitted(number, {
    units: 4,
    samples: 32,
    trainingLoss: 2,
    elapsedMs: 100,
    determinismClasses: ['cpu/1'],
    atMs: 100 * (number + 1),
  });
const checkpoint = (version: number): Command =>
  checkpointCommitted(version, { blobs: [hashOf(`p${version}`), hashOf('shared')], atMs: 3 });
const evaluated = (version: number): Command => ({
  kind: 'evaluationCommitted',
  jobId,
  version,
  loss: 1,
  accuracy: 0.5,
  samples: 10,
  atMs: 4,
});

function applied(...commands: readonly Command[]) {
  const state = createReplicatedState();
  const outcomes = commands.map((command, at) => applyCommand(state, at + 1, command));
  return { state, outcomes, last: outcomes.at(-1) };
}

function jobOf(state: ReplicatedState): JobRecord {
  const job = state.jobs.get(jobId);
  if (job === undefined) throw new Error('Expected the job.');
  return job;
}

describe('the replicated state', () => {
  it('follows a job through its rounds', () => {
    const { state } = applied(registered, submission(), evaluated(0), round(0), round(1), evaluated(2));
    expect(jobOf(state)).toMatchObject({
      version: 2,
      parametersHash: hashOf('v2'),
      samplePosition: 64,
      unitsCounted: 8,
      runningMs: 200,
      evaluation: { version: 2, loss: 1, accuracy: 0.5 },
      determinismClasses: ['cpu/1'],
      history: [
        { round: 0, testLoss: 1, testAccuracy: 0.5 },
        { round: 1, trainingLoss: 2 },
        { round: 2, trainingLoss: 2, testLoss: 1, testAccuracy: 0.5 },
      ],
    });
    expect(state.appliedIndex).toBe(6);
  });

  it('counts no running time twice, whatever the leaders claim', () => {
    const late: Command = { ...stateOf('paused'), elapsedMs: 250, atMs: 260 } as Command;
    const { state } = applied(registered, submission(), round(0), round(1), late);
    expect(jobOf(state)).toMatchObject({ runningMs: 260, countedUntilMs: 260 });
  });

  it('releases what a checkpoint covers, and keeps what later rounds need', () => {
    const { state, last } = applied(
      registered,
      submission(),
      round(0),
      round(1),
      checkpoint(2),
      round(2),
      round(3),
      checkpoint(3),
    );
    expect(jobOf(state).aggregates.map(({ round: number }) => number)).toEqual([3]);
    expect(last).toEqual({
      applied: true,
      released: [hashOf('c2'), hashOf('p2'), hashOf('a2')],
    });
  });

  it.each<[string, readonly Command[], Command, string]>([
    ['a job whose name is taken', [registered, submission()], submission(), 'conflict'],
    ['a job on an unknown data set', [], submission(), 'notFound'],
    ['a round that is not the next one', [registered, submission()], round(1), 'conflict'],
    ['a round that is counted already', [registered, submission(), round(0)], round(0), 'conflict'],
    ['a round of a cancelled job', [registered, submission(), stateOf('cancelled')], round(0), 'conflict'],
    ['a round of an unknown job', [], round(0), 'unknownJob'],
    ['a round of a paused job', [registered, submission(), stateOf('paused')], round(0), 'conflict'],
    [
      'an evaluation of a paused job',
      [registered, submission(), stateOf('paused')],
      evaluated(0),
      'conflict',
    ],
    [
      'a checkpoint of a finished job',
      [registered, submission(), stateOf('finished')],
      checkpoint(0),
      'conflict',
    ],
    ['an evaluation of a later version', [registered, submission()], evaluated(1), 'conflict'],
    ['a second evaluation', [registered, submission(), evaluated(0)], evaluated(0), 'conflict'],
    ['a checkpoint that is no newer', [registered, submission(), checkpoint(0)], checkpoint(0), 'conflict'],
    ['resuming a running job', [registered, submission()], stateOf('running'), 'conflict'],
    ['pausing a paused job', [registered, submission(), stateOf('paused')], stateOf('paused'), 'conflict'],
    [
      'resuming a finished job',
      [registered, submission(), stateOf('finished')],
      stateOf('running'),
      'conflict',
    ],
    [
      'other data under a taken name',
      [registered],
      { ...registered, dataset: { ...dataset, title: 'x' } },
      'conflict',
    ],
    ['a token id that exists', [token('t', 'worker')], token('t', 'worker'), 'conflict'],
    ['revoking an unknown token', [], { kind: 'tokenRevoked', tokenId: 't', atMs: 0 }, 'notFound'],
    [
      'revoking the last admin',
      [token('t', 'admin')],
      { kind: 'tokenRevoked', tokenId: 't', atMs: 0 },
      'conflict',
    ],
  ])('refuses %s, and is not changed by it', (_, before, command, code) => {
    const { state } = applied(...before);
    const { appliedIndex: __, ...untouched } = structuredClone(state);
    expect(applyCommand(state, before.length + 1, command)).toMatchObject({ applied: false, code });
    expect(state).toMatchObject(untouched);
  });

  it('takes the same data set twice, and revokes all admins but one', () => {
    const revoked: Command = { kind: 'tokenRevoked', tokenId: 's', atMs: 0 };
    const { outcomes, state } = applied(
      registered,
      registered,
      token('s', 'admin'),
      token('t', 'admin'),
      revoked,
    );
    expect(outcomes.every((outcome) => outcome.applied)).toBe(true);
    expect([...state.tokens.keys()]).toEqual(['t']);
  });

  it('bounds the running jobs', () => {
    const jobs = Array.from({ length: limits.jobsRunningMax + 1 }, (_, index) =>
      submission({}, `job-${index}`),
    );
    const { outcomes } = applied(registered, ...jobs);
    expect(outcomes.map((outcome) => outcome.applied)).toEqual([
      true,
      ...jobs.map((_, at) => at < jobs.length - 1),
    ]);
  });

  it('names every blob that a restart needs, and no other job’s', () => {
    const { state } = applied(registered, submission(), round(0), checkpoint(1), round(1));
    const named = [hashOf('v0'), hashOf('c1'), hashOf('p1'), hashOf('shared'), hashOf('a1')];
    expect(referencedBlobs(state)).toEqual(new Set([...named, hashOf('train'), hashOf('test')]));
    expect(unreferenced(state, [hashOf('a0'), hashOf('shared')])).toEqual(new Set([hashOf('a0')]));
  });

  const commands = fc.oneof(
    fc.constantFrom(
      registered,
      submission(),
      submission({}, 'other'),
      token('s', 'admin'),
      token('t', 'worker'),
    ),
    fc.constantFrom<JobState>('running', 'paused', 'finished', 'cancelled', 'failed').map(stateOf),
    fc.nat(4).map(round),
    fc.nat(4).map(evaluated),
    fc.nat(4).map(checkpoint),
  );

  it('is the same whether a snapshot was taken on the way or not', () => {
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 40 }), fc.nat(40), (log, cut) => {
        const whole = createReplicatedState();
        let restored = createReplicatedState();
        log.forEach((command, at) => {
          applyCommand(whole, at + 1, command);
          if (at === cut)
            restored = fromSnapshot(JSON.parse(JSON.stringify(toSnapshot(restored))) as Snapshot);
          applyCommand(restored, at + 1, command);
        });
        expect(toSnapshot(restored)).toEqual(toSnapshot(whole));
      }),
    );
  });
});
