import type { ClusterConfiguration, NodeId } from '../../../server/raft/cluster-configuration.ts';
import { SimDisk } from './sim-disk.ts';
import { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

/** Of the restarts that a troubled world makes. */
const readFaultShare = 0.05;

type End = 'wiped' | 'rotten' | 'retired' | 'away';

/**
 * A coordinator through all its starts. `wiped`, `rotten` and `retired` members never come back under their name: the
 * first has lost what it promised, the second cannot tell what it promised, the third was removed; one
 * that is `away` just does not come back while anybody watches.
 */
export class SimMember {
  readonly id: NodeId;
  readonly disk: SimDisk;
  process: SimProcess | undefined;
  end: End | undefined;
  /** Whether a committed configuration has named it; then it is not added a second time. */
  wasMember = false;
  private startNumber = 0;
  private readonly world: World;
  private readonly initialConfiguration: ClusterConfiguration;

  constructor(world: World, id: NodeId, initialConfiguration: ClusterConfiguration) {
    this.world = world;
    this.id = id;
    this.initialConfiguration = initialConfiguration;
    const { queue, sightings, options } = world;
    this.disk = new SimDisk(queue, world.random.fork(`disk ${id}`), sightings, options.trailing);
  }

  get isLost(): boolean {
    return this.end === 'wiped' || this.end === 'rotten';
  }

  get isUp(): boolean {
    return this.process?.isAlive ?? false;
  }

  /** As far as its own log goes, which an operator could read. */
  get configuration(): ClusterConfiguration {
    if (this.process?.isAlive) return this.process.raft.status().configuration;
    const entry = this.disk.log.entries.findLast(({ body }) => body.kind === 'configuration');
    if (entry?.body.kind === 'configuration') return entry.body.configuration;
    return this.disk.snapshot?.meta.configuration ?? this.initialConfiguration;
  }

  start(): void {
    if (this.end !== undefined || this.isUp) return;
    this.startNumber++;
    const { world, disk } = this;
    if (disk.snapshot !== undefined) world.sightings.see('restart with a snapshot');
    if (this.configuration.outgoing.length > 0) world.sightings.see('restart in a joint configuration');
    world.trace.fault(`${this.id} starts`);
    this.process = new SimProcess(world, this.id, disk, this.initialConfiguration, false, () =>
      this.crash(50 + world.random.below(3_000)),
    );
  }

  /** Loses what was not synced, and starts again after a while. */
  crash(downMs: number): void {
    if (!this.isUp) return;
    this.world.trace.fault(`${this.id} crashes`);
    this.process?.kill();
    this.process = undefined;
    this.world.queue.schedule(downMs, this.onRestart, this.startNumber);
  }

  /** Its disk has rotted: a start finds that, and the member watches from then on. */
  quarantine(): void {
    const { world } = this;
    this.stopForGood('rotten');
    const rotten = this.disk.rottenCopy();
    this.process = new SimProcess(world, this.id, rotten, this.initialConfiguration, true, () => undefined);
  }

  stopForGood(end: End): void {
    this.world.trace.fault(`${this.id} is ${end}`);
    this.process?.kill();
    this.process = undefined;
    this.end = end;
  }

  private readonly onRestart = (startNumber: number): void => {
    const { world } = this;
    if (startNumber !== this.startNumber || this.isUp) return;
    if (world.isTroubled && world.random.unit() < readFaultShare) {
      world.sightings.see('read fault at a restart');
      world.queue.schedule(500 + world.random.below(2_000), this.onRestart, startNumber);
      return;
    }
    this.start();
  };
}
