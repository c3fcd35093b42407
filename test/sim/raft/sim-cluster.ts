import type { ClusterConfiguration, NodeId } from '../../../server/raft/cluster-configuration.ts';
import type { Message } from '../../../server/raft/message.ts';
import type { Raft, RaftStored } from '../../../server/raft/raft.ts';
import { createRandom, type Random } from '../../../shared/base/random.ts';
import { convergenceProblem } from './convergence.ts';
import type { RaftCore } from './core.ts';
import { EventQueue } from './event-queue.ts';
import { seeConfigurationChange } from './membership-sightings.ts';
import { Nemesis } from './nemesis.ts';
import { mayLoseOne } from './operator.ts';
import { Oracle } from './oracle.ts';
import { Sightings } from './sightings.ts';
import { SimClient } from './sim-client.ts';
import type { SimDisk } from './sim-disk.ts';
import { SimMember } from './sim-member.ts';
import { SimNetwork } from './sim-network.ts';
import type { SimProcess } from './sim-process.ts';
import { SnapshotCache } from './snapshot-cache.ts';
import {
  drawSwarmOptions,
  electionTicks,
  electionTimeoutMs,
  heartbeatTicks,
  type SwarmOptions,
  transferTicks,
} from './swarm-options.ts';
import { Trace } from './trace.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

const healthySyncMs = 2;
const healingMs = 10 * electionTimeoutMs;
const steadyMs = 3 * electionTimeoutMs;

/** A cluster, its clients and everything that befalls them, in one thread and in virtual time. */
export class SimCluster implements World {
  readonly core: RaftCore;
  readonly queue = new EventQueue();
  readonly random: Random;
  readonly options: SwarmOptions;
  readonly network: SimNetwork;
  readonly oracle: Oracle;
  readonly sightings = new Sightings();
  readonly trace: Trace;
  readonly snapshots = new SnapshotCache();
  readonly members: SimMember[] = [];
  readonly clients: readonly SimClient[];
  replyLoss = 0;
  startCount = 0;
  nextReadId = 1;
  isTroubled = true;
  private readonly byId = new Map<NodeId, SimMember>();
  private seenConfigurations = 1;

  constructor(core: RaftCore, seed: number, isRecorded: boolean) {
    this.core = core;
    this.random = createRandom(seed);
    this.options = drawSwarmOptions(this.random.fork('options'));
    this.trace = new Trace(this.queue, isRecorded);
    this.network = new SimNetwork(this.queue, this.random.fork('network'), this.deliver);
    const ids = Array.from({ length: this.options.memberCount }, (_, number) => idOf(number));
    const initial = configurationOf(ids);
    this.oracle = new Oracle(initial, this.sightings, this.options.trailing);
    for (const id of ids) this.add(id, initial);
    this.clients = Array.from(
      { length: this.options.clientCount },
      (_, number) => new SimClient(this, `client${number}`),
    );
  }

  /** Trouble for `troubleMs`, then healing, convergence in time, and a calm in which nothing may change any more. */
  run(troubleMs: number): void {
    new Nemesis(this);
    this.queue.runUntil(troubleMs);
    this.heal();
    this.converge();
    this.stayCalm();
  }

  addMember(): SimMember {
    return this.add(idOf(this.members.length), configurationOf([]));
  }

  /** Up, and never part of the cluster. */
  newcomer(): SimMember | undefined {
    const { configuration } = this.oracle.commits;
    return this.members.find(
      ({ id, isUp, wasMember }) => isUp && !wasMember && !configuration.voters.includes(id),
    );
  }

  memberOf(id: NodeId): SimMember | undefined {
    return this.byId.get(id);
  }

  processOf(id: NodeId): SimProcess | undefined {
    return this.byId.get(id)?.process;
  }

  someProcess(random: Random): SimProcess | undefined {
    const there = this.members.filter(({ end }) => end === undefined);
    return there[random.below(there.length)]?.process;
  }

  /** Of the latest term, if there are several. */
  leader(): SimProcess | undefined {
    let found: { readonly process: SimProcess; readonly term: number } | undefined;
    for (const { process } of this.members) {
      if (process === undefined || !process.isAlive || process.isPaused) continue;
      const { role, term } = process.raft.status();
      if (role === 'leader' && term > (found?.term ?? 0)) found = { process, term };
    }
    return found?.process;
  }

