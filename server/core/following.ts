import { claim, reachEpoch } from './blob-removal.ts';
import type { Event } from './events.ts';
import { loseLeadership } from './leadership.ts';
import { realignReplica, reconcileReplicas } from './replicas.ts';
import { referencedBlobs } from './replicated-state.ts';
import { log, type Turn } from './turn.ts';

type EventOf<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>;

/** The past is applied: from here on this coordinator keeps what the others rely on. */
export function catchUp(turn: Turn, { epoch, blobs }: EventOf<'caughtUp'>): void {
  const { state } = turn;
  state.isLive = true;
  const named = referencedBlobs(state.replicated);
  const found = new Set(blobs);
  // What no command names was left behind by a crash, or stored in an earlier life for a command that is on its way.
  claim(
    state,
    blobs.filter((hash) => !named.has(hash)),
    epoch,
  );
  const missing = [...named].filter((hash) => !found.has(hash));
  if (missing.length > 0) {
    log(turn, 'warn', 'blobs are missing', { count: missing.length });
    turn.effects.push({ kind: 'fetchBlobs', hashes: missing, isExpected: false });
  }
  reconcileReplicas(turn);
}

/** This coordinator was so far behind that the log before `replicated` is gone. */
export function loadSnapshot(turn: Turn, { epoch, replicated }: EventOf<'snapshotLoaded'>): void {
  const { state, effects } = turn;
  loseLeadership(turn);
  const before = state.replicated;
  state.replicated = replicated;
  if (!state.isLive) return;
  reachEpoch(state, epoch);
  const [formerly, now] = [referencedBlobs(before), referencedBlobs(replicated)];
  for (const hash of formerly) if (!now.has(hash)) state.released.add(hash);
  const hashes = [...now].filter((hash) => !formerly.has(hash));
  if (hashes.length > 0) effects.push({ kind: 'fetchBlobs', hashes, isExpected: false });
  for (const replica of state.replicas.values()) {
    const job = replicated.jobs.get(replica.jobId);
    if (job !== undefined) realignReplica(turn, replica, job);
  }
  reconcileReplicas(turn);
  for (const jobId of replicated.jobs.keys()) effects.push({ kind: 'jobChanged', jobId });
}

export function blobStored({ state, effects }: Turn, { epoch, hash }: EventOf<'blobStored'>): void {
  claim(state, [hash], epoch);
  // Whatever released it before: the leader of this epoch counts on the copy.
  state.released.delete(hash);
  if (state.epoch === epoch) effects.push({ kind: 'pushBlobs', hashes: [hash], isUrgent: false });
}
