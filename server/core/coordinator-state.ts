import type { BlobHash, JobId, LeaseId, WorkerId } from '../../shared/base/ids.ts';
import { createRandom, type Random } from '../../shared/base/random.ts';
import type { Strategy } from '../../shared/sync/strategy.ts';
import { type Claims, createClaims } from './claims.ts';
import type { CoordinatorId, UnitKind } from './effect-values.ts';
import type { CallRef, ContributionReceived, DeterminismClass, Effect, WorkerRegistered } from './events.ts';
import type { Measures } from './measures.ts';
import type { Replica } from './replica.ts';
import { createReplicatedState, type ReplicatedState } from './replicated-state.ts';
import type { Ring, RingMemory } from './ring/ring-state.ts';
import type { UnitPool } from './unit-pool.ts';
import type { UnitTimes } from './unit-times.ts';
import { createWaitingCalls, type LeaseCall, type WaitingCalls } from './waiting-calls.ts';

/**
 * Everything one coordinator knows. `replicated` follows the log on every coordinator, and so do the replicas and what
 * is known of blobs; the rest exists only while this one leads, and is forgotten with its leadership: nothing in it is
 * needed to go on from the last committed round.
 */
export interface CoordinatorState {
  readonly random: Random;
  replicated: ReplicatedState;
  /** False while the log's past is being applied: nothing is opened, fetched or removed for states long gone. */
  isLive: boolean;
  /** One for every running job, and for the newest of the paused ones. */
  readonly replicas: Map<JobId, Replica>;
  /** Set while this coordinator leads. */
  epoch: number | undefined;
  readonly workers: Map<WorkerId, Worker>;
  /** Workers that were set aside, also after they left; the oldest are forgotten above `limits.workersMax`. */
  readonly quarantine: Map<WorkerId, { readonly untilMs: number }>;
  /** One for every running job. */
  readonly runs: Map<JobId, JobRun>;
  readonly leases: Map<LeaseId, Lease>;
  /** The newest leases that ended by their deadline, bounded. */
  readonly expiredLeases: Map<LeaseId, Lease>;
  readonly waiting: WaitingCalls;
  /** Contributions at the reducer, by their caller. */
  readonly reducingCalls: Map<CallRef, Reducing>;
  /** The job of each contribution that waits for its next round, by their caller. */
  readonly parkedCalls: Map<CallRef, JobId>;
  /** Blobs that perhaps no job names any more, to be looked at. */
  readonly released: Set<BlobHash>;
  /** Blobs that a command on its way may name. */
  readonly claims: Claims;
  /** Virtual time of the fair queue between jobs, in samples. */
  virtualSamples: number;
  /** Sums of other coordinators that were refused, in this epoch. */
  readonly refusedSums: Map<CoordinatorId, number>;
  /** Rounds that were opened here, of all jobs; it gives each its serial. */
  roundsOpened: number;
}

export interface Worker {
  readonly workerId: WorkerId;
  readonly name: string;
  readonly home: WorkerRegistered['home'];
  readonly role: WorkerRegistered['role'];
  readonly determinismClass: DeterminismClass;
  readonly device: string;
  /** The follower that serves it. */
  readonly via: CoordinatorId | undefined;
  /** Ways in which it can and may be a member of a ring. */
  ringChannels: readonly string[];
  readonly connectedAtMs: number;
  lastSeenMs: number;
  samplesPerSecond: number;
  unitsAccepted: number;
  unitsRefused: number;
  bytesReceived: number;
  /** Codec of its newest contribution, and what it says its uplink reaches: empty and 0 before it has told. */
  codec: string;
  uplinkBytesPerSecond: number;
  /** Leases that ended without a result by this worker's fault or at their deadline. */
  leasesFailed: number;
  /** Malformed or impossible messages since registration or the last quarantine. */
  faults: number;
  /** How much slower than the median unit this worker is, at least 1; doubles when a deadline passes. */
  pace: number;
  /** When it last returned a result, of whatever worth: since then it computes the next. */
  lastResultMs: number;
  /** The job of its newest lease. */
  jobId: JobId | undefined;
  /** In the order in which they were given; the first is being computed, the others wait. */
  readonly leases: Map<LeaseId, Lease>;
  readonly calls: Set<LeaseCall>;
}

export interface Lease {
  readonly leaseId: LeaseId;
  readonly workerId: WorkerId;
  readonly jobId: JobId;
  readonly kind: UnitKind;
  /** Round of a `train` unit; the version for `evaluate`. */
  readonly round: number;
  readonly unit: number;
  readonly version: number;
  /** Its worker may compute it from a later version. */
  readonly mayUseNewer: boolean;
  readonly sampleCount: number;
  readonly grantedMs: number;
  /** Leases that the worker held already: it computes them first. */
  readonly ahead: number;
  readonly deadlineMs: number;
}

