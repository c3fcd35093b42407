import type { ClusterConfiguration, NodeId } from '../../../server/raft/cluster-configuration.ts';
import type { Raft, RaftStored } from '../../../server/raft/raft.ts';
import type { Random } from '../../../shared/base/random.ts';
import type { RaftCore } from './core.ts';
import type { EventQueue } from './event-queue.ts';
import type { Oracle } from './oracle.ts';
import type { Sightings } from './sightings.ts';
import type { SimNetwork } from './sim-network.ts';
import type { SimProcess } from './sim-process.ts';
import type { SnapshotCache } from './snapshot-cache.ts';
import type { SwarmOptions } from './swarm-options.ts';
import type { Trace } from './trace.ts';

/** What every part of a simulated cluster shares. */
export interface World {
  readonly core: RaftCore;
  readonly queue: EventQueue;
  readonly random: Random;
  readonly options: SwarmOptions;
  readonly network: SimNetwork;
  readonly oracle: Oracle;
  readonly sightings: Sightings;
  readonly trace: Trace;
  readonly snapshots: SnapshotCache;
  /** Until the healing begins. */
  readonly isTroubled: boolean;
  /** How much of what processes answer is lost on its way to a client. */
  replyLoss: number;
  startCount: number;
  nextReadId: number;
  createRaft(id: NodeId, random: Random, stored: RaftStored, isQuarantined: boolean): Raft;
  processOf(id: NodeId): SimProcess | undefined;
  /** Any process that is up, paused ones included, since nobody can tell. */
  someProcess(random: Random): SimProcess | undefined;
  onConfigurationApplied(configuration: ClusterConfiguration): void;
}
