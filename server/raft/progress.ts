import type { NodeId } from './cluster-configuration.ts';
import { Inflight } from './inflight.ts';
import type { FollowerProgress, RaftOptions, Snapshot } from './raft.ts';

/** A snapshot on its way to one follower, chunk by chunk. It stays the same one while newer ones are made. */
export interface SnapshotTransfer {
  readonly snapshot: Snapshot;
  /** Where the chunk under way begins; the follower has everything before it. */
  offset: number;
  isChunkUnderWay: boolean;
  sentAtTick: number;
  /** After so long without an answer the chunk is sent again. */
  patienceTicks: number;
}

/**
 * What a leader knows of one follower. `probe`: where the logs agree is not known, so one append at a time is sent.
 * `replicate`: they agree up to `matchIndex`, and appends are sent ahead of their acknowledgements.
 * `snapshot`: what it needs next was dropped from the log.
 */
export interface Progress {
  readonly id: NodeId;
  /** It is a member no more, and has yet to be told. */
  isLeaving: boolean;
  state: FollowerProgress['state'];
  matchIndex: number;
  /** The next entry to send. Above `matchIndex`. */
  nextIndex: number;
  /** In `probe`: an append is on its way. */
  isProbeUnderWay: boolean;
  /** In `replicate`: an append is due even if there is no entry to send, to find out whether one was lost. */
  isCheckDue: boolean;
  readonly inflight: Inflight;
  /** The commit index that the last append told. */
  sentCommit: number;
  transfer: SnapshotTransfer | undefined;
  heardAtTick: number;
  /** The newest read for which it confirmed the leader. */
  confirmedReadId: number;
}

export function createProgress(
  id: NodeId,
  nextIndex: number,
  nowTick: number,
  options: RaftOptions,
): Progress {
  return {
    id,
    isLeaving: false,
    state: 'probe',
    matchIndex: 0,
    nextIndex,
    isProbeUnderWay: false,
    isCheckDue: false,
    inflight: new Inflight(options.inflightMessagesMax, options.inflightBytesMax),
    sentCommit: 0,
    transfer: undefined,
    heardAtTick: nowTick,
    confirmedReadId: 0,
  };
}

function enter(progress: Progress, state: Progress['state'], nextIndex: number): void {
  progress.state = state;
  progress.nextIndex = nextIndex;
  progress.isProbeUnderWay = false;
  progress.isCheckDue = false;
  progress.transfer = undefined;
  progress.inflight.clear();
}

export function enterProbe(progress: Progress, nextIndex: number): void {
  enter(progress, 'probe', Math.max(nextIndex, progress.matchIndex + 1));
  progress.sentCommit = 0;
}

export function enterReplicate(progress: Progress): void {
  enter(progress, 'replicate', progress.matchIndex + 1);
}

export function enterSnapshot(progress: Progress, snapshot: Snapshot, patienceTicks: number): void {
  enter(progress, 'snapshot', snapshot.meta.index + 1);
  progress.sentCommit = 0;
  progress.transfer = { snapshot, offset: 0, isChunkUnderWay: false, sentAtTick: 0, patienceTicks };
}
