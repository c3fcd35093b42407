import type { Random } from '../../../shared/base/random.ts';
import { mayLoseOne, Operator } from './operator.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { SimProcess } from './sim-process.ts';
import { electionTimeoutMs, type FaultKind } from './swarm-options.ts';

/** Goes through storms, in which everything goes wrong that its world knows of, and calms, in which changes complete. */
export class Nemesis {
  private isStorm = false;
  private readonly cluster: SimCluster;
  private readonly random: Random;
  private readonly operator: Operator;
  private readonly faults: readonly FaultKind[];

  constructor(cluster: SimCluster) {
    this.cluster = cluster;
    this.random = cluster.random.fork('nemesis');
    this.operator = new Operator(cluster);
    this.faults = [...cluster.options.faults].filter((fault) => fault !== 'clockSkew');
    const { queue } = cluster;
    queue.schedule(2_000 + this.random.below(3_000), this.beginStorm, undefined);
    queue.schedule(3_000, this.operate, undefined);
  }

  private readonly beginStorm = (): void => {
    const { cluster, random } = this;
    if (!cluster.isTroubled) return;
    const { lossMax, duplicationMax, delayMsMax, replyLossShare } = cluster.options;
    this.isStorm = true;
    cluster.network.setWeather(
      random.unit() * lossMax,
      random.unit() * duplicationMax,
      1 + random.below(delayMsMax),
    );
    cluster.replyLoss = replyLossShare;
    cluster.trace.fault('a storm begins');
    cluster.queue.schedule(5_000 + random.below(30_000), this.endStorm, undefined);
    this.scheduleFault();
  };

  private readonly endStorm = (): void => {
    const { cluster } = this;
    this.isStorm = false;
    if (!cluster.isTroubled) return;
    cluster.trace.fault('the storm ends');
    cluster.replyLoss = 0;
    cluster.network.calm();
    cluster.queue.schedule(2_000 + this.random.below(20_000), this.beginStorm, undefined);
  };

  private scheduleFault(): void {
    const { cluster, random } = this;
    cluster.queue.schedule(1 + random.below(2 * cluster.options.faultIntervalMs), this.strike, undefined);
  }

  private readonly strike = (): void => {
    if (!this.isStorm || !this.cluster.isTroubled) return;
    const fault = this.faults[this.random.below(this.faults.length)];
    if (fault !== undefined) this.inflict(fault);
    this.scheduleFault();
  };

  private readonly operate = (): void => {
    const { cluster, random } = this;
    if (!cluster.isTroubled) return;
    this.operator.act(cluster.options.faults.has('membership'));
    cluster.queue.schedule(500 + random.below(4_000), this.operate, undefined);
  };

  private inflict(fault: FaultKind): void {
    const { cluster, random } = this;
    switch (fault) {
      case 'crash':
        this.victim()?.crash(this.downMs());
        break;
      case 'crashAll':
        if (random.below(4) === 0) this.crashAll();
        break;
      case 'crashMidway':
        this.armCrash();
        break;
      case 'pause':
        this.pause(this.victim()?.process);
        break;
      case 'partition':
        this.partition();
        break;
      case 'isolateLeader':
        this.isolate();
        break;
      case 'oneWay':
        this.cutOneWay();
        break;
      case 'clog':
        this.clog();
        break;
      case 'slowDisk':
        this.slowDisk();
        break;
      case 'fsyncError':
        if (this.victim()) this.failSync();
        break;
      case 'wipe':
      case 'bitRot':
        this.loseDisk(fault === 'wipe' ? 'wiped' : 'rotten');
        break;
      case 'transfer':
        this.transfer();
        break;
      case 'membership':
        this.operator.act(true);
        break;
      case 'clockSkew':
      // Of processes, from their start on.
    }
    cluster.trace.fault(fault);
  }

  /** The leader as often as not, since most goes wrong around it. */
  private victim() {
    const { cluster, random } = this;
    const leader = random.below(2) === 0 ? cluster.leader() : undefined;
    if (leader !== undefined) return cluster.memberOf(leader.id);
    const up = cluster.members.filter((member) => member.isUp);
    return up[random.below(up.length)];
  }

  private downMs(): number {
    return 10 + this.random.below([200, 2_500, 12_000][this.random.below(3)] ?? 1);
  }

