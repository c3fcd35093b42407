import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { CommittedSource } from '../../runtime/committed-stream.ts';
import type { LogItem } from '../../runtime/ports.ts';
import { EtcdError, retryDelayMs } from './etcd-error.ts';
import type { Feed } from './feed.ts';
import type { EtcdGateway } from './gateway.ts';
import type { EtcdKeys } from './keys.ts';
import type { LogView } from './log-view.ts';
import { pause } from './pause.ts';
import { readPage } from './read-page.ts';
import type { SnapshotStorage } from './snapshot-storage.ts';

export interface LogReaderDependencies {
  readonly gateway: EtcdGateway;
  readonly keys: EtcdKeys;
  readonly view: LogView;
  readonly feed: Feed;
  readonly snapshots: SnapshotStorage;
  readonly signal: AbortSignal;
}

/** What consumers of the log read: from memory when they keep up, else from etcd. Waits while etcd is away. */
export class LogReader implements CommittedSource {
  readonly #dependencies: LogReaderDependencies;

  constructor(dependencies: LogReaderDependencies) {
    this.#dependencies = dependencies;
  }

  get firstIndex(): number {
    return this.#dependencies.view.firstIndex;
  }

  get lastIndex(): number {
    return this.#dependencies.view.lastIndex;
  }

  get isClosed(): boolean {
    return this.#dependencies.signal.aborted;
  }

  async readSnapshot(): Promise<LogItem | undefined> {
    return this.#untilReached(async () => {
      const { view, snapshots, feed } = this.#dependencies;
      const { snapshot } = view;
      const bytes = snapshot && (await snapshots.readState(snapshot));
      if (bytes) return { kind: 'snapshot', index: snapshot.index, epoch: snapshot.epoch, bytes };
      // A newer one has taken its place.
      await feed.load();
      if (view.snapshot !== snapshot) return undefined;
      throw this.#missing(`The snapshot at ${snapshot?.index}`);
    });
  }

  async readItems(from: number): Promise<readonly LogItem[]> {
    const { gateway, keys, view, signal } = this.#dependencies;
    const items = await this.#untilReached(async () => {
      const recent = view.readRecent(from);
      if (recent) return recent;
      const knownRevision = view.revision;
      const page = await readPage(gateway, keys, from - 1, { signal });
      if (page.revision < knownRevision) {
        // A member of etcd that lags behind.
        await pause(limits.etcdRetryDelayMs, signal);
        return undefined;
      }
      if (page.snapshot) view.setSnapshot(page.snapshot);
      if (from < view.firstIndex) return [];
      const found = page.batches.flatMap(({ batch }) => batch).filter(({ index }) => index >= from);
      if (found[0]?.index !== from) throw this.#missing(`Entry ${from}`);
      return found;
    });
    return items ?? [];
  }

  changed(signal: AbortSignal): Promise<void> {
    return this.#dependencies.view.changed(signal);
  }

  /** What `read` gives, once it is not undefined; undefined when the log is closed first. @throws GradswarmError. */
  async #untilReached<Result>(read: () => Promise<Result | undefined>): Promise<Result | undefined> {
    while (!this.isClosed) {
      try {
        const result = await read();
        if (result !== undefined) return result;
      } catch (error) {
        if (this.isClosed) return undefined;
        if (!(error instanceof EtcdError)) throw error;
        await pause(retryDelayMs(error), this.#dependencies.signal);
      }
    }
    return undefined;
  }

  #missing(what: string): GradswarmError {
    return new GradswarmError(
      'corrupted',
      `${what} of the log below ${this.#dependencies.keys.prefix} in etcd is missing. Restore etcd from a copy, or use ` +
        'another prefix to begin anew.',
    );
  }
}
