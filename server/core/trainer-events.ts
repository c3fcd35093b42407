import type { BlobHash } from '../../shared/base/ids.ts';
import { claim, disown } from './blob-removal.ts';
import type { RoundStored } from './effect-values.ts';
import type { Event } from './events.ts';
import { advance, proposeState, voidOpenWork } from './job-run.ts';
import { restartReplica } from './replicas.ts';
import { keepStored } from './round.ts';
import { log, type Turn } from './turn.ts';

/**
 * Disk full, a broken promise of the core: the job waits for its admin, and has lost nothing that was committed. What
 * the trainer holds is not relied on any more.
 */
export function trainerFailed(turn: Turn, event: Extract<Event, { kind: 'trainerFailed' }>): void {
  const { state } = turn;
  const { jobId, during, code, message } = event;
  const replica = state.replicas.get(jobId);
  const run = state.runs.get(jobId);
  log(turn, 'error', 'trainer failed', { jobId, during, code, reason: message });
  if (run !== undefined) voidOpenWork(turn, run, 'The coordinator lost the job.');
  if (replica !== undefined) restartReplica(turn, replica);
  if (run === undefined) return;
  run.checkpoint = undefined;
  proposeState(turn, run, 'paused', `The coordinator could not go on (${code}): ${message}`);
}

export function roundStored(turn: Turn, event: RoundStored): void {
  const { state } = turn;
  const { aggregateHash } = event;
  const run = state.runs.get(event.jobId);
  const round = run?.round;
  if (run === undefined || round?.phase !== 'storing' || round.round !== event.round) {
    disown(state, [aggregateHash]);
    return;
  }
  if (!event.finite) {
    disown(state, [aggregateHash]);
    const reason = `Round ${event.round} would make parameters that are not finite. The model of version ${event.round} is kept; lower the learning rate or set clipNorm.`;
    proposeState(turn, run, 'failed', reason);
    return;
  }
  keepStored(round, event);
  hold(turn, [aggregateHash], true);
  advance(turn, event.jobId);
}

export function checkpointStored(turn: Turn, event: Extract<Event, { kind: 'checkpointStored' }>): void {
  const { jobId, version, manifestHash, blobs } = event;
  const { state, nowMs, effects } = turn;
  const hashes = [...new Set([manifestHash, ...blobs])];
  const run = state.runs.get(jobId);
  if (run?.checkpoint?.version !== version || run.checkpoint.blobs !== undefined) {
    disown(state, hashes);
    return;
  }
  run.checkpoint = { version, blobs: hashes };
  hold(turn, hashes, false);
  const command = { kind: 'checkpointCommitted', jobId, version, manifestHash, blobs, atMs: nowMs } as const;
  effects.push({ kind: 'propose', command });
}

/** On its way to the other coordinators before the command is ready that will name it. */
function hold({ state, effects }: Turn, hashes: readonly BlobHash[], isUrgent: boolean): void {
  if (state.epoch === undefined) return;
  claim(state, hashes, state.epoch);
  effects.push({ kind: 'pushBlobs', hashes, isUrgent });
}
