import { GradswarmError } from '../../../shared/base/errors.ts';
import type { BlobHash } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import type { ClusterConfiguration, NodeId } from '../../raft/cluster-configuration.ts';
import { isMajority, votersOf } from './blob-majority.ts';
import { createPushLane, type PushLane } from './push-lane.ts';

export interface BlobReplicationDependencies {
  readonly self: NodeId;
  configuration(): ClusterConfiguration;
  /** Calls `done` once, unless the returned function is called before. */
  push(to: NodeId, hash: BlobHash, epoch: number, done: (error?: GradswarmError) => void): () => void;
  readonly timers: Timers;
}

/**
 * Brings blobs from the leader's disk to the others', so that a command is proposed only when all that it names is
 * durable on a majority. Every naming command has its blobs pushed anew, even where an earlier one named the same bytes:
 * the receiver counts on that (`Claims` of the core).
 */
export interface BlobReplication {
  /** Begins an epoch; what was under way in another one is cancelled. */
  lead(epoch: number): void;
  /** This coordinator does not lead: everything is cancelled, and what waits fails. */
  rest(): void;
  /** Starts on blobs that a command will name soon. */
  begin(hashes: readonly BlobHash[], isUrgent: boolean): void;
  /** Calls `done` when all are durable on a majority: at once when they are. Fails as `unavailable`. */
  secure(hashes: readonly BlobHash[], done: (error?: GradswarmError) => void): void;
  /** Nothing names them any more. */
  forget(hashes: readonly BlobHash[]): void;
}

interface Pushed {
  readonly holders: Set<NodeId>;
  /** Coordinators that it is on its way to. */
  readonly targets: Set<NodeId>;
  readonly isUrgent: boolean;
  readonly waiting: Set<Waiting>;
  /** The command has been let through: the next one starts anew. */
  isUsed: boolean;
}

interface Waiting {
  readonly missing: Set<BlobHash>;
  readonly done: (error?: GradswarmError) => void;
}

export function createBlobReplication(dependencies: BlobReplicationDependencies): BlobReplication {
  const { self, configuration, push, timers } = dependencies;
  const blobs = new Map<BlobHash, Pushed>();
  const lanes = new Map<NodeId, PushLane>();
  let epoch: number | undefined;
  let waits = 0;
  let stopChecking: (() => void) | undefined;

  const isNeeded = (hash: BlobHash): boolean => {
    const blob = blobs.get(hash);
    return blob !== undefined && !isMajority(configuration(), blob.holders);
  };

  const laneTo = (to: NodeId): PushLane => {
    const known = lanes.get(to);
    if (known !== undefined) return known;
    const lane = createPushLane({
      push: (hash, done) => push(to, hash, epoch ?? 0, done),
      isNeeded,
      settled: (hash, isStored) => settle(to, hash, isStored),
      timers,
    });
    lanes.set(to, lane);
    return lane;
  };

  const settle = (from: NodeId, hash: BlobHash, isStored: boolean): void => {
    const blob = blobs.get(hash);
    if (blob === undefined) return;
    blob.targets.delete(from);
    if (isStored) blob.holders.add(from);
    check(hash, blob);
  };

  /** Lets go whoever waited for nothing but this blob. */
  const check = (hash: BlobHash, blob: Pushed): void => {
    if (isMajority(configuration(), blob.holders)) {
      const waiting = [...blob.waiting];
      blob.waiting.clear();
      for (const wait of waiting) pass(hash, wait);
      for (const to of [...blob.targets]) lanes.get(to)?.trim();
    }
    if (blob.isUsed && blob.targets.size === 0 && blob.waiting.size === 0) drop(hash, blob);
  };

  const pass = (hash: BlobHash, wait: Waiting): void => {
    wait.missing.delete(hash);
    if (wait.missing.size > 0) return;
    waits -= 1;
    wait.done();
  };

  const drop = (hash: BlobHash, blob: Pushed): void => {
    if (blobs.get(hash) === blob) blobs.delete(hash);
    for (const to of blob.targets) lanes.get(to)?.drop(hash);
  };

  const pushToVoters = (hash: BlobHash, blob: Pushed): void => {
    for (const to of votersOf(configuration())) {
      if (blob.holders.has(to) || blob.targets.has(to)) continue;
      blob.targets.add(to);
      laneTo(to).add(hash, blob.isUrgent);
    }
  };

  const open = (hash: BlobHash, isUrgent: boolean): Pushed => {
    const known = blobs.get(hash);
    if (known !== undefined && (!known.isUsed || known.waiting.size > 0)) return known;
    if (known !== undefined) drop(hash, known);
    const holders = new Set([self]);
    const blob: Pushed = { holders, targets: new Set(), isUrgent, waiting: new Set(), isUsed: false };
    blobs.set(hash, blob);
    pushToVoters(hash, blob);
    bound();
    return blob;
  };

  /** What is forgotten is pushed again when a command names it. */
  const bound = (): void => {
    if (blobs.size <= limits.blobPushesTrackedMax) return;
    for (const [hash, blob] of blobs) {
      if (blob.waiting.size > 0) continue;
      drop(hash, blob);
      return;
    }
  };

  /** Members come and go while commands wait. */
  const keepChecking = (): void => {
    if (stopChecking !== undefined || waits === 0) return;
    stopChecking = timers.after(limits.blobQuorumCheckMs, () => {
      stopChecking = undefined;
      for (const [hash, blob] of [...blobs]) {
        if (blob.waiting.size === 0) continue;
        pushToVoters(hash, blob);
        check(hash, blob);
      }
      keepChecking();
    });
  };

  const rest = (): void => {
    if (epoch === undefined) return;
    epoch = undefined;
    waits = 0;
    stopChecking?.();
    stopChecking = undefined;
    for (const lane of lanes.values()) lane.close();
    lanes.clear();
    const waiting = new Set([...blobs.values()].flatMap((blob) => [...blob.waiting]));
    blobs.clear();
    const message = 'This coordinator leads no longer, and its change is not made; try again.';
    for (const { done } of waiting) done(new GradswarmError('notLeader', message));
  };

  return {
    lead(next) {
      if (next === epoch) return;
      rest();
      epoch = next;
    },
    rest,
    begin(hashes, isUrgent) {
      if (epoch === undefined) return;
      for (const hash of hashes) open(hash, isUrgent);
    },
    secure(hashes, done) {
      if (epoch === undefined) {
        done(new GradswarmError('unavailable', 'This coordinator does not lead; connect to the leader.'));
        return;
      }
      const wait: Waiting = { missing: new Set(hashes), done };
      waits += 1;
      const opened = [...wait.missing].map((hash) => [hash, open(hash, true)] as const);
      for (const [, blob] of opened) {
        blob.isUsed = true;
        blob.waiting.add(wait);
      }
      for (const [hash, blob] of opened) check(hash, blob);
      keepChecking();
    },
    forget(hashes) {
      for (const hash of hashes) {
        const blob = blobs.get(hash);
        if (blob?.waiting.size === 0) drop(hash, blob);
      }
    },
  };
}
