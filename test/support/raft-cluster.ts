import type { NodeId } from '../../server/raft/cluster-configuration.ts';
import type { Message } from '../../server/raft/message.ts';
import type { Peers } from '../../server/runtime/peers.ts';
import { RaftLog } from '../../server/runtime/raft-log.ts';
import { PowerLoss, SimulatedDisk } from '../../server/storage/disk/simulated-disk.ts';
import { openRaftStorage } from '../../server/storage/raft-storage.ts';
import { createRandom, type Random } from '../../shared/base/random.ts';

interface Running {
  readonly log: RaftLog;
  readonly tick: (count: number) => void;
}

export interface RaftClusterOptions {
  readonly voters: readonly NodeId[];
  readonly trailingEntries?: number;
  readonly segmentBytes?: number;
  /** What the network does to messages; nothing when absent. */
  readonly network?: SimulatedNetwork;
}

/** Fractions of all messages, drawn from the seed. What is held back comes after messages that were sent later. */
export interface SimulatedNetwork {
  readonly seed: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly heldBack: number;
}

/**
 * Members of a cluster in one process, each on a simulated disk of its own. Time passes for all of them at once, and
 * what they say arrives between two ticks, so that a busy machine takes nobody's leadership away.
 */
export class RaftCluster {
  readonly disks = new Map<NodeId, SimulatedDisk>();
  /** Failures, except of members that were killed. */
  readonly fatal: string[] = [];
  readonly #options: RaftClusterOptions;
  readonly #running = new Map<NodeId, Running>();
  readonly #addresses = new Map<NodeId, readonly NodeId[]>();
  readonly #isolated = new Set<NodeId>();
  readonly #deaf = new Set<NodeId>();
  #inTransit: Message[] = [];
  #seed = 1;
  readonly #chance: Random;
  readonly #timer: NodeJS.Timeout;

  constructor(options: RaftClusterOptions) {
    this.#options = options;
    this.#chance = createRandom(options.network?.seed ?? 0);
    this.#timer = setInterval(() => this.tick(), 1);
  }

  get running(): readonly NodeId[] {
    return [...this.#running.keys()];
  }

  /** Starts a member on what its disk holds; `joins` for one that waits to be added. */
  async start(id: NodeId, joins = false): Promise<RaftLog> {
    const disk = this.disks.get(id) ?? new SimulatedDisk();
    this.disks.set(id, disk);
    const { voters, segmentBytes, trailingEntries } = this.#options;
    const onFatal = (error: unknown): void => {
      if (error instanceof PowerLoss) return;
      this.fatal.push(`${id}: ${error instanceof Error ? error.message : String(error)}`);
    };
    const opened = await openRaftStorage({
      folder: 'data',
      clusterId: '0f'.repeat(16),
      nodeId: id,
      initialVoters: joins ? {} : Object.fromEntries(voters.map((voter) => [voter, addressOf(voter)])),
      disk,
      onFatal,
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
    });
    let tick: ((count: number) => void) | undefined;
    const log = await RaftLog.open({
      nodeId: id,
      opened,
      peers: this.#peersOf(id),
      random: createRandom(this.#seed++),
      onFatal,
      ...(trailingEntries === undefined ? {} : { trailingEntries }),
      startTicker: (onTicks) => {
        tick = onTicks;
        return () => this.#running.delete(id);
      },
    });
    if (tick) this.#running.set(id, { log, tick });
    return log;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.#options.voters.map((id) => this.start(id)));
  }

  log(id: NodeId): RaftLog {
    const running = this.#running.get(id);
    if (!running) throw new Error(`${id} does not run.`);
    return running.log;
  }

  /** Resolves with the member that leads those that can be reached. */
  async leader(): Promise<NodeId> {
    for (;;) {
      for (const [id, { log }] of this.#running) {
        if (log.leadership().isLeader && !this.#isolated.has(id)) return id;
      }
      await this.turn();
    }
  }

  async leaderOtherThan(id: NodeId): Promise<NodeId> {
    for (;;) {
      const leading = [...this.#running].find(
        ([other, { log }]) => other !== id && log.leadership().isLeader,
      );
      if (leading) return leading[0];
      await this.turn();
    }
  }

  /** Resolves when every member that can be reached has applied `index`. */
  async applied(index: number): Promise<void> {
    const reached = () => [...this.#running].filter(([id]) => !this.#isolated.has(id));
    while (reached().some(([, { log }]) => log.status().appliedIndex < index)) await this.turn();
  }

  /** As SIGKILL and a power cut would: what its disk had not synced is lost. */
  kill(id: NodeId): void {
    const { log } = this.#running.get(id) ?? {};
    this.#running.delete(id);
    const disk = this.disks.get(id);
    if (!disk || !log) throw new Error(`${id} does not run.`);
    this.disks.set(id, disk.crash('lose'));
    disk.powerFailsAfter = 0;
    log.close().catch(() => {});
  }

  isolate(...ids: readonly NodeId[]): void {
    for (const id of ids) this.#isolated.add(id);
  }

  /** What `id` says arrives, and it hears nothing. */
  isolateReceiving(id: NodeId): void {
    this.#deaf.add(id);
  }

  heal(): void {
    this.#isolated.clear();
    this.#deaf.clear();
  }

  membersKnownTo(id: NodeId): readonly NodeId[] {
    return this.#addresses.get(id) ?? [];
  }

  tick(): void {
    for (const { tick } of [...this.#running.values()]) tick(1);
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 1));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ log }) => log.close()));
    this.#running.clear();
  }

  async dispose(): Promise<void> {
    clearInterval(this.#timer);
    await this.stop();
  }

  #peersOf(id: NodeId): Pick<Peers, 'send' | 'setMembers' | 'describe'> {
    return {
      send: (message) => {
        if (this.#inTransit.length === 0) setImmediate(() => this.#deliver());
        this.#inTransit.push(message);
      },
      setMembers: (addresses) => this.#addresses.set(id, Object.keys(addresses).sort()),
      describe: (other) => ({ id: other, isConnected: true, clientUrl: `http://${other}/` }),
    };
  }

  /** Connections are to members only; one that joins is found by those whom it does not know yet. */
  #speaksWith(id: NodeId, other: NodeId): boolean {
    const known = this.membersKnownTo(id);
    return known.length === 0 || known.includes(other);
  }

  #takeArriving(): readonly Message[] {
    const sent = this.#inTransit;
    this.#inTransit = [];
    const { network } = this.#options;
    if (network === undefined) return sent;
    const happens = (fraction: number): boolean => this.#chance.unit() < fraction;
    const arriving: Message[] = [];
    for (const message of sent) {
      if (happens(network.lost)) continue;
      if (happens(network.duplicated)) arriving.push(message);
      if (happens(network.heldBack)) this.#inTransit.push(message);
      else arriving.push(message);
    }
    if (this.#inTransit.length > 0) setImmediate(() => this.#deliver());
    return arriving;
  }

  #deliver(): void {
    const messages = this.#takeArriving();
    for (const message of messages) {
      if (this.#isolated.has(message.from) || this.#isolated.has(message.to)) continue;
      if (this.#deaf.has(message.to)) continue;
      if (!this.#speaksWith(message.from, message.to) || !this.#speaksWith(message.to, message.from))
        continue;
      this.#running.get(message.to)?.log.receive(message);
    }
  }
}

export const addressOf = (id: NodeId): string => `host-${id}:1`;
