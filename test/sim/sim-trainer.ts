import type { LeaderWork, StoreRound } from '../../server/core/effect-values.ts';
import type { Effect, Event } from '../../server/core/events.ts';
import type { JobRecord } from '../../server/core/job-record.ts';
import { describeJob } from '../../server/runtime/job-actions.ts';
import type { PartialSum } from '../../server/runtime/ports.ts';
import { JobTrainer } from '../../server/runtime/trainer/job-trainer.ts';
import type { TrainerStores } from '../../server/runtime/trainer/open-state.ts';
import { assert } from '../../shared/base/assert.ts';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { BlobHash, JobId } from '../../shared/base/ids.ts';
import type { SimLog } from './sim-log.ts';
import type { World } from './world.ts';

type ReplicaEffect = Extract<Effect, { kind: 'openTrainer' | 'followRound' }>;
type TrainerEffect = ReplicaEffect | Extract<Effect, { kind: LeaderWork }>;

/** What others have summed: workers, or the followers that serve them. */
export interface Summed {
  readonly units?: readonly number[];
  readonly partials?: readonly PartialSum[];
}

export interface SimTrainerOptions {
  readonly world: World;
  readonly log: SimLog;
  readonly stores: TrainerStores;
  jobOf(jobId: JobId): JobRecord;
  post(event: Event): void;
  /** Whether this store fails, as on a full disk. */
  fails(): boolean;
  /** Whether the reducer fails now. */
  reduceFails(): boolean;
  /** Time for which the thread is busy with other things before it works, or before it is heard. */
  stallMs(): number;
}

/** The product's trainer behind a queue that is worked off in order, each message after a while. */
export class SimTrainer {
  private readonly jobs = new Map<JobId, JobTrainer>();
  /** Units in the open sum of each job: every unit of a round must be there exactly once when it is stored. */
  private readonly summed = new Map<JobId, number[]>();
  private idleAtMs = 0;
  private heardAtMs = 0;
  private isAlive = true;

  private readonly options: SimTrainerOptions;

  constructor(options: SimTrainerOptions) {
    this.options = options;
  }

  /** The process ends: messages in the queue are never worked off. */
  kill(): void {
    this.isAlive = false;
  }