  createRaft(id: NodeId, random: Random, stored: RaftStored, isQuarantined: boolean): Raft {
    const { options } = this;
    return this.core.createRaft(
      {
        id,
        electionTicks,
        heartbeatTicks,
        transferTicks,
        random,
        isQuarantined,
        appendBytesMax: options.appendBytesMax,
        inflightMessagesMax: options.inflightMessagesMax,
        inflightBytesMax: options.inflightBytesMax,
        uncommittedBytesMax: options.uncommittedBytesMax,
        snapshotChunkBytes: options.snapshotChunkBytes,
      },
      stored,
    );
  }

  onConfigurationApplied(): void {
    const { configurations } = this.oracle.commits;
    for (; this.seenConfigurations < configurations.length; this.seenConfigurations++) {
      const [before, after] = configurations.slice(this.seenConfigurations - 1);
      if (before && after) seeConfigurationChange(this.sightings, before, after, this.oracle.latestLeader);
    }
  }

  readonly restoreDisk = (disk: SimDisk): void => {
    disk.syncMsMax = this.isTroubled ? this.options.syncMsMax : healthySyncMs;
  };

  private add(id: NodeId, initialConfiguration: ClusterConfiguration): SimMember {
    const member = new SimMember(this, id, initialConfiguration);
    this.members.push(member);
    this.byId.set(id, member);
    this.restoreDisk(member.disk);
    member.start();
    return member;
  }

  private readonly deliver = (message: Message): void => {
    const process = this.byId.get(message.to)?.process;
    if (process === undefined) return;
    this.trace.delivered(message);
    process.receive(message);
  };

  private heal(): void {
    this.isTroubled = false;
    this.replyLoss = 0;
    this.network.calm();
    this.leaveMinorityDown();
    for (const member of this.members) {
      member.disk.failsNextSync = false;
      this.restoreDisk(member.disk);
      if (member.process) member.process.crashPoint = undefined;
      member.process?.resume();
      member.start();
    }
    for (const client of this.clients) client.isClosing = true;
    this.trace.fault('everything heals');
  }

  /** The others must do without it: any quorum is enough, not only everybody. */
  private leaveMinorityDown(): void {
    const { voters } = this.oracle.commits.configuration;
    const random = this.random.fork('healing');
    if (random.below(2) === 0 || !mayLoseOne(this.members, this.oracle.commits.configuration)) return;
    this.sightings.see('healed without a minority');
    const first = random.below(voters.length);
    const count = Math.floor((voters.length - 1) / 2);
    for (const id of [...voters, ...voters].slice(first, first + count))
      this.memberOf(id)?.stopForGood('away');
  }

  private converge(): void {
    const endMs = this.queue.nowMs + healingMs;
    // A transfer that was held back in the trouble may still end a leadership, as it should.
    const latestMs = this.network.arrivedAtMs;
    let problem: string | undefined = 'nothing was tried';
    while ((problem !== undefined || this.queue.nowMs < latestMs) && this.queue.nowMs < endMs) {
      this.queue.runUntil(this.queue.nowMs + electionTimeoutMs / 4);
      problem = convergenceProblem(this);
    }
    if (problem !== undefined) throw new Violation(`no convergence in ${healingMs} ms: ${problem}`);
  }

  /** Work goes on, and nobody who is back, or was removed, disturbs the leader. */
  private stayCalm(): void {
    const before = this.leader()?.raft.status();
    for (const client of this.clients) client.reopen();
    this.queue.runUntil(this.queue.nowMs + steadyMs);
    for (const client of this.clients) client.isClosing = true;
    this.queue.runUntil(this.queue.nowMs + 2 * electionTimeoutMs);
    const after = this.leader()?.raft.status();
    if (before?.term !== after?.term) {
      throw new Violation(
        `the leader of term ${before?.term} was disturbed in a calm; now it is term ${after?.term}`,
      );
    }
    const problem = convergenceProblem(this);
    if (problem !== undefined) throw new Violation(`in a calm: ${problem}`);
  }
}

function idOf(number: number): NodeId {
  return number < 26 ? String.fromCharCode(97 + number) : `m${number}`;
}

function configurationOf(voters: readonly NodeId[]): ClusterConfiguration {
  const addresses = Object.fromEntries(voters.map((id) => [id, `${id}:1`]));
  return { voters, outgoing: [], learners: [], learnersNext: [], addresses };
}
