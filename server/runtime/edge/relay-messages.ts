import type { JobId, LeaseId } from '../../../shared/base/ids.ts';
import type { CallRef, Effect, Event, WorkerEvent } from '../../core/events.ts';
import type { TokenRecord } from '../../core/replicated-state.ts';

/** What a follower and the leader tell one another about the follower's workers. */

/** Names one relay: of this leader's epoch, and the number among those that it has opened. */
export interface RelayName {
  readonly epoch: number;
  readonly session: number;
}

/** A worker's event as the follower hands it on; `call` is the follower's own number. */
export type RelayedEvent =
  /** The leader looks up what the token may do. */
  | Omit<Extract<WorkerEvent, { kind: 'workerRegistered' }>, 'role'>
  | Exclude<WorkerEvent, { kind: 'workerRegistered' | 'contributionReceived' }>
  | Extract<Event, { kind: 'contributionReduced' }>
  | RelayedContribution;

/** With `keptBytes` the payload stays at the follower, else it goes along. */
export type RelayedContribution = Extract<Event, { kind: 'contributionReceived' }> & {
  readonly keptBytes?: number;
};

export type RelayedRole = TokenRecord['role'] | 'anonymous';

/** An admitted contribution, to be summed where its payload is. */
export interface ReduceOrder {
  readonly jobId: JobId;
  readonly round: number;
  readonly serial: number;
  readonly unit: number;
  readonly leaseId: LeaseId;
  readonly codec: string;
  readonly seed: number;
  readonly weight: number;
  readonly normMax: number;
}

/** `call` is the number that the follower gave. */
export type RelayedAnswer =
  | (Extract<Effect, { kind: 'answerRegistered' }> & { readonly role: RelayedRole })
  | Extract<Effect, { kind: 'answerLease' | 'answerAccepted' | 'refuse' | 'disconnect' }>
  | ({ readonly kind: 'reduceOrder'; readonly call: CallRef } & ReduceOrder);

export interface RelayAnswers extends RelayName {
  readonly answers: readonly RelayedAnswer[];
}

export interface RelayBatch extends RelayName {
  readonly events: readonly RelayedEvent[];
  /** Of the only event, a contribution whose payload is not kept. */
  readonly payload?: Uint8Array;
}

/** What the leader wants of a follower's sum, and has counted as being in it. */
export interface SumRequest extends RelayName {
  readonly jobId: JobId;
  readonly serial: number;
  /** Ascending. */
  readonly units: readonly number[];
  readonly weight: number;
}
