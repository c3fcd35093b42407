import type { ClusterView } from '../../shared/base/cluster-view.ts';
import type { BlobHash, JobId, WorkerId } from '../../shared/base/ids.ts';
import type { Checksum } from '../../shared/protocol/checksum.ts';
import type { IceServer } from '../../shared/protocol/ice-server.ts';
import type { PayloadBudget } from '../../shared/protocol/payload-in.ts';
import type { Timers } from '../../shared/protocol/timers.ts';
import type { RingIdentity } from '../../shared/sync/ring/ring-message.ts';
import type { LeaseGrant } from '../core/effect-values.ts';
import type { CallRef, Effect, Event, WorkerEvent } from '../core/events.ts';
import type { JobRecord } from '../core/job-record.ts';
import type { TokenRecord } from '../core/replicated-state.ts';

/** What a worker may learn of a job. */
export type ServedJob = Pick<
  JobRecord,
  'document' | 'dataset' | 'tensors' | 'manifestHash' | 'parameters' | 'state'
>;

/** The exchange that is under way for a job. */
export interface ServedRing {
  readonly identity: RingIdentity;
  /** In the order of the ring. */
  readonly members: readonly WorkerId[];
}

export type CallAnswer = Extract<Effect, { call: CallRef; kind: `answer${string}` }>;

/** Who decides about workers: the own core, or through it that of the leader. */
export interface WorkerCore {
  /** Posts the event with a fresh `CallRef`; rejects with a `GradswarmError` when the core refuses. */
  call(makeEvent: (call: CallRef) => WorkerEvent): {
    readonly call: CallRef;
    readonly answer: Promise<CallAnswer>;
  };
  post(event: WorkerEvent): void;
  epoch(): number;
}

/** A follower's way to the leader. */
export interface EdgeCore extends WorkerCore {
  /** Whether the leader takes this coordinator's workers. */
  readonly isOpen: boolean;
  /** Resolves when this coordinator knows of the lease's job and version, or after a while. */
  arrived(lease: LeaseGrant): Promise<void>;
}

export interface WorkerGatewayDeps {
  readonly clusterId: string;
  /** Posts the event with a fresh `CallRef`; rejects with a `GradswarmError` when the core refuses. */
  call(makeEvent: (call: CallRef) => Event): { readonly call: CallRef; readonly answer: Promise<CallAnswer> };
  post(event: Event): void;
  epoch(): number;
  cluster(): ClusterView;
  tokens(): Iterable<TokenRecord>;
  /** Named to workers that open channels to one another; none when absent. */
  readonly iceServers?: readonly IceServer[];
  job(jobId: JobId): ServedJob | undefined;
  ring(jobId: JobId): ServedRing | undefined;
  /** The published vector, copied. */
  snapshot(
    jobId: JobId,
  ): Promise<{ readonly version: number; readonly parametersHash: BlobHash; readonly bytes: Uint8Array }>;
  /** The encoded delta that made `version`. */
  delta(jobId: JobId, version: number): Uint8Array | undefined;
  onDefect(error: unknown, method: string): void;
  /** Absent where this coordinator serves workers only while it leads. */
  readonly edge?: EdgeCore;
  readonly createId?: () => string;
  readonly checksum?: Checksum;
  readonly timers?: Timers;
  readonly budget?: PayloadBudget;
}
