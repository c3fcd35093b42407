import { type ErrorCode, GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { ProposalId } from '../../raft/entry.ts';
import { checkProposal } from '../../runtime/check-proposal.ts';
import { committedStream } from '../../runtime/committed-stream.ts';
import type { Leadership, LogItem, ProposalOutcome, ReplicatedLog } from '../../runtime/ports.ts';
import { Appender } from './appender.ts';
import { claimPrefix } from './claim.ts';
import { Compactor } from './compactor.ts';
import { Election } from './election.ts';
import { EtcdError } from './etcd-error.ts';
import { Feed } from './feed.ts';
import { type EtcdCredentials, EtcdGateway } from './gateway.ts';
import { createKeys, type EtcdKeys } from './keys.ts';
import { LogReader } from './log-reader.ts';
import { LogView } from './log-view.ts';
import { Membership } from './membership.ts';
import { readPage } from './read-page.ts';
import { type EtcdMember, Roster } from './roster.ts';
import { SnapshotStorage } from './snapshot-storage.ts';

export interface EtcdConnection {
  /** Members of etcd, as `http://host:2379`; the more are named, the more may fail. */
  readonly endpoints: readonly string[];
  /** Several clusters may share one etcd, each below a prefix of its own. */
  readonly prefix: string;
  readonly credentials?: EtcdCredentials;
}

export interface EtcdLogOptions extends EtcdConnection {
  /** The cluster that this coordinator belongs to. */
  readonly clusterId: string;
  /** For this long after a leader fell silent nobody else leads. */
  readonly leaseSeconds?: number;
  readonly trailingEntries?: number;
  /** What etcd holds cannot be continued; the process should end. Proposals under way become `unknown`. */
  readonly onFatal: (error: Error) => void;
  /** Something that passes, or that an operator can mend while this goes on: told when it begins or changes. */
  readonly onProblem: (error: GradswarmError) => void;
}

export interface EtcdStatus {
  readonly leaderId: string | undefined;
  readonly epoch: number;
  readonly members: readonly EtcdMember[];
  /** The last entry that this coordinator knows of. */
  readonly lastIndex: number;
  /** What the newest snapshot covers; 0 without one. */
  readonly snapshotIndex: number;
}

/**
 * The cluster id below the prefix, which `candidate` becomes when nothing is there: a new coordinator takes it as its
 * own. @throws GradswarmError as `EtcdLog.open` does.
 */
export function claimEtcdCluster(connection: EtcdConnection, candidate: string): Promise<string> {
  const gateway = new EtcdGateway(connection.endpoints, connection.credentials);
  return claimPrefix(gateway, createKeys(connection.prefix), candidate);
}

/**
 * The replicated log in etcd. A coordinator that leads appends to it; all of them read it. What etcd has acknowledged
 * is committed, because etcd has it on a majority of its own members.
 */
export class EtcdLog implements ReplicatedLog {
  readonly #gateway: EtcdGateway;
  readonly #keys: EtcdKeys;
  readonly #options: EtcdLogOptions;
  readonly #view = new LogView();
  readonly #roster = new Roster();
  readonly #closing = new AbortController();
  readonly #appender: Appender;
  readonly #feed: Feed;
  readonly #election: Election;
  readonly #compactor: Compactor;
  readonly #reader: LogReader;
  readonly #membership: Membership;
  readonly #listeners = new Set<(leadership: Leadership) => void>();
  /** This coordinator among the members, once it has joined. */
  #id: string | undefined;
  #working: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;
  /** Code of the problem that was told last. */
  #problem: ErrorCode | undefined;

  private constructor(gateway: EtcdGateway, keys: EtcdKeys, options: EtcdLogOptions) {
    const { signal } = this.#closing;
    const view = this.#view;
    const roster = this.#roster;
    const onFailure = (error: unknown): void => this.#fail(error);
    this.#gateway = gateway;
    this.#keys = keys;
    this.#options = options;
    const snapshots = new SnapshotStorage(gateway, keys, signal);
    const shared = { gateway, keys, view, roster, snapshots, signal, onFailure };
    const feed = new Feed(shared);
    const appender = new Appender({
      ...shared,
      holds: (epoch) => this.#election.holds(epoch),
      onDeposed: (epoch) => this.#election.deposed(epoch),
      hint: () => this.#hint(),
    });
    this.#election = new Election({
      ...shared,
      feed,
      appender,
      leaseSeconds: options.leaseSeconds ?? limits.etcdLeaseSeconds,
      onLeadership: (leadership) => {
        for (const listener of this.#listeners) listener(leadership);
      },
      onSuccess: () => {
        this.#problem = undefined;
      },
    });
    this.#compactor = new Compactor({
      ...shared,
      trailingEntries: options.trailingEntries ?? limits.logTrailingEntries,
      epoch: () => {
        const { isLeader, epoch } = this.#election.leadership();
        return isLeader ? epoch : undefined;
      },
    });
    this.#reader = new LogReader({ ...shared, feed });
    this.#membership = new Membership(shared);
    roster.onChange(() => this.#rosterChanged());
    this.#feed = feed;
    this.#appender = appender;
  }

  /**
   * Resolves when the past is read. The leadership is sought from `join` on.
   * @throws GradswarmError `unavailable` when etcd cannot be reached for a while, `unsupportedProtocol`,
   *   `unauthenticated`, `forbidden`, `conflict` for another cluster's log, `dataFolderVersion`, `corrupted`.
   */
  static async open(options: EtcdLogOptions): Promise<EtcdLog> {
    checkOptions(options);
    const keys = createKeys(options.prefix);
    const gateway = new EtcdGateway(options.endpoints, options.credentials);
    const found = await claimPrefix(gateway, keys, options.clusterId);
    if (found !== options.clusterId) {
      throw new GradswarmError(
        'conflict',
        `${options.prefix} in etcd holds the log of cluster ${found}, and this coordinator's data folder is of cluster ` +
          `${options.clusterId}. Use another prefix, or an empty data folder to join that cluster.`,
      );
    }
    const log = new EtcdLog(gateway, keys, options);
    await log.#feed.load();
    log.#working = Promise.all([log.#feed.run(), log.#election.run()]);
    return log;
  }

  /**
   * Writes this coordinator down among the members, and seeks the leadership from now on.
   * @throws GradswarmError `conflict` when the id belongs to another data folder, `badRequest`, `unavailable`.
   */
  async join(member: EtcdMember): Promise<void> {
    await this.#membership.write(member);
    this.#id = member.id;
    this.#rosterChanged();
  }

  status(): EtcdStatus {
    const { leader, members } = this.#roster;
    return {
      leaderId: leader?.id,
      epoch: this.leadership().epoch,
      members: [...members.values()],
      lastIndex: this.#view.lastIndex,
      snapshotIndex: this.#view.snapshot?.index ?? 0,
    };
  }

  /** Whenever leader or members of the status may have changed. */
  onStatus(listener: () => void): () => void {
    return this.#roster.onChange(listener);
  }

  /** A member that is removed leads no longer, this one included. @throws GradswarmError `notFound`, `unavailable`. */
  removeMember(id: string): Promise<void> {
    return this.#membership.remove(id);
  }

  /** Resolves when `to` leads. @throws GradswarmError `notFound`, `conflict` when this does not lead, `unavailable`. */
  async transferLeadership(to: string): Promise<void> {
    if (!this.#roster.members.has(to)) {
      throw new GradswarmError('notFound', `No coordinator of this cluster is named "${to}".`, 'to');
    }
    if (to !== this.#id || !this.leadership().isLeader) await this.#election.transfer(to);
  }

  async propose(command: Uint8Array, proposal: ProposalId): Promise<ProposalOutcome> {
    if (this.#closed) return { kind: 'notLeader' };
    checkProposal(command, proposal);
    const found = this.#view.sessions.find(proposal);
    if (found === 'forgotten') {
      throw new GradswarmError(
        'conflict',
        `Proposal ${proposal.sequence} of ${proposal.clientId} is too old to know.`,
      );
    }
    if (found !== 'new') return { kind: 'committed', ...found };
    if (!this.#election.leadership().isLeader) return { kind: 'notLeader', ...this.#hint() };
    return this.#appender.propose(command, proposal);
  }

  committed(afterIndex: number): AsyncIterable<LogItem> {
    return committedStream(this.#reader, afterIndex);
  }

  /** @throws GradswarmError `unavailable` when etcd cannot be reached. */
  async barrier(): Promise<number> {
    const { signal } = this.#closing;
    const { headIndex = 0 } = await readPage(this.#gateway, this.#keys, this.#view.lastIndex, { signal }, 1);
    return Math.max(headIndex, this.#view.lastIndex);
  }

  leadership(): Leadership {
    return this.#election.leadership();
  }

  onLeadership(listener: (leadership: Leadership) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Only the leader's snapshot is stored, for all; what etcd cannot store now is left to the next one.
   * @throws GradswarmError `badRequest` when `index` is not committed.
   */
  compact(index: number, snapshot: Uint8Array): Promise<void> {
    return this.#compactor.compact(index, snapshot);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#election.resign();
    this.#closing.abort();
    this.#view.wake();
    await Promise.all([this.#working, this.#compactor.idle()]);
    await this.#election.idle();
  }

  #rosterChanged(): void {
    const isMember = this.#id !== undefined && this.#roster.members.has(this.#id);
    this.#election.stand(isMember ? this.#id : undefined);
    this.#election.rosterChanged();
  }

  #hint(): { readonly hint?: string } {
    const { leader, members } = this.#roster;
    if (leader === undefined || this.#election.isOwn(leader.epoch)) return {};
    const hint = members.get(leader.id)?.clientUrl;
    return hint ? { hint } : {};
  }

  /** What etcd refuses may pass, or be mended; what it holds wrongly cannot be gone on from. */
  #fail(error: unknown): void {
    if (this.#closed) return;
    const isPassing =
      error instanceof EtcdError || (error instanceof GradswarmError && error.code === 'tooLarge');
    if (isPassing) {
      if (error.code !== this.#problem) this.#options.onProblem(error);
      this.#problem = error.code;
      return;
    }
    this.close().catch(() => {});
    this.#options.onFatal(error instanceof Error ? error : new Error(String(error)));
  }
}

function checkOptions({ leaseSeconds = limits.etcdLeaseSeconds }: EtcdLogOptions): void {
  const { etcdLeaseSecondsMin: min, etcdLeaseSecondsMax: max } = limits;
  if (Number.isInteger(leaseSeconds) && leaseSeconds >= min && leaseSeconds <= max) return;
  throw new GradswarmError(
    'badRequest',
    `The lease in etcd takes ${min} to ${max} whole seconds.`,
    'leaseSeconds',
  );
}
