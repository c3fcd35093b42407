import type { SnapshotMeta } from './message.ts';

/** A snapshot of which not all chunks have come yet. */
export interface IncomingSnapshot {
  readonly meta: SnapshotMeta;
  /** Of the leader that sent its last chunk. */
  term: number;
  readonly bytes: Uint8Array;
  received: number;
}
