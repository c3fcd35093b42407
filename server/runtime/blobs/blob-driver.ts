import { GradswarmError } from '../../../shared/base/errors.ts';
import type { BlobHash } from '../../../shared/base/ids.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import type { Command } from '../../core/commands.ts';
import type { CoordinatorState } from '../../core/coordinator-state.ts';
import type { CallRef, Effect, Event } from '../../core/events.ts';
import { blobsToSecure } from '../../core/named-blobs.ts';
import { type ClusterConfiguration, isSoleVoter, type NodeId } from '../../raft/cluster-configuration.ts';
import type { BlobStore } from '../ports.ts';
import { createBlobFetcher } from './blob-fetcher.ts';
import { createBlobReplication } from './blob-replication.ts';
import type { PeerBlobs } from './peer-blobs.ts';

type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;

export interface BlobDriver {
  /** True when the effect was about blobs. */
  execute(effect: Effect): boolean;
  /** The one way into the log: what the command names is on a majority first. */
  propose(command: Command, call: CallRef | undefined): void;
  /** To be called between two events, so that nothing goes on for an epoch that is over. */
  followEpoch(): void;
  /**
   * What the leader of `epoch` asks for.
   * @throws GradswarmError `staleEpoch`, `hashMismatch`, `unavailable` when the disk is full.
   */
  storeForLeader(hash: BlobHash, bytes: Uint8Array, epoch: number): void;
  /** Resolves when the blob is here. Rejects with `notFound` or `unavailable`. */
  fetchIfMissing(hash: BlobHash): Promise<void>;
  peersChanged(): void;
  /** Blobs that jobs and data sets name and that are not here yet. */
  readonly missing: number;
  close(): void;
}

export interface BlobDriverDependencies {
  readonly self: NodeId;
  configuration(): ClusterConfiguration;
  readonly state: CoordinatorState;
  readonly blobs: BlobStore;
  readonly peerBlobs: PeerBlobs;
  readonly timers: Timers;
  /** Hands a command whose blobs are safe to the log. */
  toLog(command: Command, call: CallRef | undefined): void;
  post(event: Event): void;
  log(effect: EffectOf<'log'>): void;
}

export function createBlobDriver(dependencies: BlobDriverDependencies): BlobDriver {
  const { self, configuration, state, blobs, peerBlobs, timers, toLog, post, log } = dependencies;
  const replication = createBlobReplication({ self, configuration, push: peerBlobs.push, timers });
  const fetcher = createBlobFetcher({
    peers: () => Object.keys(configuration().addresses).filter((id) => id !== self),
    has: (hash) => blobs.has(hash),
    isIntact: (hash) => isReadable(blobs, hash),
    store(hash, bytes) {
      if (blobs.has(hash)) blobs.delete(hash);
      blobs.put(bytes);
    },
    fetch: peerBlobs.fetch,
    timers,
  });
  let readers = 0;

  const isAlone = (): boolean => isSoleVoter(configuration(), self);

  const followEpoch = (): void => {
    if (state.epoch === undefined) replication.rest();
    else replication.lead(state.epoch);
  };

  const fetch = ({ hashes, isExpected, replica }: EffectOf<'fetchBlobs'>): void => {
    if (replica === undefined) {
      fetcher.want(hashes, { isExpected });
      return;
    }
    const { jobId, attempt, mustVerify } = replica;
    fetcher.demand(`replica ${jobId}`, hashes, { isExpected, mustVerify }, (error) => {
      if (error === undefined) post({ kind: 'blobsFetched', jobId, attempt });
      else post({ kind: 'replicaFailed', jobId, attempt, code: error.code, message: error.message });
    });
  };

  const remove = (hashes: readonly BlobHash[]): void => {
    replication.forget(hashes);
    fetcher.forget(hashes);
    for (const hash of hashes) blobs.delete(hash);
  };

  const secure = (command: Command, call: CallRef | undefined, hashes: readonly BlobHash[]): void => {
    followEpoch();
    const stopTelling = timers.after(limits.blobSlowMs, () => {
      const message = 'a change waits until a majority of the coordinators has stored its blobs';
      const fields = { command: command.kind, blobs: hashes.length };
      log({ kind: 'log', level: 'warn', message, fields });
    });
    replication.secure(hashes, (error) => {
      stopTelling();
      if (error === undefined) {
        toLog(command, call);
        return;
      }
      const callField = call === undefined ? {} : { call };
      post({ kind: 'proposalFailed', command, ...callField, code: error.code, message: error.message });
    });
  };

  return {
    execute(effect) {
      switch (effect.kind) {
        case 'pushBlobs':
          followEpoch();
          if (!isAlone()) replication.begin(effect.hashes, effect.isUrgent);
          return true;
        case 'fetchBlobs':
          fetch(effect);
          return true;
        case 'removeBlobs':
          remove(effect.hashes);
          return true;
        default:
          return false;
      }
    },
    propose(command, call) {
      // Alone, what is on this disk is on a majority.
      const hashes = isAlone() ? [] : blobsToSecure(state.replicated, command);
      if (hashes.length === 0) toLog(command, call);
      else secure(command, call, hashes);
    },
    followEpoch,
    storeForLeader(hash, bytes, epoch) {
      if (epoch < state.claims.appliedEpoch) {
        const message = `Epoch ${epoch} is over; this coordinator knows of ${state.claims.appliedEpoch}.`;
        throw new GradswarmError('staleEpoch', message);
      }
      const stored = blobs.put(bytes);
      if (stored !== hash) {
        // Under its own name it is claimed, and removed when nobody comes for it.
        post({ kind: 'blobStored', epoch, hash: stored });
        throw new GradswarmError('hashMismatch', `The bytes have the hash ${stored}, not ${hash}.`);
      }
      fetcher.arrived(hash);
      post({ kind: 'blobStored', epoch, hash });
    },
    fetchIfMissing(hash) {
      if (blobs.has(hash)) return Promise.resolve();
      return new Promise((resolve, reject) => {
        readers += 1;
        const key = `reader ${readers}`;
        const stopWaiting = timers.after(limits.blobFetchWaitMs, () => {
          fetcher.demand(key, [], {}, () => {});
          reject(new GradswarmError('unavailable', `Blob ${hash} is still on its way here; try again.`));
        });
        fetcher.demand(key, [hash], {}, (error) => {
          stopWaiting();
          if (error === undefined) resolve();
          else reject(error);
        });
      });
    },
    peersChanged() {
      fetcher.retry();
    },
    get missing() {
      return fetcher.missing;
    },
    close() {
      replication.rest();
      fetcher.close();
    },
  };
}

function isReadable(blobs: BlobStore, hash: BlobHash): boolean {
  try {
    blobs.get(hash);
    return true;
  } catch (error) {
    if (error instanceof GradswarmError) return false;
    throw error;
  }
}
