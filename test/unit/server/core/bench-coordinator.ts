import type { Command } from '../../../../server/core/commands.ts';
import { step } from '../../../../server/core/coordinator.ts';
import {
  type CoordinatorState,
  createCoordinatorState,
  type JobRun,
} from '../../../../server/core/coordinator-state.ts';
import type { LeaseGrant } from '../../../../server/core/effect-values.ts';
import type {
  ContributionReceived,
  Effect,
  Event,
  WorkerRegistered,
} from '../../../../server/core/events.ts';
import type { JobRecord } from '../../../../server/core/job-record.ts';
import type { Replica } from '../../../../server/core/replica.ts';
import type { JobId } from '../../../../shared/base/ids.ts';
import type { JobDocument } from '../../../../shared/job/job-document.ts';
import { dataset, hashOf, jobId, submission, workerIdOf } from './fixtures.ts';

type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;

/**
 * A coordinator on the bench: effects are collected, and the test plays the shell. `settle` plays a shell in which
 * everything succeeds at once.
 */
export class BenchCoordinator {
  readonly state: CoordinatorState = createCoordinatorState({ seed: 1 });
  nowMs = 1_000;
  effects: Effect[] = [];
  /** Of the entries that are committed. */
  epoch = 5;
  private nextCall = 1;
  private nextIndex = 1;

  /** A leader with the data set and one running job, opened at version 0. */
  static withJob(overrides: Partial<JobDocument> = {}): BenchCoordinator {
    const bench = new BenchCoordinator();
    bench.post({ kind: 'becameLeader', epoch: bench.epoch });
    bench.commit({ kind: 'datasetRegistered', dataset, atMs: 0 });
    bench.commit(submission(overrides));
    bench.settle();
    return bench;
  }

  /** The same, following another coordinator. */
  static following(overrides: Partial<JobDocument> = {}): BenchCoordinator {
    const bench = new BenchCoordinator();
    bench.post({ kind: 'caughtUp', epoch: bench.epoch, blobs: [] });
    bench.commit({ kind: 'datasetRegistered', dataset, atMs: 0 });
    bench.commit(submission(overrides));
    bench.settle();
    return bench;
  }

  get job(): JobRecord {
    return this.state.replicated.jobs.get(jobId) ?? fail('the job is known');
  }

  get replica(): Replica {
    return this.state.replicas.get(jobId) ?? fail('the job has a replica');
  }

  get run(): JobRun {
    return this.state.runs.get(jobId) ?? fail('the job is running');
  }

  call(): number {
    return this.nextCall++;
  }

  /** Steps one event and returns its effects, which are collected too. */
  post(event: Event): readonly Effect[] {
    const effects = step(this.state, event, this.nowMs);
    this.effects.push(...effects);
    return effects;
  }

  commit(command: Command, call?: number): readonly Effect[] {
    return this.post({
      kind: 'committed',
      index: this.nextIndex++,
      epoch: this.epoch,
      command,
      ...(call === undefined ? {} : { call }),
    });
  }

  /** Takes the collected effects of one kind. */
  take<Kind extends Effect['kind']>(kind: Kind): EffectOf<Kind>[] {
    const taken = this.effects.filter((effect): effect is EffectOf<Kind> => effect.kind === kind);
    this.effects = this.effects.filter((effect) => effect.kind !== kind);
    return taken;
  }

  /** Executes collected effects for log and trainer until none is left but those that are held back. */
  settle(isHeld: (effect: Effect) => boolean = () => false): void {
    for (;;) {
      const at = this.effects.findIndex((effect) => !isHeld(effect) && this.reply(effect) !== undefined);
      const [effect] = at < 0 ? [] : this.effects.splice(at, 1);
      const answer = effect === undefined ? undefined : this.reply(effect);
      if (answer === undefined) return;
      answer();
    }
  }

