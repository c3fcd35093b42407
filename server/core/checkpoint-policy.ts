import { limits } from '../../shared/base/limits.ts';
import type { JobRecord } from './job-record.ts';

/**
 * Disk use of one job is bounded by two checkpoints (the newest and the one being written) and
 * `2 * roundsBetween + 1` aggregates (one more is stored before its round is committed): a round that would exceed it
 * waits until the checkpoint is committed and the aggregates that it covers are removed. A follower keeps as many more
 * while its replica lags behind. A round that was given up after it was stored leaves one more blob, as long as its
 * command may still come (`Claims`).
 */
export function isCheckpointOverdue(job: JobRecord): boolean {
  return job.aggregates.length >= aggregatesMax(job);
}

/** Aggregates that a job names at most. */
export function aggregatesMax(job: JobRecord): number {
  return 2 * roundsBetween(job);
}

/** Whether a checkpoint of the current version should be taken. */
export function isCheckpointDue(job: JobRecord): boolean {
  return job.aggregates.length >= roundsBetween(job);
}

/** Rounds from one checkpoint to the next. */
function roundsBetween({ document }: JobRecord): number {
  const { everyRounds } = document.checkpoint;
  return everyRounds >= 1 ? Math.min(everyRounds, limits.checkpointRoundsMax) : limits.checkpointRoundsMax;
}