/** One running job, while this coordinator leads. */
export interface JobRun {
  readonly jobId: JobId;
  /** False until the replica is at the committed version. */
  isOpen: boolean;
  /** Running time is counted from here to the next commit. */
  runningSinceMs: number;
  round: Round | undefined;
  /** Of earlier rounds, by their number, what is still being computed and may count in the open one. */
  readonly earlierPools: Map<number, UnitPool>;
  /** In order of arrival, what came while no round took any more. */
  readonly parked: Parked[];
  evaluation: Evaluation | undefined;
  /** The checkpoint that is being stored, and once `blobs` are known, committed. */
  checkpoint: { readonly version: number; readonly blobs: readonly BlobHash[] | undefined } | undefined;
  /** A change of the job's state is in the log's hands. */
  isStateProposed: boolean;
  readonly unitTimes: UnitTimes;
  readonly measures: Measures;
  /** Leases that each worker holds of this job. */
  readonly holders: Map<WorkerId, number>;
  /** Connected workers whose newest lease was of this job. */
  readonly members: Set<WorkerId>;
  /** Samples handed out, as a clock of the fair queue. */
  virtualSamples: number;
  /** Contributions and evaluations refused for what they were. */
  refused: number;
  /** Good ones that somebody else had handed in before, or that came after their round. */
  overtaken: number;
  /** Impossible values since the last result that could be counted, and whose they were. */
  readonly divergence: { refusals: number; readonly workers: Set<WorkerId> };
  readonly ringMemory: RingMemory;
}

/** A contribution that was admitted and waits for the next round to open; its lease is over. */
export interface Parked {
  readonly event: ContributionReceived;
  readonly lease: Lease;
  readonly pool: UnitPool;
  readonly codec: Extract<Effect, { readonly kind: 'reduce' }>['codec'];
  readonly elapsedMs: number;
}

/** A contribution at the reducer. */
export interface Reducing {
  readonly jobId: JobId;
  /** Of the round that gave the lease, which may be an earlier one than that which counts it. */
  readonly pool: UnitPool;
  readonly unit: number;
  /** Its number among all that the open round may count. */
  readonly slot: number;
  readonly weight: number;
  /** Rounds committed since the parameters that it was computed from. */
  readonly staleness: number;
  readonly samples: number;
  readonly leaseId: LeaseId;
  readonly workerId: WorkerId;
  readonly loss: number;
  readonly elapsedMs: number;
  readonly determinismClass: DeterminismClass;
  /** The follower that sums it. */
  readonly heldAt: CoordinatorId | undefined;
  /** Undefined once the caller gave up; the contribution counts all the same. */
  call: CallRef | undefined;
}

/** What the round's figures are made of. */
export type CountedUnit = Pick<
  Reducing,
  'pool' | 'unit' | 'slot' | 'weight' | 'loss' | 'samples' | 'staleness' | 'heldAt'
>;

export interface Round {
  readonly round: number;
  /** Grows with every round that is opened, one that was given up and begins again included. */
  readonly serial: number;
  readonly sampleStart: number;
  readonly openedMs: number;
  /** As the job had it when the round opened. */
  readonly strategy: Strategy;
  /** Samples of one of its units. */
  readonly unitSamples: number;
  readonly pool: UnitPool;
  /** `collecting` units, `storing` their aggregate, `stored` and waiting for the evaluation of the base version,
   * `committing` in the log. */
  phase: 'collecting' | 'storing' | 'stored' | 'committing';
  readonly reducing: Map<LeaseId, Reducing>;
  counted: CountedUnit[];
  weight: number;
  readonly determinismClasses: Set<string>;
  /** Where workers may keep their updates. */
  readonly ring: Ring | undefined;
  stored: { readonly aggregateHash: BlobHash; readonly parametersHash: BlobHash } | undefined;
}

export interface Evaluation {
  readonly version: number;
  readonly samples: number;
  readonly pool: UnitPool;
  readonly lossSums: Float64Array;
  readonly correct: Float64Array;
  isProposed: boolean;
}

export interface CoordinatorOptions {
  /** Names leases; any number that differs from one life of the coordinator to the next. */
  readonly seed: number;
  /** From a snapshot; empty when absent. */
  readonly replicated?: ReplicatedState;
}

export function createCoordinatorState({ seed, replicated }: CoordinatorOptions): CoordinatorState {
  return {
    random: createRandom(seed),
    replicated: replicated ?? createReplicatedState(),
    isLive: false,
    replicas: new Map(),
    epoch: undefined,
    workers: new Map(),
    quarantine: new Map(),
    runs: new Map(),
    leases: new Map(),
    expiredLeases: new Map(),
    waiting: createWaitingCalls(),
    reducingCalls: new Map(),
    parkedCalls: new Map(),
    released: new Set(),
    claims: createClaims(),
    virtualSamples: 0,
    refusedSums: new Map(),
    roundsOpened: 0,
  };
}