  published(jobId: JobId): { version: number; parametersHash: BlobHash; values: Float32Array } | undefined {
    const snapshot = this.jobs.get(jobId)?.snapshot();
    if (snapshot === undefined) return undefined;
    const { version, parametersHash, bytes } = snapshot;
    return {
      version,
      parametersHash,
      values: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4),
    };
  }

  execute(effect: TrainerEffect, more: Summed = {}): void {
    this.queue(() => this.perform(effect, more));
  }

  /** As the methods of the trainer that followers, and who collects from them, call. */
  ask<Value>(jobId: JobId, work: (job: JobTrainer | undefined) => Value, done: (value: Value) => void): void {
    this.queue(() => {
      const value = work(this.jobs.get(jobId));
      this.tell(() => done(value));
    });
  }

  /** Whether the reducer fails now. */
  get fails(): boolean {
    return this.options.reduceFails();
  }

  private queue(work: () => void): void {
    const { world, stallMs } = this.options;
    this.idleAtMs = Math.max(this.idleAtMs, world.nowMs) + world.between(0.1, 8) + stallMs();
    world.schedule(this.idleAtMs - world.nowMs, () => {
      if (this.isAlive) work();
    });
  }

  private perform(effect: TrainerEffect, more: Summed): void {
    const { kind, jobId } = effect;
    try {
      const event = this.work(effect, more);
      if (event !== undefined) this.report(event);
    } catch (error) {
      if (!(error instanceof GradswarmError)) throw error;
      const { code, message } = error;
      if (kind === 'openTrainer' || kind === 'followRound') {
        this.report({ kind: 'replicaFailed', jobId, attempt: effect.attempt, code, message });
      } else {
        this.report({ kind: 'trainerFailed', jobId, during: kind, code, message });
      }
    }
    this.checkBits(jobId);
  }

  /** Whoever holds a version holds the bits that were committed. */
  private checkBits(jobId: JobId): void {
    const trainer = this.jobs.get(jobId);
    const committed = trainer && this.options.log.hashOf(jobId, trainer.version);
    if (trainer === undefined || committed === undefined) return;
    assert(
      trainer.parametersHash === committed,
      `version ${trainer.version} of ${jobId} is what was committed`,
    );
  }

  /** The work is done before the coordinator hears of it. */
  private report(event: Event): void {
    this.tell(() => this.options.post(event));
  }

  private tell(hear: () => void): void {
    const { world, stallMs } = this.options;
    this.heardAtMs = Math.max(this.heardAtMs, world.nowMs) + world.between(0.1, 8) + stallMs();
    world.schedule(this.heardAtMs - world.nowMs, () => {
      if (this.isAlive) hear();
    });
  }

  private work(effect: TrainerEffect, more: Summed): Event | undefined {
    const { jobId } = effect;
    switch (effect.kind) {
      case 'openTrainer':
        return this.open(effect);
      case 'followRound': {
        const arrived = this.opened(jobId).followRound(effect.round, effect.aggregateHash);
        this.summed.set(jobId, []);
        return { kind: 'roundFollowed', jobId, attempt: effect.attempt, ...arrived };
      }
      case 'closeTrainer':
        this.jobs.delete(jobId);
        return undefined;
      case 'reduce':
        return this.reduce(effect);
      case 'mergeSum': {
        const { round, ringEpoch, workerId, weight, hash, normMax, payload } = effect;
        const sum = { weight, bytes: payload };
        const outcome = this.opened(jobId).mergeSum(round, sum, hash, normMax);
        if (outcome.accepted) this.summed.get(jobId)?.push(...(more.units ?? []));
        return { kind: 'ringSumMerged', jobId, round, ringEpoch, workerId, outcome };
      }
      case 'storeRound':
        return this.store(effect, more);
      case 'installRound':
        this.opened(jobId).installRound(effect.round);
        this.summed.set(jobId, []);
        return undefined;
      case 'discardRound':
        this.jobs.get(jobId)?.discardRound(effect.round);
        this.summed.set(jobId, []);
        return undefined;
      case 'storeCheckpoint': {
        const stored = this.opened(jobId).storeCheckpoint(effect.version);
        return { kind: 'checkpointStored', jobId, version: effect.version, ...stored };
      }
    }
  }

  private open({ jobId, attempt, plan }: Extract<Effect, { kind: 'openTrainer' }>): Event {
    const job = describeJob(this.options.jobOf(jobId));
    this.jobs.delete(jobId);
    const trainer = new JobTrainer({ ...job, plan }, this.options.stores);
    this.jobs.set(jobId, trainer);
    this.summed.set(jobId, []);
    const { version, parametersHash } = trainer;
    return { kind: 'trainerOpened', jobId, attempt, version, parametersHash };
  }

  private reduce(effect: Extract<Effect, { kind: 'reduce' }>): Event {
    const { jobId, round, unit, leaseId, codec, seed, weight, normMax, payload } = effect;
    if (this.options.reduceFails()) throw new GradswarmError('unavailable', 'out of memory');
    const trainer = this.jobs.get(jobId);
    const closed = { accepted: false, code: 'jobNotRunning', message: 'closed' } as const;
    const content = { unit, codec, seed, weight, normMax, payload };
    const outcome = trainer?.reduce(round, content) ?? closed;
    if (outcome.accepted) this.summed.get(jobId)?.push(unit);
    return { kind: 'contributionReduced', jobId, round, unit, leaseId, outcome };
  }

  private store(effect: StoreRound, { partials = [], units = [] }: Summed): Event {
    const { jobId, round, weight } = effect;
    const slots = [...(this.summed.get(jobId) ?? []), ...units];
    assert(new Set(slots).size === slots.length, `round ${round} of ${jobId} has no unit twice`);
    if (this.options.fails()) throw new GradswarmError('unavailable', 'no space left on device');
    const { aggregateHash, parametersHash, finite } = this.opened(jobId).storeRound(round, weight, partials);
    this.options.log.stored({ jobId, round, slots, aggregateHash });
    return { kind: 'roundStored', jobId, round, aggregateHash, parametersHash, finite };
  }

  private opened(jobId: JobId): JobTrainer {
    const trainer = this.jobs.get(jobId);
    assert(trainer !== undefined, `job ${jobId} is open in the trainer`);
    return trainer;
  }
}