  private reply(effect: Effect): (() => void) | undefined {
    switch (effect.kind) {
      case 'propose':
        return () => this.commit(effect.command, effect.call);
      case 'fetchBlobs': {
        const { replica } = effect;
        return replica && (() => this.post({ kind: 'blobsFetched', ...replica }));
      }
      case 'openTrainer': {
        const { jobId, attempt, plan } = effect;
        const last = plan.replay.at(-1);
        const version = last === undefined ? this.checkpointed(jobId) : last.round + 1;
        const parametersHash = hashOf(`v${version}`);
        return () => this.post({ kind: 'trainerOpened', jobId, attempt, version, parametersHash });
      }
      case 'followRound': {
        const { jobId, attempt, round } = effect;
        const arrived = { version: round + 1, parametersHash: hashOf(`v${round + 1}`) };
        return () => this.post({ kind: 'roundFollowed', jobId, attempt, ...arrived });
      }
      case 'reduce': {
        const { jobId, round, unit, leaseId } = effect;
        const outcome = { accepted: true, norm: 1 } as const;
        return () => this.post({ kind: 'contributionReduced', jobId, round, unit, leaseId, outcome });
      }
      case 'storeRound': {
        const { jobId, round } = effect;
        const hashes = { aggregateHash: hashOf(`a${round}`), parametersHash: hashOf(`v${round + 1}`) };
        return () => this.post({ kind: 'roundStored', jobId, round, ...hashes, finite: true });
      }
      case 'storeCheckpoint': {
        const { jobId, version } = effect;
        const blobs = [hashOf(`p${version}`)];
        const manifestHash = hashOf(`c${version}`);
        return () => this.post({ kind: 'checkpointStored', jobId, version, manifestHash, blobs });
      }
      default:
        return undefined;
    }
  }

  private checkpointed(id: JobId): number {
    return this.state.replicated.jobs.get(id)?.checkpoint?.version ?? 0;
  }

  register(name: string, overrides: Partial<WorkerRegistered> = {}): readonly Effect[] {
    return this.post({
      kind: 'workerRegistered',
      call: this.call(),
      workerId: workerIdOf(name),
      name,
      home: 'node',
      role: 'worker',
      determinismClass: { engine: 'cpu', build: '1' },
      device: 'test',
      ...overrides,
    });
  }

  /** Asks for a unit; undefined when the call still waits. */
  lease(name: string, pollMs = 20_000): LeaseGrant | undefined {
    const call = this.call();
    this.post({ kind: 'leaseRequested', call, workerId: workerIdOf(name), pollMs });
    return this.take('answerLease').find((answer) => answer.call === call)?.lease;
  }

  contribution(name: string, lease: LeaseGrant, overrides: Partial<ContributionReceived> = {}) {
    const { leaseId, round, unit, version, epoch, sampleCount } = lease;
    return {
      kind: 'contributionReceived' as const,
      call: this.call(),
      workerId: workerIdOf(name),
      leaseId,
      jobId: lease.jobId,
      round,
      unit,
      version,
      epoch,
      manifestHash: hashOf('manifest'),
      codec: 'float32',
      length: 3,
      samples: sampleCount,
      loss: 1,
      computeMs: 5,
      determinismClass: { engine: 'cpu', build: '1' },
      payload: new Uint8Array(12),
      ...overrides,
    };
  }

  /** Returns a unit of either kind as an honest worker would. */
  finish(name: string, lease: LeaseGrant): readonly Effect[] {
    if (lease.kind === 'train') return this.post(this.contribution(name, lease));
    const { leaseId, version, unit, epoch, sampleCount } = lease;
    return this.post({
      kind: 'evaluationReported',
      call: this.call(),
      workerId: workerIdOf(name),
      leaseId,
      jobId: lease.jobId,
      version,
      unit,
      epoch,
      samples: sampleCount,
      lossSum: 2 * sampleCount,
      correct: sampleCount / 2,
      determinismClass: { engine: 'cpu', build: '1' },
    });
  }

  /** One worker computes until nothing is handed out any more; returns what it was given. */
  work(name: string): LeaseGrant[] {
    const done: LeaseGrant[] = [];
    for (;;) {
      const lease = this.lease(name, 0);
      if (lease === undefined) return done;
      done.push(lease);
      this.nowMs += 10;
      this.finish(name, lease);
      this.settle();
    }
  }
}

function fail(expectation: string): never {
  throw new Error(`Expected that ${expectation}.`);
}
