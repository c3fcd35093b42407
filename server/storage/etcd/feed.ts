import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { isUnreachable, retryDelayMs } from './etcd-error.ts';
import type { EtcdGateway } from './gateway.ts';
import { type WatchEvent, watchRange } from './gateway-messages.ts';
import { type EtcdKeys, endOf } from './keys.ts';
import type { LogView } from './log-view.ts';
import { pause } from './pause.ts';
import { type Page, readBatch, readLeader, readMember, readPage, readText } from './read-page.ts';
import type { Roster } from './roster.ts';
import { decodeReference } from './snapshot-reference.ts';
import type { SnapshotStorage } from './snapshot-storage.ts';

export interface FeedDependencies {
  readonly gateway: EtcdGateway;
  readonly keys: EtcdKeys;
  readonly view: LogView;
  readonly roster: Roster;
  readonly snapshots: SnapshotStorage;
  /** Aborted when the log is closed. */
  readonly signal: AbortSignal;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Keeps the view up with etcd: what is there is read, and what comes is watched. A watch is in order and without gaps,
 * but may fall silent or end at a compaction of etcd's history; what is missing is then read again.
 */
export class Feed {
  readonly #dependencies: FeedDependencies;
  #watch = new AbortController();
  #watched = '';
  #hasHeard = false;
  /** Polls in a row that found news while the watch was silent. */
  #missed = 0;

  constructor(dependencies: FeedDependencies) {
    this.#dependencies = dependencies;
  }

  /** Until the log is closed. */
  async run(): Promise<void> {
    const { signal, onFailure } = this.#dependencies;
    while (!signal.aborted) {
      let delayMs: number = limits.etcdRetryDelayMs;
      try {
        await this.#follow((await this.load()) + 1);
      } catch (error) {
        delayMs = retryDelayMs(error);
        if (!signal.aborted) onFailure(error);
      }
      await pause(delayMs, signal);
    }
  }

  /**
   * Brings the view up to what etcd holds at the revision returned, which is `minimumRevision` or later.
   * @throws EtcdError, GradswarmError `corrupted`.
   */
  async load(minimumRevision = 0): Promise<number> {
    const { gateway, keys, view, signal } = this.#dependencies;
    let staleAnswers = 0;
    while (true) {
      // What the watch tells while this is under way may well be newer than the answer.
      const knownRevision = Math.max(minimumRevision, view.revision);
      const page = await readPage(gateway, keys, view.lastIndex, { signal });
      // A member that was stopped and goes on may answer from its past once.
      if (page.revision < knownRevision) {
        if (++staleAnswers > limits.etcdStaleAnswersMax) throw wentBack(keys.prefix);
        await pause(limits.etcdRetryDelayMs, signal);
        continue;
      }
      await this.#take(page);
      if (page.isComplete && view.lastIndex >= (page.headIndex ?? 0)) return page.revision;
    }
  }

  /** Reads what the watch may have missed. One that is silent while there are news is moved to another member. */
  async poll(): Promise<void> {
    const { gateway, view, roster } = this.#dependencies;
    const { lastIndex } = view;
    const { leader } = roster;
    await this.load();
    const hasNews = view.lastIndex > lastIndex || roster.leader?.epoch !== leader?.epoch;
    this.#missed = hasNews && !this.#hasHeard ? this.#missed + 1 : 0;
    this.#hasHeard = false;
    // A living watch tells what the first of two polls found before the second.
    if (this.#missed < 2) return;
    this.#missed = 0;
    gateway.avoid(this.#watched);
    this.#watch.abort();
  }

  async #take(page: Page): Promise<void> {
    const { keys, view, roster, snapshots } = this.#dependencies;
    const { revision, batches, headIndex, snapshot } = page;
    if (headIndex === undefined) throw wentBack(keys.prefix);
    if (headIndex < view.lastIndex && revision >= view.revision) throw wentBack(keys.prefix);
    view.noteRevision(revision);
    roster.update(revision, page.roster);
    if (snapshot) view.setSnapshot(snapshot);
    if (snapshot && snapshot.firstIndex > view.lastIndex + 1) {
      const sessions = await snapshots.readSessions(snapshot);
      // Undefined when a newer snapshot has taken its place meanwhile: the next page tells of that.
      if (sessions) view.restart(snapshot, sessions);
      return;
    }
    for (const { batch, bytes } of batches) {
      if (!view.accept(batch, bytes)) throw entriesMissing(keys.prefix, view.lastIndex + 1);
    }
    if (page.isComplete && headIndex > view.lastIndex) throw entriesMissing(keys.prefix, view.lastIndex + 1);
  }

  /** Returns when the watch has ended or left a gap: then what is missing is to be read. @throws GradswarmError. */
  async #follow(startRevision: number): Promise<void> {
    const { gateway, keys, signal } = this.#dependencies;
    this.#watch = new AbortController();
    this.#watched = gateway.endpoint;
    const stop = (): void => this.#watch.abort();
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    try {
      const request = watchRange(keys.live, endOf(keys.live), startRevision);
      for await (const { events, isCompacted, isCancelled } of gateway.watch(request, this.#watch.signal)) {
        this.#hasHeard ||= events.length > 0;
        if (isCompacted || isCancelled || !events.every((event) => this.#apply(event))) return;
      }
    } catch (error) {
      // Whether etcd can be reached at all shows when it is read next.
      if (!isUnreachable(error)) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** False when entries before it are missing. */
  #apply({ isDelete, pair }: WatchEvent): boolean {
    const { keys, view, roster } = this.#dependencies;
    const { key, modRevision } = pair;
    view.noteRevision(modRevision);
    if (key === keys.leader) {
      roster.update(modRevision, { leader: isDelete ? undefined : readLeader(pair) });
    } else if (key === keys.successor) {
      roster.update(modRevision, { successor: isDelete ? undefined : readText(pair) });
    } else if (key.startsWith(keys.members)) {
      const member = isDelete ? undefined : readMember(pair);
      roster.updateMember(modRevision, key.slice(keys.members.length), member);
    } else if (isDelete) {
      // Entries are deleted together with the change of the snapshot, and nothing else ever is.
      return true;
    } else if (key === keys.snapshot) {
      view.setSnapshot(decodeReference(key, pair.value));
    } else if (key.startsWith(keys.log)) {
      const { batch, bytes } = readBatch(pair);
      return view.accept(batch, bytes);
    }
    return true;
  }
}

function entriesMissing(prefix: string, index: number): GradswarmError {
  return new GradswarmError(
    'corrupted',
    `Entry ${index} of the log below ${prefix} in etcd is missing. Restore etcd from a copy, or use another prefix to ` +
      'begin anew.',
  );
}

function wentBack(prefix: string): GradswarmError {
  return new GradswarmError(
    'corrupted',
    `etcd holds less below ${prefix} than it did before. When it was restored from a copy, start every coordinator ` +
      'again, so that all of them go on from what it holds now.',
  );
}
