import { GradswarmError } from '../../shared/base/errors.ts';
import type { JobId } from '../../shared/base/ids.ts';
import type { Effect, Event } from '../core/events.ts';
import type { Trainer, TrainerJob } from './ports.ts';

type TrainerEffect = Extract<
  Effect,
  {
    kind:
      | 'openTrainer'
      | 'closeTrainer'
      | 'reduce'
      | 'storeRound'
      | 'installRound'
      | 'discardRound'
      | 'storeCheckpoint';
  }
>;

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
  post(event: Event): void;
  onFatal(error: unknown): void;
}

/**
 * Turns the core's tensor effects into calls of the trainer, and its answers into events. The trainer works its
 * messages off in order, so a snapshot asked for after `installRound` holds the installed round.
 */
export function createTrainerDriver(dependencies: TrainerDriverDependencies): TrainerDriver {
  const { trainer, describe, post, onFatal } = dependencies;
  const opened = new Set<JobId>();
  const deltas = new Map<JobId, { readonly version: number; readonly bytes: Uint8Array }>();

  /** A job's own failure stops that job; anything else stops the process. */
  const orFailJob = (jobId: JobId, work: Promise<void>): void => {
    work.catch((error: unknown) => {
      if (!(error instanceof GradswarmError)) return onFatal(error);
      return post({ kind: 'trainerFailed', jobId, code: error.code, message: error.message });
    });
  };

  const open = async ({ jobId, plan }: Extract<Effect, { kind: 'openTrainer' }>): Promise<void> => {
    const { version, parametersHash } = await trainer.open({ ...describe(jobId), plan });
    post({ kind: 'trainerOpened', jobId, version, parametersHash });
  };

  const reduce = async (effect: Extract<Effect, { kind: 'reduce' }>): Promise<void> => {
    const { jobId, round, unit, leaseId, codec, weight, normMax, payload } = effect;
    const outcome = await trainer.reduce({ jobId, round, codec, weight, normMax, payload });
    post({ kind: 'contributionReduced', jobId, round, unit, leaseId, outcome });
  };

  const storeRound = async ({
    jobId,
    round,
    weight,
  }: Extract<Effect, { kind: 'storeRound' }>): Promise<void> => {
    const { aggregateHash, parametersHash, finite, delta } = await trainer.storeRound(jobId, round, weight);
    // The answer may come after the job was closed, when nothing would ever drop these bytes.
    if (opened.has(jobId)) deltas.set(jobId, { version: round + 1, bytes: delta });
    post({ kind: 'roundStored', jobId, round, aggregateHash, parametersHash, finite });
  };

  const storeCheckpoint = async (jobId: JobId, version: number): Promise<void> => {
    const { manifestHash, blobs } = await trainer.storeCheckpoint(jobId, version);
    post({ kind: 'checkpointStored', jobId, version, manifestHash, blobs });
  };

  const start = (effect: TrainerEffect): Promise<void> => {
    switch (effect.kind) {
      case 'openTrainer':
        opened.add(effect.jobId);
        return open(effect);
      case 'closeTrainer':
        opened.delete(effect.jobId);
        deltas.delete(effect.jobId);
        return trainer.close(effect.jobId);
      case 'reduce':
        return reduce(effect);
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
        case 'closeTrainer':
        case 'reduce':
        case 'storeRound':
        case 'installRound':
        case 'discardRound':
        case 'storeCheckpoint':
          orFailJob(effect.jobId, start(effect));
          return true;
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
