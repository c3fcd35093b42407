import type { CoordinatorId } from '../../server/core/effect-values.ts';
import type { CallRef } from '../../server/core/events.ts';
import type { SimEdgeFollower } from './sim-edge-follower.ts';
import type { SimEdgeLeader } from './sim-edge-leader.ts';
import type { World } from './world.ts';

export interface SimRelayOptions {
  readonly world: World;
  areConnected(one: CoordinatorId, other: CoordinatorId): boolean;
  readonly leader: SimEdgeLeader;
  readonly follower: SimEdgeFollower;
  readonly epoch: number;
  readonly session: number;
}

const noticeMs = 300;

/**
 * A follower's connection to the leader: what is sent comes, in order, or the relay is over at both ends, each of which
 * notices after a while.
 */
export class SimRelay {
  readonly leader: SimEdgeLeader;
  readonly follower: SimEdgeFollower;
  readonly epoch: number;
  readonly session: number;
  /** The leader's numbers of calls by the follower's. */
  readonly calls = new Map<CallRef, CallRef>();
  private isOver = false;
  private readonly lastMs = { up: 0, down: 0 };

  private readonly options: SimRelayOptions;

  constructor(options: SimRelayOptions) {
    this.options = options;
    this.leader = options.leader;
    this.follower = options.follower;
    this.epoch = options.epoch;
    this.session = options.session;
  }

  /** @param lateMs time that this message takes more, and none that comes after it. */
  toLeader(deliver: () => void, lateMs = 0): void {
    this.send('up', deliver, lateMs);
  }

  toFollower(deliver: () => void): void {
    this.send('down', deliver, 0);
  }

  cut(): void {
    if (this.isOver) return;
    this.isOver = true;
    const { world } = this.options;
    world.schedule(world.between(0, noticeMs), () => this.leader.sessionEnded(this));
    world.schedule(world.between(0, noticeMs), () => this.follower.ended(this));
  }

  private send(way: 'up' | 'down', deliver: () => void, lateMs: number): void {
    if (this.isOver) return;
    const { world, areConnected, leader, follower } = this.options;
    this.lastMs[way] = Math.max(this.lastMs[way], world.nowMs + world.between(0.5, 8));
    world.schedule(this.lastMs[way] + lateMs - world.nowMs, () => {
      if (this.isOver) return;
      if (leader.isAlive && follower.isAlive && areConnected(leader.id, follower.id)) deliver();
      else this.cut();
    });
  }
}
