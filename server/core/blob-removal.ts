import type { CoordinatorState } from './coordinator-state.ts';
import { unreferenced } from './replicated-state.ts';
import type { Turn } from './turn.ts';

/**
 * A store leaves a blob alone that is there already. So a blob may not be removed while a store is under way whose hash
 * is not known yet: it might be the same bytes (two jobs with one seed, two rounds without a gradient). Removals wait for
 * the stores under way, and new stores for the removals, so neither waits for long. A trainer that is being opened
 * reads the blobs of its plan, and is waited for as well.
 *
 * Who does not lead removes nothing: while the log is replayed, a blob that one command released may be named again by a
 * later one, and it is on the disk once.
 */
export function mayStore({ released }: CoordinatorState): boolean {
  return released.size === 0;
}

/** Removes what was released, unless blobs are in use. True when removals no longer wait. */
export function removeBlobs({ state, effects }: Turn): boolean {
  if (state.epoch === undefined || state.released.size === 0 || areBlobsInUse(state)) return false;
  const removable = unreferenced(state.replicated, state.released);
  state.released.clear();
  for (const { round, checkpoint } of state.runs.values()) {
    if (round?.stored !== undefined) removable.delete(round.stored.aggregateHash);
    for (const hash of checkpoint?.blobs ?? []) removable.delete(hash);
  }
  if (removable.size > 0) effects.push({ kind: 'removeBlobs', hashes: [...removable] });
  return true;
}

function areBlobsInUse({ runs }: CoordinatorState): boolean {
  for (const { isOpen, round, checkpoint } of runs.values()) {
    if (!isOpen) return true;
    if (round?.phase === 'storing') return true;
    if (checkpoint !== undefined && checkpoint.blobs === undefined) return true;
  }
  return false;
}
