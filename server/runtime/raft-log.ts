import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Random } from '../../shared/base/random.ts';
import {
  type ClusterConfiguration,
  isSoleVoter,
  type MembershipChange,
  type NodeId,
} from '../raft/cluster-configuration.ts';
import { createRaft } from '../raft/create-raft.ts';
import type { ProposalId } from '../raft/entry.ts';
import type { Message } from '../raft/message.ts';
import type { RaftOptions, RaftOutput, RaftStatus, Refused } from '../raft/raft.ts';
import { checkProposal } from './check-proposal.ts';
import type { ClusterLog, ClusterStatus } from './cluster-log.ts';
import { committedStream } from './committed-stream.ts';
import type { Peers } from './peers.ts';
import type { Leadership, LogItem, ProposalOutcome } from './ports.ts';
import { AppliedLog } from './raft/applied-log.ts';
import { AppliedSource } from './raft/applied-source.ts';
import { PendingBarriers } from './raft/pending-barriers.ts';
import { PendingChanges } from './raft/pending-changes.ts';
import { forgotten, PendingProposals } from './raft/pending-proposals.ts';
import { RaftDriver } from './raft/raft-driver.ts';
import type { OpenedStorage, RaftStorage } from './raft/raft-storage.ts';
import { refusalError } from './raft/refusal.ts';
import { type StartTicker, startTicker } from './raft/ticker.ts';

export interface RaftLogOptions {
  readonly nodeId: NodeId;
  readonly opened: OpenedStorage;
  readonly peers: Pick<Peers, 'send' | 'setMembers' | 'describe'>;
  /** Draws election timeouts: members must not share a seed. */
  readonly random: Random;
  /** An invariant is broken: the process should end and start again. The storage reports its own failures. */
  readonly onFatal: (error: unknown) => void;
  /** `host:port` of members, where it differs from what the log says of them. */
  readonly addresses?: Readonly<Record<NodeId, string>>;
  readonly trailingEntries?: number;
  readonly startTicker?: StartTicker;
}

/** A Raft member as a replicated log. A cluster of one is its own quorum, and leads as soon as it is open. */
export class RaftLog implements ClusterLog {
  readonly #options: Omit<RaftLogOptions, 'opened'>;
  readonly #storage: RaftStorage;
  readonly #trailingEntries: number;
  readonly #driver: RaftDriver;
  readonly #applied: AppliedLog;
  readonly #source: AppliedSource;
  readonly #proposals = new PendingProposals();
  readonly #barriers: PendingBarriers;
  readonly #changes = new PendingChanges();
  readonly #listeners = new Set<(leadership: Leadership) => void>();
  readonly #stopTicker: () => void;
  #leadership: Leadership = { isLeader: false, epoch: 0 };
  #leader: NodeId | undefined;
  #configuration: ClusterConfiguration | undefined;
  /** The last one that is committed; its members are spoken to until all that it was replaced by is committed too. */
  #committedConfiguration: ClusterConfiguration | undefined;
  #compaction: Promise<void> = Promise.resolve();
  #failure: unknown;

