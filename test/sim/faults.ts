import { referencedBlobs } from '../../server/core/replicated-state.ts';
import type { BlobHash } from '../../shared/base/ids.ts';
import type { SimNetwork } from './network.ts';
import type { SimCoordinator } from './sim-coordinator.ts';
import type { SimLog } from './sim-log.ts';
import type { SimPeers } from './sim-peers.ts';
import type { SimWorker } from './sim-worker.ts';
import type { World } from './world.ts';

export interface FaultsOptions {
  readonly world: World;
  readonly network: SimNetwork;
  readonly peers: SimPeers;
  readonly log: SimLog;
  readonly coordinators: readonly SimCoordinator[];
  readonly workers: readonly SimWorker[];
  /** An admin pauses a job. */
  pauseOne(): void;
}

/** What goes wrong in a world, and how it heals. */
export class Faults {
  private isOver = false;
  private readonly options: FaultsOptions;

  constructor(options: FaultsOptions) {
    this.options = options;
  }

  begin(): void {
    const { world, network, peers, coordinators } = this.options;
    network.faults = {
      lossProbability: world.between(0, 0.15),
      duplicateProbability: world.between(0, 0.2),
      delayMsMax: world.between(5, 300),
    };
    const slowMs = world.between(5, 400);
    peers.delayMs = () => world.between(0.5, world.chance(0.1) ? 10 * slowMs : slowMs);
    const laggard = world.random.below(2 * coordinators.length);
    coordinators.forEach((coordinator, index) => {
      coordinator.storeFails = () => world.chance(0.02);
      coordinator.stallMs = () => (world.chance(0.03) ? world.between(0, 5_000) : 0);
      coordinator.member.lagMs = () =>
        world.chance(index === laggard ? 0.3 : 0.02) ? world.between(0, 800) : 0;
    });
    this.strike();
  }

  /** From now on nothing goes wrong, and the liars stay. */
  heal(): void {
    const { world, peers, log, coordinators, workers } = this.options;
    this.isOver = true;
    peers.delayMs = () => world.between(0.5, 8);
    log.isolated.clear();
    for (const coordinator of coordinators) {
      coordinator.storeFails = () => false;
      coordinator.stallMs = () => 0;
      coordinator.member.lagMs = () => 0;
    }
    for (const worker of workers) worker.nature = { ...worker.nature, vanishProbability: 0 };
    world.schedule(20_000, () => {
      for (const worker of workers) worker.join();
    });
  }

  private strike(): void {
    const { world } = this.options;
    world.schedule(world.between(20, 4_000), () => {
      if (this.isOver) return;
      this.strike();
      const blows = this.options.coordinators.length === 1 ? this.lonelyBlows() : this.clusterBlows();
      blows[world.random.below(blows.length)]?.();
    });
  }

  private lonelyBlows(): readonly (() => void)[] {
    const { log, pauseOne } = this.options;
    return [
      () => this.crashOne(false),
      () => this.changeLeader(),
      pauseOne,
      () => this.failLog(),
      () => log.leader !== undefined && this.disturbWorker(),
    ];
  }

  private clusterBlows(): readonly (() => void)[] {
    return [
      ...this.lonelyBlows(),
      () => this.changeLeader(),
      () => this.crashOne(false),
      () => this.crashOne(true),
      () => this.isolateOne(),
      () => this.destroyBlobs(),
    ];
  }

  private pick(): SimCoordinator | undefined {
    const { world, coordinators } = this.options;
    return coordinators[world.random.below(coordinators.length)];
  }

  private failLog(): void {
    const { log, world } = this.options;
    log.leader?.fail(world.between(0, 1_500));
  }

  private changeLeader(): void {
    const { log } = this.options;
    const next = this.pick();
    if (next?.member.mayLead === true && log.hasQuorum(next.member)) log.elect(next.member);
  }

  private crashOne(isWiped: boolean): void {
    const { world } = this.options;
    const victim = this.pick();
    if (victim?.isAlive !== true || (isWiped && !this.areOnOthers(victim, this.named()))) return;
    victim.crash();
    if (isWiped) victim.wipe();
    world.schedule(world.between(10, world.chance(0.3) ? 12_000 : 2_000), () => victim.start());
  }

  private isolateOne(): void {
    const { world, log } = this.options;
    const victim = this.pick();
    if (victim === undefined || log.isolated.size > 0) return;
    log.isolated.add(victim.member);
    world.schedule(world.between(50, 10_000), () => log.isolated.delete(victim.member));
  }

  /** Some files of one disk are lost or damaged, of those that another disk has as well. */
  private destroyBlobs(): void {
    const { world } = this.options;
    const victim = this.pick();
    if (victim === undefined) return;
    for (const hash of this.named()) {
      if (world.chance(0.5) && this.areOnOthers(victim, [hash]))
        victim.blobs.destroy(hash, world.chance(0.5));
    }
  }

  private disturbWorker(): void {
    const { world, workers } = this.options;
    const worker = workers[world.random.below(workers.length)];
    worker?.vanish();
    world.schedule(world.between(100, 15_000), () => worker?.join());
  }

  /** What the most advanced coordinator's jobs name. */
  private named(): readonly BlobHash[] {
    const states = this.options.coordinators.map(({ state }) => state.replicated);
    const [newest] = states.sort((a, b) => b.appliedIndex - a.appliedIndex);
    return newest === undefined ? [] : [...referencedBlobs(newest)];
  }

  private areOnOthers(victim: SimCoordinator, hashes: Iterable<BlobHash>): boolean {
    const others = this.options.coordinators.filter((one) => one !== victim);
    for (const hash of hashes) if (!others.some(({ blobs }) => blobs.holdsIntact(hash))) return false;
    return true;
  }
}
