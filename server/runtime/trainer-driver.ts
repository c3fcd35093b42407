import { GradswarmError } from '../../shared/base/errors.ts';
import type { JobId } from '../../shared/base/ids.ts';
import type { LeaderWork, StoreRound } from '../core/effect-values.ts';
import type { Effect, Event } from '../core/events.ts';
import type { PartialSum, Trainer, TrainerJob } from './ports.ts';

type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;
type ReplicaEffect = EffectOf<'openTrainer' | 'followRound'>;
type LeaderEffect = EffectOf<LeaderWork>;

export interface TrainerDriver {
  /** True when the effect was for the trainer. */
  execute(effect: Effect): boolean;
  /** The encoded delta that made `version` of the job, until the next round is stored. */
  delta(jobId: JobId, version: number): Uint8Array | undefined;
}

export interface TrainerDriverDependencies {
  readonly trainer: Trainer;
  /** What the trainer must know of a job, without the plan. */
  describe(jobId: JobId): Omit<TrainerJob, 'plan'>;
  /**
   * What other coordinators have summed of a round that is to be stored; undefined when it cannot be stored, of which the
   * core was told, or need not be any more.
   */
  collect?(effect: StoreRound): Promise<readonly PartialSum[] | undefined>;
  post(event: Event): void;
  onFatal(error: unknown): void;
}

/**
 * Turns the core's tensor effects into calls of the trainer, and its answers into events. The trainer works its
 * messages off in order, so a snapshot asked for after `installRound` holds the installed round.
 */
export function createTrainerDriver(dependencies: TrainerDriverDependencies): TrainerDriver {
  const { trainer, describe, collect, post, onFatal } = dependencies;
  const opened = new Set<JobId>();
  const deltas = new Map<JobId, { readonly version: number; readonly bytes: Uint8Array }>();

  /** A job's own failure concerns that job; anything else stops the process. */
  const orElse = (work: Promise<void>, fail: (error: GradswarmError) => void): void => {
    work.catch((error: unknown) => {
      if (error instanceof GradswarmError) fail(error);
      else onFatal(error);
    });
  };

  const bring = async (effect: ReplicaEffect): Promise<void> => {
    const { kind, jobId, attempt } = effect;
    if (kind === 'openTrainer') {
      const arrived = await trainer.open({ ...describe(jobId), plan: effect.plan });
      post({ kind: 'trainerOpened', jobId, attempt, ...arrived });
    } else {
      const { delta, ...arrived } = await trainer.followRound(jobId, effect.round, effect.aggregateHash);
      keepDelta(jobId, arrived.version, delta);
      post({ kind: 'roundFollowed', jobId, attempt, ...arrived });
    }
  };

  const reduce = async (effect: EffectOf<'reduce'>): Promise<void> => {
    const { jobId, round, unit, leaseId, codec, seed, weight, normMax, payload } = effect;
    const content = { codec, seed, weight, normMax, payload };
    const outcome = await trainer.reduce({ jobId, round, unit, ...content });
    post({ kind: 'contributionReduced', jobId, round, unit, leaseId, outcome });
  };

  const mergeSum = async (effect: EffectOf<'mergeSum'>): Promise<void> => {
    const { jobId, round, ringEpoch, workerId, weight, normMax, hash, payload } = effect;
    const outcome = await trainer.mergeSum({ jobId, round, weight, normMax, hash, payload });
    post({ kind: 'ringSumMerged', jobId, round, ringEpoch, workerId, outcome });
  };

  /** The answer may come after the job was closed, when nothing would ever drop these bytes. */
  const keepDelta = (jobId: JobId, version: number, bytes: Uint8Array): void => {
    if (opened.has(jobId)) deltas.set(jobId, { version, bytes });
  };

  const storeRound = async (effect: EffectOf<'storeRound'>): Promise<void> => {
    const { jobId, round, weight } = effect;
    const partials = effect.edge === undefined ? [] : await collect?.(effect);
    // Sums are missing, or the round was given up meanwhile.
    if (partials === undefined) return;
    const stored = await trainer.storeRound(jobId, round, weight, partials);
    const { aggregateHash, parametersHash, finite, delta } = stored;
    keepDelta(jobId, round + 1, delta);
    post({ kind: 'roundStored', jobId, round, aggregateHash, parametersHash, finite });
  };

  const storeCheckpoint = async (jobId: JobId, version: number): Promise<void> => {
    const { manifestHash, blobs } = await trainer.storeCheckpoint(jobId, version);
    post({ kind: 'checkpointStored', jobId, version, manifestHash, blobs });
  };

  const work = (effect: LeaderEffect): Promise<void> => {
    switch (effect.kind) {
      case 'closeTrainer':
        opened.delete(effect.jobId);
        deltas.delete(effect.jobId);
        return trainer.close(effect.jobId);
      case 'reduce':
        return reduce(effect);
      case 'mergeSum':
        return mergeSum(effect);
      case 'storeRound':
        return storeRound(effect);
      case 'installRound':
        return trainer.installRound(effect.jobId, effect.round);
      case 'discardRound':
        return trainer.discardRound(effect.jobId, effect.round);
      case 'storeCheckpoint':
        return storeCheckpoint(effect.jobId, effect.version);
    }
  };

  return {
    execute(effect) {
      switch (effect.kind) {
        case 'openTrainer':
        case 'followRound': {
          const { jobId, attempt } = effect;
          if (effect.kind === 'openTrainer') opened.add(jobId);
          orElse(bring(effect), ({ code, message }) =>
            post({ kind: 'replicaFailed', jobId, attempt, code, message }),
          );
          return true;
        }
        case 'closeTrainer':
        case 'reduce':
        case 'mergeSum':
        case 'storeRound':
        case 'installRound':
        case 'discardRound':
        case 'storeCheckpoint': {
          const { kind: during, jobId } = effect;
          orElse(work(effect), ({ code, message }) =>
            post({ kind: 'trainerFailed', jobId, during, code, message }),
          );
          return true;
        }
        default:
          return false;
      }
    },
    delta(jobId, version) {
      const held = deltas.get(jobId);
      return held?.version === version ? held.bytes : undefined;
    },
  };
}
