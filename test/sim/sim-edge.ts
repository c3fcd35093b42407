import type { CoordinatorState } from '../../server/core/coordinator-state.ts';
import type { CoordinatorId } from '../../server/core/effect-values.ts';
import type { CallRef, Effect, Event } from '../../server/core/events.ts';
import type { Answer } from './sim-coordinator.ts';
import { SimEdgeFollower } from './sim-edge-follower.ts';
import { SimEdgeLeader } from './sim-edge-leader.ts';
import type { SimTrainer } from './sim-trainer.ts';
import type { World } from './world.ts';

export type Reduce = Extract<Effect, { readonly kind: 'reduce' }>;
export type WorkerCall = Extract<
  Event,
  { kind: 'workerRegistered' | 'leaseRequested' | 'contributionReceived' | 'evaluationReported' }
>;
export type RelayedNotice = Extract<
  Event,
  { kind: 'workerLeft' | 'heartbeat' | 'leasesReleased' | 'callAbandoned' }
>;

const callKinds = ['workerRegistered', 'leaseRequested', 'contributionReceived', 'evaluationReported'];
const noticeKinds = ['workerLeft', 'heartbeat', 'leasesReleased'];

export function isRelayed(event: Event): event is WorkerCall {
  return callKinds.includes(event.kind);
}

export function isNotice(event: Event): event is RelayedNotice {
  return noticeKinds.includes(event.kind);
}

/** What may happen to a partial sum on its way. */
export interface EdgeFaults {
  readonly lostProbability?: number;
  readonly repeatedProbability?: number;
  readonly damagedProbability?: number;
  readonly lateMs?: number;
}

export interface SimEdgeOptions {
  readonly world: World;
  readonly id: CoordinatorId;
  /** Of every coordinator, by its name. */
  readonly edges: Map<CoordinatorId, SimEdge>;
  state(): CoordinatorState;
  isAlive(): boolean;
  /** Who leads, as far as it is known here. */
  leader(): CoordinatorId | undefined;
  areConnected(one: CoordinatorId, other: CoordinatorId): boolean;
  /** Opens a call of its own core. */
  call(makeEvent: (call: CallRef) => Event, hear: (answer: Answer | undefined) => void): void;
  post(event: Event): void;
  trainer(): SimTrainer | undefined;
}

export type Order = Omit<Reduce, 'payload' | 'edge' | 'kind'>;
export type Payload = Pick<Reduce, 'payload'>;

/** One coordinator's two ends of relays: whichever it is, it may be the other after the next election. */
export interface SimEdge {
  readonly follower: SimEdgeFollower;
  readonly leader: SimEdgeLeader;
}

export function createSimEdge(options: SimEdgeOptions): SimEdge {
  const edge = { follower: new SimEdgeFollower(options), leader: new SimEdgeLeader(options) };
  options.edges.set(options.id, edge);
  return edge;
}

/** The process ends: whatever is on its way to it or from it is gone. */
export function crashEdge({ follower, leader }: SimEdge): void {
  leader.crash();
  follower.crash();
}