  /** Nothing here keeps `stored`, which holds the whole log as it was at the start. */
  private constructor(options: Omit<RaftLogOptions, 'opened'>, { storage, stored }: OpenedStorage) {
    this.#options = options;
    this.#storage = storage;
    this.#trailingEntries = options.trailingEntries ?? limits.logTrailingEntries;
    this.#applied = new AppliedLog(stored);
    this.#source = new AppliedSource(this.#applied, storage);
    const raft = createRaft(raftOptions(options), stored);
    this.#driver = new RaftDriver(raft, storage, {
      taking: () => this.#barriers.start(),
      send: (message) => options.peers.send(message),
      apply: (output) => this.#apply(output),
      settled: (status) => this.#settle(status),
      failed: (error, of) => {
        this.#failure = error;
        this.#stop();
        if (of === 'member') options.onFatal(error);
      },
    });
    this.#barriers = new PendingBarriers(raft, limits.raftElectionTicks);
    this.#stopTicker = (options.startTicker ?? startTicker)((count) => this.#tick(count));
    this.#committedConfiguration = raft.status().configuration;
    this.#settle(raft.status());
  }

  /** A cluster of one leads when this resolves; another may have no leader yet. */
  static async open({ opened, ...options }: RaftLogOptions): Promise<RaftLog> {
    const log = new RaftLog(options, opened);
    if (!isSoleVoter(log.status().configuration, options.nodeId)) return log;
    log.#tick(1);
    try {
      await log.barrier();
      return log;
    } catch (error) {
      await log.close();
      throw log.#failure ?? error;
    }
  }

  propose(command: Uint8Array, proposal: ProposalId): Promise<ProposalOutcome> {
    try {
      checkProposal(command, proposal);
      return this.#propose(command, proposal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  committed(afterIndex: number): AsyncIterable<LogItem> {
    return committedStream(this.#source, afterIndex);
  }

  barrier(): Promise<number> {
    if (this.#driver.isStopped) return Promise.reject(closedError());
    const reached = this.#barriers.add();
    this.#driver.plan();
    return reached;
  }

  leadership(): Leadership {
    return this.#leadership;
  }

  onLeadership(listener: (leadership: Leadership) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws GradswarmError `badRequest` when `index` is not committed. */
  compact(index: number, state: Uint8Array): Promise<void> {
    const compaction = this.#compaction.then(() => this.#compactNow(index, state));
    this.#compaction = compaction.catch(() => {});
    return compaction;
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#compaction;
    await this.#storage.close();
  }

  // ---- The cluster ---------------------------------------------------------------------------------------------------

  receive(message: Message): void {
    this.#driver.input((raft) => raft.step(message));
  }

  status(): ClusterStatus {
    const { appliedIndex, snapshot } = this.#applied;
    return { ...this.#driver.raft.status(), appliedIndex, snapshotIndex: snapshot?.meta.index ?? 0 };
  }

  async changeMembership(changes: readonly MembershipChange[]): Promise<void> {
    if (this.#driver.isStopped) throw closedError();
    const outcome = this.#driver.raft.changeMembership(changes);
    this.#driver.plan();
    if (outcome.kind !== 'accepted') throw this.#refusal(outcome);
    return this.#changes.awaitMembership(outcome);
  }

  async transferLeadership(to: NodeId): Promise<void> {
    if (this.#driver.isStopped) throw closedError();
    const outcome = this.#driver.raft.transferLeadership(to);
    this.#driver.plan();
    if (outcome.kind !== 'started') throw this.#refusal(outcome);
    return this.#changes.awaitTransfer(to, this.#driver.raft.status().term, limits.raftTransferTicks);
  }

  // ---- Inputs and outputs of the member ------------------------------------------------------------------------------

  #propose(command: Uint8Array, proposal: ProposalId): Promise<ProposalOutcome> {
    if (this.#driver.isStopped) return Promise.resolve({ kind: 'notLeader' });
    const underWay = this.#proposals.find(proposal);
    if (underWay) return underWay;
    const found = this.#applied.find(proposal);
    if (found === 'forgotten') throw forgotten(`${proposal.sequence} of ${proposal.clientId}`);
    if (found !== 'new') return Promise.resolve({ kind: 'committed', ...found });
    if (this.#proposals.bytes + command.length > limits.logUncommittedBytesMax) {
      throw new GradswarmError('unavailable', 'Too many changes wait to be committed; try again.');
    }
    const outcome = this.#driver.raft.propose(command, proposal);
    if (outcome.kind === 'accepted') {
      this.#driver.plan();
      return this.#proposals.add(outcome.index, outcome.term, proposal, command.length);
    }
    if (outcome.kind === 'refused' && outcome.reason !== 'transferring') throw this.#refusal(outcome);
    const { leader, transferTarget } = this.#driver.raft.status();
    const hint = this.#urlOf(transferTarget ?? leader);
    return Promise.resolve({ kind: 'notLeader', ...(hint === undefined ? {} : { hint }) });
  }

  #tick(count: number): void {
    this.#driver.input((raft) => {
      for (let ticked = 0; ticked < count; ticked++) {
        raft.tick();
        this.#changes.tick();
        this.#barriers.tick();
      }
    });
  }

  #apply({ installedSnapshot, committed, reads }: RaftOutput): void {
    if (installedSnapshot) {
      this.#applied.install(installedSnapshot);
      this.#committedConfiguration = installedSnapshot.meta.configuration;
      this.#configuration = undefined;
    }
    for (const entry of committed) {
      this.#proposals.settle(entry, this.#applied.apply(entry));
      if (entry.body.kind !== 'configuration') continue;
      this.#changes.settleMembership(entry);
      this.#committedConfiguration = entry.body.configuration;
      this.#configuration = undefined;
    }
    if (installedSnapshot || committed.length > 0) this.#source.wake();
    this.#barriers.settle(reads);
  }

  #settle(status: RaftStatus): void {
    const { role, term, leader, configuration } = status;
    const leads = role === 'leader';
    this.#proposals.abandonUnlessOf(leads ? term : undefined);
    this.#changes.update(status);
    if (configuration !== this.#configuration) this.#follow(configuration);
    if (leader !== this.#leader) {
      this.#leader = leader;
      if (leader !== undefined) this.#driver.input(() => this.#barriers.retry());
    }
    // The first entry of a leader's term: consumers find everything that was committed before it.
    this.#setLeadership({ isLeader: leads && this.#applied.appliedTerm === term, epoch: term });
  }

  #setLeadership(leadership: Leadership): void {
    const before = this.#leadership;
    this.#leadership = leadership;
    const isSame = before.isLeader === leadership.isLeader && before.epoch === leadership.epoch;
    if (isSame || (!before.isLeader && !leadership.isLeader)) return;
    for (const listener of [...this.#listeners]) listener(leadership);
  }

  /**
   * Of a joint configuration, members of both sides are named. A member that is being removed is spoken to until that is
   * committed: when it is the leader, it has to hear that others hold the entry that removes it.
   */
  #follow(configuration: ClusterConfiguration): void {
    this.#configuration = configuration;
    const { nodeId, peers, addresses = {} } = this.#options;
    const known = { ...this.#committedConfiguration?.addresses, ...configuration.addresses };
    const others = Object.entries(known)
      .filter(([id]) => id !== nodeId)
      .map(([id, address]) => [id, addresses[id] ?? address] as const);
    peers.setMembers(Object.fromEntries(others));
  }

  async #compactNow(index: number, state: Uint8Array): Promise<void> {
    const applied = this.#applied;
    const isOld = (): boolean => this.#driver.isStopped || index <= (applied.snapshot?.meta.index ?? 0);
    if (isOld()) return;
    if (index > applied.appliedIndex) {
      throw new GradswarmError('badRequest', `Entry ${index} is not committed, so it has no snapshot.`);
    }
    try {
      const entries = this.#source.entriesBehindSnapshot(index);
      const snapshot = await applied.makeSnapshot(index, state, entries);
      await this.#storage.saveSnapshot(snapshot);
      if (isOld()) return;
      applied.compact(snapshot, this.#trailingEntries);
      this.#source.wake();
      const keepFrom = Math.max(1, index - this.#trailingEntries + 1);
      this.#driver.input((raft) => raft.compact(snapshot, keepFrom));
      await this.#storage.dropEntries(keepFrom - 1);
    } catch (error) {
      // A snapshot of the leader may have emptied the log meanwhile, or the log was closed.
      if (!isOld()) throw error;
    }
  }

  #stop(): void {
    this.#stopTicker();
    this.#driver.stop();
    this.#proposals.abandonUnlessOf(undefined);
    this.#barriers.close();
    this.#changes.close();
    this.#source.close();
    this.#setLeadership({ isLeader: false, epoch: this.#leadership.epoch });
  }

  #urlOf(id: NodeId | undefined): string | undefined {
    return id === undefined ? undefined : this.#options.peers.describe(id)?.clientUrl;
  }

  #refusal(refused: Refused): GradswarmError {
    return refusalError(refused, (id) => this.#urlOf(id));
  }
}

const closedError = () => new GradswarmError('unavailable', 'The log is closed.');

function raftOptions({ nodeId, random }: Pick<RaftLogOptions, 'nodeId' | 'random'>): RaftOptions {
  return {
    id: nodeId,
    random,
    electionTicks: limits.raftElectionTicks,
    heartbeatTicks: limits.raftHeartbeatTicks,
    transferTicks: limits.raftTransferTicks,
    appendBytesMax: limits.raftAppendBytesMax,
    inflightMessagesMax: limits.raftInflightMessagesMax,
    inflightBytesMax: limits.raftInflightBytesMax,
    snapshotChunkBytes: limits.raftSnapshotChunkBytes,
    // The proposals that wait are counted in `PendingProposals`; the member counts what surrounds a command as well.
    uncommittedBytesMax: 2 * limits.logUncommittedBytesMax,
  };
}
