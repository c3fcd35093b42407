import type { BlobHash, JobId, LeaseId, WorkerId } from '../../shared/base/ids.ts';
import type { RingIdentity } from '../../shared/sync/ring/ring-message.ts';

/** A coordinator as the log names it. */
export type CoordinatorId = string;

export type LeaderWork =
  | 'reduce'
  | 'mergeSum'
  | 'storeRound'
  | 'installRound'
  | 'discardRound'
  | 'storeCheckpoint'
  | 'closeTrainer';

/** What is asked of members of a ring. */
export type RingTold =
  | {
      readonly kind: 'plan';
      readonly identity: RingIdentity;
      /** In the order of the ring. */
      readonly members: readonly { readonly workerId: WorkerId; readonly units: readonly number[] }[];
      readonly channel: string;
      readonly weight: number;
      readonly deadlineMs: number;
    }
  /** The ring's sum, or with `units` what the worker itself holds of these. */
  | {
      readonly kind: 'upload';
      readonly identity: RingIdentity;
      readonly units: readonly number[];
      readonly deadlineMs: number;
    }
  | { readonly kind: 'over'; readonly identity: RingIdentity };

/** Aggregate durable, outer step computed but not installed; the delta waits in the trainer. */
export interface RoundStored {
  readonly kind: 'roundStored';
  readonly jobId: JobId;
  readonly round: number;
  readonly aggregateHash: BlobHash;
  readonly parametersHash: BlobHash;
  /** False when the new parameters hold NaN or an infinity. */
  readonly finite: boolean;
}

export type UnitKind = 'train' | 'evaluate';

export interface LeaseGrant {
  readonly leaseId: LeaseId;
  readonly jobId: JobId;
  readonly kind: UnitKind;
  readonly round: number;
  readonly unit: number;
  readonly version: number;
  readonly parametersHash: BlobHash;
  /** Whether it may be computed from a later version as well. */
  readonly mayUseNewer: boolean;
  /** The codec that the worker is asked to use; absent where it chooses. */
  readonly codec?: string;
  readonly epoch: number;
  /** Time left when the lease is given. */
  readonly deadlineMs: number;
  readonly sampleStart: number;
  readonly sampleCount: number;
  readonly seed: number;
  /** The ring for which the worker may hold its update; absent where there is none. */
  readonly ringId?: number;
}

/** Figures that are not known yet are NaN. */
export interface JobProgress {
  /** Committed rounds. */
  readonly round: number;
  readonly trainingLoss: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly workers: number;
  readonly samplesPerSecond: number;
  readonly state: string;
}

/** With `edge`, what other coordinators have summed comes first. */
export interface StoreRound {
  readonly kind: 'storeRound';
  readonly jobId: JobId;
  readonly round: number;
  /** Of all units, those that others have summed included. */
  readonly weight: number;
  readonly edge?: { readonly serial: number; readonly shares: readonly EdgeShare[] };
}

/** What one follower has summed of a round. */
export interface EdgeShare {
  readonly coordinator: CoordinatorId;
  /** As `reduce` named them, ascending. */
  readonly units: readonly number[];
  readonly weight: number;
}

export interface TrainerPlan {
  readonly initialParametersHash: BlobHash;
  readonly checkpointHash?: BlobHash;
  /** Rounds after the checkpoint, in order. */
  readonly replay: readonly {
    readonly round: number;
    readonly aggregateHash: BlobHash;
    readonly parametersHash: BlobHash;
  }[];
}
