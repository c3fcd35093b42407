import type { ReplicatedState } from '../../server/core/replicated-state.ts';
import { fromSnapshot, type Snapshot, toSnapshot } from '../../server/core/snapshot.ts';

/** A snapshot as the log keeps it. */
export function formatSnapshot(state: ReplicatedState): string {
  return JSON.stringify(toSnapshot(state));
}

export function parseSnapshot(text: string): ReplicatedState {
  return fromSnapshot(JSON.parse(text) as Snapshot);
}
