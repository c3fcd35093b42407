import { GradswarmError } from '../../../shared/base/errors.ts';
import type { EtcdGateway } from './gateway.ts';
import type { EtcdKeys } from './keys.ts';
import type { LogView } from './log-view.ts';
import { readPage } from './read-page.ts';
import type { SnapshotStorage } from './snapshot-storage.ts';

export interface CompactorDependencies {
  readonly gateway: EtcdGateway;
  readonly keys: EtcdKeys;
  readonly view: LogView;
  readonly snapshots: SnapshotStorage;
  readonly trailingEntries: number;
  readonly signal: AbortSignal;
  /** The epoch under which this process leads, if it does. */
  readonly epoch: () => number | undefined;
  readonly onFailure: (error: unknown) => void;
}

/** Replaces old entries by snapshots, one at a time. The log is shared, so the leader does this for all. */
export class Compactor {
  readonly #dependencies: CompactorDependencies;
  #queue: Promise<void> = Promise.resolve();
  /** Revision of etcd at which the last snapshot was stored. */
  #revision: number | undefined;

  constructor(dependencies: CompactorDependencies) {
    this.#dependencies = dependencies;
  }

  /** What etcd cannot do now is reported, and done with the next snapshot. @throws GradswarmError `badRequest`. */
  compact(index: number, state: Uint8Array): Promise<void> {
    const compaction = this.#queue.then(() => this.#compactNow(index, state));
    this.#queue = compaction.catch(() => {});
    return compaction;
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.#queue;
  }

  async #compactNow(index: number, state: Uint8Array): Promise<void> {
    const { view, signal, epoch, onFailure } = this.#dependencies;
    if (index > view.lastIndex) {
      throw new GradswarmError('badRequest', `Entry ${index} is not committed, so it has no snapshot.`);
    }
    const leaderEpoch = epoch();
    if (index <= (view.snapshot?.index ?? 0) || leaderEpoch === undefined) return;
    try {
      await this.#store(index, state, leaderEpoch);
    } catch (error) {
      if (!signal.aborted) onFailure(error);
    }
  }

  async #store(index: number, state: Uint8Array, leaderEpoch: number): Promise<void> {
    const { view, snapshots, trailingEntries } = this.#dependencies;
    const epoch = await this.#epochAt(index);
    // Together, so that the sessions are exactly those of the entry named.
    const sessionsIndex = view.lastIndex;
    const sessions = view.sessions.encode();
    const firstIndex = Math.max(view.firstIndex, index - trailingEntries + 1);
    const content = { index, epoch, firstIndex, sessionsIndex, sessions, state };
    const stored = await snapshots.store(content, leaderEpoch);
    if (stored === undefined) return;
    view.noteRevision(stored.revision);
    view.setSnapshot(stored.reference);
    await this.#forgetHistory();
    this.#revision = stored.revision;
  }

  async #epochAt(index: number): Promise<number> {
    const { gateway, keys, view, signal } = this.#dependencies;
    const recent = view.readRecent(index);
    const items = recent ?? (await readPage(gateway, keys, index - 1, { signal }, 1)).batches[0]?.batch;
    const epoch = items?.find((item) => item.index === index)?.epoch;
    if (epoch !== undefined) return epoch;
    throw new GradswarmError('unavailable', `Entry ${index} has gone while its snapshot was taken.`);
  }

  /**
   * etcd keeps every old value until it is told otherwise. What was before the last snapshot but one is of no use here;
   * a failure is of none either.
   */
  async #forgetHistory(): Promise<void> {
    const { gateway, signal } = this.#dependencies;
    if (this.#revision === undefined) return;
    await gateway.call('/v3/kv/compaction', { revision: String(this.#revision) }, { signal }).catch(() => {});
  }
}