  private crashAll(): void {
    this.cluster.sightings.see('crash of all members at once');
    for (const member of this.cluster.members) member.crash(10 + this.random.below(1_500));
  }

  private armCrash(): void {
    const process = this.victim()?.process;
    if (process) process.crashPoint = this.random.below(2) === 0 ? 'before sending' : 'after sending';
  }

  private pause(process: SimProcess | undefined): void {
    if (process === undefined || process.isPaused) return;
    this.cluster.sightings.see('pause');
    process.pause();
    const pauseMs = 100 + this.random.below([500, 3_000, 8_000][this.random.below(3)] ?? 1);
    this.cluster.queue.schedule(pauseMs, resume, process);
  }

  private partition(): void {
    const { cluster, random } = this;
    cluster.sightings.see('partition');
    const sides = new Map(cluster.members.map(({ id }) => [id, random.below(2)]));
    for (const [left, leftSide] of sides) {
      for (const [right, rightSide] of sides)
        if (leftSide < rightSide) cluster.network.cutBothWays(left, right);
    }
    this.scheduleMending();
  }

  /** The leader keeps at most the company of a minority, and may take a while to notice. */
  private isolate(): void {
    const { cluster, random } = this;
    const leader = cluster.leader();
    if (leader === undefined) return;
    const { voters } = leader.raft.status().configuration;
    const others = voters.filter((id) => id !== leader.id);
    const first = random.below(Math.max(1, others.length));
    const companions = [...others, ...others].slice(
      first,
      first + random.below(Math.ceil(voters.length / 2)),
    );
    const inside = [leader.id, ...companions];
    for (const { id } of cluster.members) {
      if (inside.includes(id)) continue;
      for (const isolated of inside) cluster.network.cutBothWays(isolated, id);
    }
    this.scheduleMending();
  }

  /** One member that is not heard, or that hears nothing, or a single link. */
  private cutOneWay(): void {
    const { cluster, random } = this;
    const one = this.victim();
    if (one === undefined) return;
    cluster.sightings.see('one-way partition');
    const shape = random.below(3);
    for (const { id } of cluster.members) {
      if (shape === 0) cluster.network.cutOneWay(one.id, id);
      else if (shape === 1) cluster.network.cutOneWay(id, one.id);
      else if (random.below(2) === 0) cluster.network.cutOneWay(one.id, id);
    }
    this.scheduleMending();
  }

  private scheduleMending(): void {
    this.cluster.queue.schedule(200 + this.random.below(6 * electionTimeoutMs), this.mend, undefined);
  }

  private readonly mend = (): void => this.cluster.network.mend();

  private clog(): void {
    const { cluster, random } = this;
    const one = this.victim();
    const untilMs = cluster.queue.nowMs + random.below(5 * electionTimeoutMs);
    for (const { id } of cluster.members) {
      if (one !== undefined && random.below(2) === 0) cluster.network.clog(one.id, id, untilMs);
    }
  }

  private slowDisk(): void {
    const { cluster, random } = this;
    const disk = this.victim()?.disk;
    if (disk === undefined) return;
    cluster.sightings.see('slow disk');
    disk.syncMsMax = [100, 600, 2_500][random.below(3)] ?? 1;
    cluster.queue.schedule(random.below(6_000), cluster.restoreDisk, disk);
  }

  private failSync(): void {
    const victim = this.victim();
    if (victim) victim.disk.failsNextSync = true;
  }

  private loseDisk(end: 'wiped' | 'rotten'): void {
    const { cluster } = this;
    const victim = this.victim();
    if (victim === undefined || !mayLoseOne(cluster.members, cluster.oracle.commits.configuration)) return;
    cluster.sightings.see(end === 'wiped' ? 'member wiped' : 'bit rot quarantined a member');
    if (end === 'wiped') victim.stopForGood(end);
    else victim.quarantine();
  }

  private transfer(): void {
    const { cluster, random } = this;
    const leader = cluster.leader();
    const voters = leader?.raft.status().configuration.voters ?? [];
    const to = voters[random.below(Math.max(1, voters.length))];
    if (leader !== undefined && to !== undefined) leader.ask((raft) => raft.transferLeadership(to));
  }
}

function resume(process: SimProcess): void {
  process.resume();
}
