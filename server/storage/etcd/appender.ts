import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { ProposalId } from '../../raft/entry.ts';
import type { ProposalOutcome } from '../../runtime/ports.ts';
import {
  asBatch,
  type Batch,
  type Entry,
  encodeBatch,
  entryOverheadBytesMax,
  firstIndexOf,
  lastIndexOf,
} from './batch.ts';
import { EtcdError, isRefusal } from './etcd-error.ts';
import type { EtcdGateway } from './gateway.ts';
import {
  compareCreateRevision,
  compareValue,
  getKey,
  type JsonObject,
  put,
  readTransaction,
  type TransactionResult,
} from './gateway-messages.ts';
import { type EtcdKeys, padIndex } from './keys.ts';
import type { LogView } from './log-view.ts';
import { pause } from './pause.ts';
import { readIndex } from './read-page.ts';

interface Waiting {
  readonly command: Uint8Array;
  readonly proposal: ProposalId;
  settle(outcome: ProposalOutcome): void;
  refuse(error: unknown): void;
}

/** `refused`: it is not in the log and never will be. */
export type AppendOutcome = 'committed' | 'refused' | 'unknown';

export interface AppenderDependencies {
  readonly gateway: EtcdGateway;
  readonly keys: EtcdKeys;
  readonly view: LogView;
  /** Whether this process still believes that it leads under the epoch. */
  readonly holds: (epoch: number) => boolean;
  /** A transaction told that the epoch has ended. */
  readonly onDeposed: (epoch: number) => void;
  readonly hint: () => { readonly hint?: string };
  /** Aborted when the log is closed. */
  readonly signal: AbortSignal;
}

/**
 * Appends under one epoch, one transaction at a time; commands that come meanwhile go together into the next. A
 * transaction holds only while the leader's key is the one of the epoch and the log ends where the view does, so a
 * leader that was deposed cannot append whatever it believes, and one that is sent again cannot apply twice.
 */
export class Appender {
  readonly #dependencies: AppenderDependencies;
  readonly #pending = new Map<string, Promise<ProposalOutcome>>();
  #queue: Waiting[] = [];
  #pendingBytes = 0;
  #epoch: number | undefined;
  #running: Promise<void> | undefined;

  constructor(dependencies: AppenderDependencies) {
    this.#dependencies = dependencies;
  }

  /** From now on proposals are appended under `epoch`. */
  begin(epoch: number): void {
    this.#epoch = epoch;
  }

  /** Proposals that were not sent are answered `notLeader`. Resolves when nothing is under way. */
  async end(): Promise<void> {
    this.#epoch = undefined;
    const refused = this.#queue;
    this.#queue = [];
    for (const { settle } of refused) settle({ kind: 'notLeader', ...this.#dependencies.hint() });
    await this.#running;
  }

  /** The view does not hold the proposal. @throws GradswarmError `unavailable` when too much waits, and of etcd. */
  propose(command: Uint8Array, proposal: ProposalId): Promise<ProposalOutcome> {
    const key = `${proposal.sequence} ${proposal.clientId}`;
    const underWay = this.#pending.get(key);
    if (underWay) return underWay;
    if (this.#pendingBytes + command.length > limits.logUncommittedBytesMax) {
      throw new GradswarmError('unavailable', 'Too many changes wait for etcd; try again.');
    }
    this.#pendingBytes += command.length;
    const outcome = new Promise<ProposalOutcome>((settle, refuse) => {
      this.#queue.push({ command, proposal, settle, refuse });
    }).finally(() => {
      this.#pending.delete(key);
      this.#pendingBytes -= command.length;
    });
    this.#pending.set(key, outcome);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return outcome;
  }

  /** A leader's first entry. */
  async appendMarker(epoch: number): Promise<AppendOutcome> {
    return this.#append([{ kind: 'noop', index: this.#dependencies.view.lastIndex + 1, epoch }]);
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 && this.#epoch !== undefined) {
      const epoch = this.#epoch;
      const taken = this.#take();
      const firstIndex = this.#dependencies.view.lastIndex + 1;
      const entries = taken.map(({ command: bytes, proposal }, position): Entry => {
        return { kind: 'command', index: firstIndex + position, epoch, bytes, proposal };
      });
      try {
        const outcome = await this.#append(asBatch(entries));
        for (const [position, { settle }] of taken.entries()) {
          if (outcome === 'committed') settle({ kind: 'committed', index: firstIndex + position, epoch });
          else if (outcome === 'unknown') settle({ kind: 'unknown' });
          else settle({ kind: 'notLeader', ...this.#dependencies.hint() });
        }
      } catch (error) {
        for (const { refuse } of taken) refuse(error);
      }
    }
  }

  /** The next commands that fit into one value; one alone may be larger. */
  #take(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { command, proposal } of this.#queue) {
      bytes += command.length + Buffer.byteLength(proposal.clientId) + entryOverheadBytesMax;
      if (count > 0 && bytes > limits.etcdValueBytesMax) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  /** @throws EtcdError when etcd refused it, so that it is certainly not in the log. */
  async #append(batch: Batch): Promise<AppendOutcome> {
    const { gateway, view, holds, signal } = this.#dependencies;
    const value = encodeBatch(batch);
    const request = this.#request(batch, value);
    let mayBeApplied = false;
    while (true) {
      try {
        const answer = readTransaction(await gateway.call('/v3/kv/txn', request, { attempts: 1 }));
        if (!answer.succeeded) return this.#judge(batch, value, answer, mayBeApplied);
        view.noteRevision(answer.revision);
        view.accept(batch, value.length);
        return 'committed';
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        // What is refused now may have been applied when it was sent before.
        if (isRefusal(error) && !mayBeApplied) throw error;
        mayBeApplied = true;
        if (holds(batch[0].epoch)) await pause(limits.etcdRetryDelayMs, signal);
        if (!holds(batch[0].epoch)) return 'unknown';
      }
    }
  }

  #request(batch: Batch, value: Uint8Array): JsonObject {
    const { leader, head } = this.#dependencies.keys;
    const key = this.#keyOf(batch);
    return {
      compare: [
        compareCreateRevision(leader, batch[0].epoch),
        compareCreateRevision(key, 0),
        compareValue(head, String(firstIndexOf(batch) - 1)),
      ],
      success: [put(key, value), put(head, String(lastIndexOf(batch)))],
      failure: [getKey(leader), getKey(head), getKey(key)],
    };
  }

  /** The transaction did not hold: because it was applied when it was sent before, or because the epoch has ended. */
  #judge(
    batch: Batch,
    value: Uint8Array,
    { ranges, revision }: TransactionResult,
    mayBeApplied: boolean,
  ): AppendOutcome {
    const { view, onDeposed } = this.#dependencies;
    const [, head, stored] = ranges.map(({ pairs }) => pairs[0]);
    if (stored && Buffer.compare(stored.value, value) === 0) {
      view.noteRevision(revision);
      view.accept(batch, value.length);
      return 'committed';
    }
    onDeposed(batch[0].epoch);
    const isBeyondHead = head !== undefined && readIndex(head.value) < lastIndexOf(batch);
    // With the log beyond it and no value under its key, it may have been applied and compacted since.
    return mayBeApplied && !isBeyondHead && stored === undefined ? 'unknown' : 'refused';
  }

  #keyOf(batch: Batch): string {
    return `${this.#dependencies.keys.log}${padIndex(lastIndexOf(batch))}`;
  }
}
