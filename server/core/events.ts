import type { ErrorCode } from '../../shared/base/errors.ts';
import type { BlobHash, JobId, LeaseId, WorkerId } from '../../shared/base/ids.ts';
import type { RingIdentity } from '../../shared/sync/ring/ring-message.ts';
import type { Command, Role } from './commands.ts';
import type {
  CoordinatorId,
  JobProgress,
  LeaderWork,
  LeaseGrant,
  RingTold,
  RoundStored,
  StoreRound,
  TrainerPlan,
} from './effect-values.ts';
import type { ReplicatedState } from './replicated-state.ts';

/**
 * The closed unions that the coordinator's pure core reads and writes: `step(state, event, nowMs) -> effects`.
 * A `CallRef` names a waiting caller; the shell that made the event answers it when the effect comes back.
 */
export type CallRef = number;

export interface RefusedSum {
  readonly coordinator: CoordinatorId;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface DeterminismClass {
  readonly engine: string;
  readonly build: string;
}

export type Event =
  | { readonly kind: 'becameLeader'; readonly epoch: number }
  | { readonly kind: 'lostLeadership' }
  | { readonly kind: 'tick' }
  | WorkerRegistered
  | { readonly kind: 'workerLeft'; readonly workerId: WorkerId; readonly via?: CoordinatorId }
  /** It hands on nothing of its workers any more, and what it has summed of open rounds is gone. */
  | { readonly kind: 'coordinatorLost'; readonly coordinator: CoordinatorId }
  | {
      readonly kind: 'heartbeat';
      readonly workerId: WorkerId;
      readonly samplesPerSecond: number;
      /** As before when absent. */
      readonly ringChannels?: readonly string[];
      readonly via?: CoordinatorId;
    }
  | LeaseRequested
  | { readonly kind: 'leasesReleased'; readonly workerId: WorkerId; readonly leaseIds: readonly LeaseId[] }
  | { readonly kind: 'callAbandoned'; readonly call: CallRef }
  | ContributionReceived
  | ContributionReduced
  | EvaluationReported
  | RingReported
  | RingUploaded
  | RingSumMerged
  | ReplicaEvent
  /** What a leader asked of the trainer has failed. */
  | {
      readonly kind: 'trainerFailed';
      readonly jobId: JobId;
      readonly during: LeaderWork;
      readonly code: ErrorCode;
      readonly message: string;
    }
  | RoundStored
  /** The round cannot be stored: these coordinators did not give the sums that were counted there. */
  | {
      readonly kind: 'sumsMissing';
      readonly jobId: JobId;
      readonly serial: number;
      readonly coordinators: readonly CoordinatorId[];
      /** Of these, whose sum came and is none. */
      readonly refused?: readonly RefusedSum[];
    }
  | {
      readonly kind: 'checkpointStored';
      readonly jobId: JobId;
      readonly version: number;
      readonly manifestHash: BlobHash;
      readonly blobs: readonly BlobHash[];
    }
  /** Everything that was committed before this coordinator started is applied. `blobs` are those that it found. */
  | { readonly kind: 'caughtUp'; readonly epoch: number; readonly blobs: readonly BlobHash[] }
  /** The log before this state is gone: it takes the place of what was applied. */
  | { readonly kind: 'snapshotLoaded'; readonly epoch: number; readonly replicated: ReplicatedState }
  /** A blob was stored here for a command that may follow: by the leader of `epoch`, or by an admin. */
  | { readonly kind: 'blobStored'; readonly epoch: number; readonly hash: BlobHash }
  /** `call` is the proposer's, where one waits for the command. */
  | {
      readonly kind: 'committed';
      readonly index: number;
      readonly epoch: number;
      readonly command: Command;
      readonly call?: CallRef;
    }
  | {
      readonly kind: 'proposalFailed';
      readonly command: Command;
      readonly call?: CallRef;
      readonly code: ErrorCode;
      readonly message: string;
    }
  /** An admin's wish: checked against the state, then proposed. */
  | { readonly kind: 'commandRequested'; readonly call: CallRef; readonly command: Command };

/** What workers bring about, on whichever coordinator. */
export type WorkerEvent = Extract<
  Event,
  {
    readonly kind:
      | 'workerRegistered'
      | 'workerLeft'
      | 'heartbeat'
      | 'leaseRequested'
      | 'leasesReleased'
      | 'callAbandoned'
      | 'contributionReceived'
      | 'evaluationReported';
  }
>;

/** Answers to what a replica asked for under this number; those to an earlier one are void. */
export type ReplicaEvent =
  | { readonly kind: 'blobsFetched'; readonly jobId: JobId; readonly attempt: number }
  | ({ readonly kind: 'trainerOpened' } & ReplicaArrived)
  | ({ readonly kind: 'roundFollowed' } & ReplicaArrived)
  | {
      readonly kind: 'replicaFailed';
      readonly jobId: JobId;
      readonly attempt: number;
      readonly code: ErrorCode;
      readonly message: string;
    };

interface ReplicaArrived {
  readonly jobId: JobId;
  readonly attempt: number;
  readonly version: number;
  readonly parametersHash: BlobHash;
}

export interface WorkerRegistered {
  readonly kind: 'workerRegistered';
  readonly call: CallRef;
  readonly workerId: WorkerId;
  readonly name: string;
  readonly home: 'browser' | 'node';
  /** `anonymous` serves only jobs that allow it. */
  readonly role: Role | 'anonymous';
  readonly determinismClass: DeterminismClass;
  readonly device: string;
  /** The follower that serves it; absent for a worker of the leader's own. */
  readonly via?: CoordinatorId;
  /** Of its token, where another coordinator than the one that was asked tells the role. */
  readonly tokenHash?: BlobHash;
  /** None when absent. */
  readonly ringChannels?: readonly string[];
}

export interface LeaseRequested {
  readonly kind: 'leaseRequested';
  readonly call: CallRef;
  readonly workerId: WorkerId;
  /** Absent when the worker takes whatever job it may serve. */
  readonly jobId?: JobId;
  readonly pollMs: number;
}

/** The header of a contribution; the payload goes along unread. */
export interface ContributionReceived {
  readonly kind: 'contributionReceived';
  readonly call: CallRef;
  readonly workerId: WorkerId;
  readonly leaseId: LeaseId;
  readonly jobId: JobId;
  readonly round: number;
  readonly unit: number;
  readonly version: number;
  readonly epoch: number;
  readonly manifestHash: string;
  readonly codec: string;
  readonly length: number;
  readonly samples: number;
  readonly loss: number;
  readonly computeMs: number;
  /** What the worker's recent uploads reached; 0 or absent while it has measured none. */
  readonly uplinkBytesPerSecond?: number;
  readonly determinismClass: DeterminismClass;
  readonly payload: Uint8Array;
  /** The follower that keeps the payload, and sums it when it is told to; `payload` is empty then. */
  readonly heldAt?: { readonly coordinator: CoordinatorId; readonly bytes: number };
  /** Not 0: there is no payload, and the worker holds the update for this ring. */
  readonly ringId?: number;
  /** L2 norm of the decoded update, of one that the worker holds. */
  readonly norm?: number;
}

/** The reducer decoded and accumulated a payload, or refused its values. */
export interface ContributionReduced {
  readonly kind: 'contributionReduced';
  readonly jobId: JobId;
  readonly round: number;
  readonly unit: number;
  readonly leaseId: LeaseId;
  readonly outcome:
    | { readonly accepted: true; readonly norm: number }
    | { readonly accepted: false; readonly code: ErrorCode; readonly message: string };
}

export interface EvaluationReported {
  readonly kind: 'evaluationReported';
  readonly call: CallRef;
  readonly workerId: WorkerId;
  readonly leaseId: LeaseId;
  readonly jobId: JobId;
  readonly version: number;
  readonly unit: number;
  readonly epoch: number;
  readonly samples: number;
  readonly lossSum: number;
  readonly correct: number;
  readonly determinismClass: DeterminismClass;
}

/** A member of a ring has the sum, or `failure` says why not; see `ReportRingRequest`. */
export interface RingReported {
  readonly kind: 'ringReported';
  readonly call: CallRef;
  readonly workerId: WorkerId;
  readonly jobId: JobId;
  readonly identity: RingIdentity;
  readonly hash: string;
  readonly failure?: ErrorCode;
  readonly bytesPerSecond: number;
  readonly refused: number;
}

/** The packed sum that this worker was asked for. */
export interface RingUploaded {
  readonly kind: 'ringUploaded';
  readonly call: CallRef;
  readonly workerId: WorkerId;
  readonly jobId: JobId;
  readonly identity: RingIdentity;
  readonly hash: string;
  readonly payload: Uint8Array;
}

export interface RingSumMerged {
  readonly kind: 'ringSumMerged';
  readonly jobId: JobId;
  readonly round: number;
  readonly ringEpoch: number;
  readonly workerId: WorkerId;
  readonly outcome: ContributionReduced['outcome'];
}

/** Executed in the order of the list: what must be durable is proposed and committed before it is published. */
export type Effect =
  | {
      readonly kind: 'answerRegistered';
      readonly call: CallRef;
      readonly workerId: WorkerId;
      readonly epoch: number;
      /** Where the leader was asked by another coordinator, which did not know it. */
      readonly role?: Role | 'anonymous';
    }
  | {
      readonly kind: 'answerLease';
      readonly call: CallRef;
      readonly lease?: LeaseGrant;
      readonly reason: string;
    }
  | { readonly kind: 'answerAccepted'; readonly call: CallRef }
  | { readonly kind: 'answerCommitted'; readonly call: CallRef; readonly index: number }
  | {
      readonly kind: 'refuse';
      readonly call: CallRef;
      readonly code: ErrorCode;
      readonly message: string;
      readonly field?: string;
    }
  | {
      readonly kind: 'disconnect';
      readonly workerId: WorkerId;
      readonly code: ErrorCode;
      readonly message: string;
      /** The follower that serves it. */
      readonly via?: CoordinatorId;
    }
  | { readonly kind: 'propose'; readonly command: Command; readonly call?: CallRef }
  /** Load the newest checkpoint (or the initial parameters) and replay the aggregates after it. */
  | {
      readonly kind: 'openTrainer';
      readonly jobId: JobId;
      readonly attempt: number;
      readonly plan: TrainerPlan;
    }
  | { readonly kind: 'closeTrainer'; readonly jobId: JobId }
  /** Another leader's round: take the aggregate from the store, make the outer step, install it. */
  | {
      readonly kind: 'followRound';
      readonly jobId: JobId;
      readonly attempt: number;
      readonly round: number;
      readonly aggregateHash: BlobHash;
    }
  | {
      readonly kind: 'reduce';
      readonly jobId: JobId;
      readonly round: number;
      readonly unit: number;
      readonly leaseId: LeaseId;
      /** Of the job's codecs, as `codecText` writes it. */
      readonly codec: string;
      /** Of the unit: what its codec drew by chance follows from it. */
      readonly seed: number;
      readonly weight: number;
      readonly normMax: number;
      readonly payload: Uint8Array;
      /** To be done by the follower that has the payload. `call` is the contribution's; sums of different serials differ. */
      readonly edge?: {
        readonly coordinator: CoordinatorId;
        readonly call: CallRef;
        readonly serial: number;
      };
    }
  /** Add the packed sum of several units to the round's, unless its SHA-256 is another. */
  | {
      readonly kind: 'mergeSum';
      readonly jobId: JobId;
      readonly round: number;
      readonly ringEpoch: number;
      readonly workerId: WorkerId;
      readonly weight: number;
      /** Of the mean of these units. */
      readonly normMax: number;
      readonly hash: string;
      readonly payload: Uint8Array;
    }
  | {
      readonly kind: 'tellRing';
      readonly jobId: JobId;
      readonly workerIds: readonly WorkerId[];
      readonly told: RingTold;
    }
  /** Finish the sum, store it durably, compute the outer step beside the current state. */
  | StoreRound
  /** The round is committed: make the candidate current. */
  | { readonly kind: 'installRound'; readonly jobId: JobId; readonly round: number }
  /** The round's contributions are void (leadership lost, job paused). */
  | { readonly kind: 'discardRound'; readonly jobId: JobId; readonly round: number }
  | {
      readonly kind: 'publishUpdate';
      readonly jobId: JobId;
      readonly baseVersion: number;
      readonly version: number;
      readonly parametersHash: BlobHash;
      readonly progress: JobProgress;
    }
  | { readonly kind: 'storeCheckpoint'; readonly jobId: JobId; readonly version: number }
  | { readonly kind: 'removeBlobs'; readonly hashes: readonly BlobHash[] }
  /** A command that names these will be proposed: bring them to the other coordinators. */
  | { readonly kind: 'pushBlobs'; readonly hashes: readonly BlobHash[]; readonly isUrgent: boolean }
  /**
   * Gets those that are not here from other coordinators, in this order, however long it takes. With `replica`: one
   * attempt for each, and an answer. `mustVerify` replaces those whose bytes have changed.
   */
  | {
      readonly kind: 'fetchBlobs';
      readonly hashes: readonly BlobHash[];
      /** They may be on their way already. */
      readonly isExpected: boolean;
      readonly replica?: { readonly jobId: JobId; readonly attempt: number; readonly mustVerify: boolean };
    }
  /** This coordinator computes other bits than the rest: the process must end. */
  | { readonly kind: 'fatal'; readonly message: string }
  | { readonly kind: 'jobChanged'; readonly jobId: JobId }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: Readonly<Record<string, string | number>>;
    };
