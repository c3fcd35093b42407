import type { BlobHash } from '../../shared/base/ids.ts';
import type { Command } from './commands.ts';
import type { CoordinatorState } from './coordinator-state.ts';
import { releasableBlobs } from './named-blobs.ts';
import { neededBlobs } from './replica.ts';
import { unreferenced } from './replicated-state.ts';
import type { Turn } from './turn.ts';

/**
 * Every coordinator removes blobs from its own disk when nothing names them any more: no job, no command that may be on
 * its way (`Claims`), no replica that still has to read them.
 *
 * Aggregates and checkpoints hold the name of their job and round, so no two commands name the same one, and what an
 * applied command has released is never named again. So a release may be followed at once, however far behind or ahead
 * the other coordinators are.
 *
 * While the log is replayed nothing is removed: a restart must find what its last entries name.
 */
export function removeBlobs({ state, effects }: Turn): void {
  const { released, claims, isLive, replicas, replicated } = state;
  if (!isLive || released.size === 0) return;
  const needed = new Set([...replicas.values()].flatMap(neededBlobs));
  const due = [...released].filter((hash) => !needed.has(hash));
  if (due.length === 0) return;
  for (const hash of due) released.delete(hash);
  const hashes = [...unreferenced(replicated, due)];
  for (const hash of hashes) claims.settle(hash);
  if (hashes.length > 0) effects.push({ kind: 'removeBlobs', hashes });
}

/** Blobs were stored here for a command of the leader of `epoch`. */
export function claim({ claims }: CoordinatorState, hashes: readonly BlobHash[], epoch: number): void {
  for (const hash of hashes) claims.add(hash, epoch);
}

/** Blobs that the trainer has stored and nobody asks for any more: unless another leader counts on them. */
export function disown({ claims, released }: CoordinatorState, hashes: readonly BlobHash[]): void {
  for (const hash of hashes) if (!claims.has(hash)) released.add(hash);
}

/** Blobs of this leader's own whose command will not be proposed. */
export function giveBack({ claims, released }: CoordinatorState, hashes: readonly BlobHash[]): void {
  for (const hash of hashes) {
    claims.settle(hash);
    released.add(hash);
  }
}

/** `command` is applied: from here on the job keeps its blobs. */
export function settleClaims({ claims }: CoordinatorState, command: Command): void {
  for (const hash of releasableBlobs(command)) claims.settle(hash);
}

/**
 * `command` was refused. Its leader has no other with these blobs on the way, and removes them; a follower does not know
 * whether the leader has, and waits for the next epoch.
 */
export function giveBackRefused(state: CoordinatorState, command: Command): void {
  const run = 'jobId' in command ? state.runs.get(command.jobId) : undefined;
  if (state.epoch === undefined || run?.round?.stored !== undefined || run?.checkpoint !== undefined) return;
  giveBack(state, releasableBlobs(command));
}

/** An entry of `epoch` is applied: what earlier leaders proposed and is not in the log by now never will be. */
export function reachEpoch({ claims, released }: CoordinatorState, epoch: number): void {
  for (const hash of claims.reach(epoch)) released.add(hash);
}
