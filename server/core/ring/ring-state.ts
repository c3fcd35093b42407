import type { WorkerId } from '../../../shared/base/ids.ts';
import type { RingIdentity } from '../../../shared/sync/ring/ring-message.ts';
import type { CallRef } from '../events.ts';

/** Between the members themselves, or through the coordinator. */
export type RingChannelKind = 'webrtc' | 'relay';

/** A unit whose update its worker keeps: counted, but in no sum of the coordinator yet. */
export interface HeldUnit {
  readonly unit: number;
  readonly slot: number;
  readonly weight: number;
}

/**
 * What workers hold of one opened round. Invariant: a counted unit is in the trainer's sum, or held by exactly one
 * worker; so the round may be stored when nothing is held.
 */
export interface Ring {
  /** What workers keep under this number is void under any other. */
  readonly ringId: number;
  readonly held: Map<WorkerId, Map<number, HeldUnit>>;
  /** Of the newest plan or upload. */
  ringEpoch: number;
  /** Exchanges that came to nothing. */
  failures: number;
  exchange: RingExchange | undefined;
  readonly uploads: Map<WorkerId, RingUpload>;
  /** Holders that are gone while a sum with their units is on its way. */
  readonly lost: Set<WorkerId>;
}

/** Members that sum what they hold among themselves. */
export interface RingExchange {
  readonly identity: RingIdentity;
  /** In the order of the ring. */
  readonly members: readonly WorkerId[];
  readonly channel: RingChannelKind;
  readonly weight: number;
  readonly deadlineMs: number;
  /** SHA-256 of the sum, from members that are done. */
  readonly hashes: Map<WorkerId, string>;
  /** Members that are there, but got nothing from their predecessor. */
  readonly stalled: Set<WorkerId>;
}

/** A sum that one worker is asked for. */
export interface RingUpload {
  readonly identity: RingIdentity;
  /** Whose units it is the sum of. */
  readonly holders: readonly WorkerId[];
  readonly weight: number;
  /** What the members of the ring agreed on; undefined for what a worker holds itself. */
  readonly hash: string | undefined;
  /** Others that have the same sum. */
  readonly candidates: readonly WorkerId[];
  readonly deadlineMs: number;
  /** The sum is at the trainer, and this call waits for its answer. */
  call: CallRef | undefined;
  isMerging: boolean;
}

/** What a leader remembers of a job's rings from round to round. */
export interface RingMemory {
  /** Bytes a second, by `linkName`. */
  readonly links: Map<string, number>;
  /** Failed exchanges in a row that each worker had a part in. */
  readonly trouble: Map<WorkerId, number>;
  /** Two workers that found no way to one another, by `pairName`, until they do. */
  readonly unreachable: Map<string, Unreachable>;
  /** Exchanges whose members agreed on a sum. */
  readonly agreed: Record<RingChannelKind, number>;
}

/** They are no direct neighbours until that round: for twice as many rounds each time. */
export interface Unreachable {
  readonly untilRound: number;
  readonly times: number;
}

export function createRingMemory(): RingMemory {
  return { links: new Map(), trouble: new Map(), unreachable: new Map(), agreed: { webrtc: 0, relay: 0 } };
}

export function createRing(ringId: number): Ring {
  return {
    ringId,
    held: new Map(),
    ringEpoch: 0,
    failures: 0,
    exchange: undefined,
    uploads: new Map(),
    lost: new Set(),
  };
}

/** In the order of the ring; the worker itself where it is no member. */
export function neighbour(members: readonly WorkerId[], workerId: WorkerId, step: 1 | -1): WorkerId {
  const at = members.indexOf(workerId);
  return at < 0 ? workerId : (members[(at + step + members.length) % members.length] ?? workerId);
}

export function pairName(one: string, other: string): string {
  return one < other ? linkName(one, other) : linkName(other, one);
}

export function linkName(from: string, to: string): string {
  return `${from}>${to}`;
}
