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
 * A store leaves a blob alone that is there already. So a blob may not be removed while a store is under way whose hash
 * is not known yet: it might be the same bytes (two jobs with one seed, two rounds without a gradient). Removals wait for
 * the stores under way, and new stores for the removals, so neither waits for long.
 *
 * While the log is replayed nothing is removed: a blob that one command released may be named again by a later one, and
 * it is on the disk once.
 */
export function mayStore({ isRemovalWaiting }: CoordinatorState): boolean {
  return !isRemovalWaiting;
}

/** A blob was stored here for a command of the leader of `epoch`. */
export function claim(state: CoordinatorState, hashes: readonly BlobHash[], epoch: number): void {
  for (const hash of hashes) {
    const isClaimed = state.claims.add(hash, epoch);
    // The command was first, and perhaps the one that released the blob as well.
    if (!isClaimed) state.released.add(hash);
  }
}

/** Blobs that were claimed for a command that will not be proposed. */
export function giveBack(state: CoordinatorState, hashes: readonly BlobHash[]): void {
  for (const hash of hashes) {
    state.claims.settle(hash);
    state.released.add(hash);
  }
}

/** `command` has been decided. Where it was refused, nothing names its blobs on its behalf. */
export function settleClaims(state: CoordinatorState, command: Command, isApplied: boolean): void {
  if (!state.isLive) return;
  for (const hash of releasableBlobs(command)) {
    state.claims.settle(hash);
    if (!isApplied) state.released.add(hash);
  }
}

/** An entry of `epoch` is applied: what earlier leaders proposed and is not in the log by now never will be. */
export function reachEpoch(state: CoordinatorState, epoch: number): void {
  for (const hash of state.claims.reach(epoch)) state.released.add(hash);
}

/** Removes what was released, unless blobs are in use. True when removals no longer wait. */
export function removeBlobs({ state, effects }: Turn): boolean {
  const { released, claims, isLive, replicas, replicated } = state;
  if (!isLive || released.size === 0) return false;
  const needed = new Set([...replicas.values()].flatMap(neededBlobs));
  const due = [...released].filter((hash) => !needed.has(hash));
  state.isRemovalWaiting = due.length > 0 && state.storesUnderWay > 0;
  if (due.length === 0 || state.isRemovalWaiting) return false;
  for (const hash of due) released.delete(hash);
  const hashes = [...unreferenced(replicated, due)].filter((hash) => !claims.has(hash));
  for (const hash of hashes) claims.forget(hash);
  if (hashes.length > 0) effects.push({ kind: 'removeBlobs', hashes });
  return true;
}
