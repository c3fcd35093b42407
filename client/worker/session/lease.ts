import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { type Lease, unitKinds } from '../../../shared/protocol/services.ts';

export type UnitKind = 'train' | 'evaluate';

/** A lease as the worker keeps it: checked, with its deadline on the worker's own clock. */
export interface HeldLease {
  readonly leaseId: string;
  readonly jobId: string;
  readonly kind: UnitKind;
  readonly round: number;
  readonly unit: number;
  readonly version: number;
  readonly parametersHash: string;
  /** It may be computed from a later version as well. */
  readonly mayUseNewer: boolean;
  /** The finest of the job's codecs that may be used, in the order of its list; empty for any. */
  readonly codec: string;
  /** The ring for which the worker may keep the update; 0 where there is none. */
  readonly ringId: number;
  readonly epoch: number;
  readonly deadlineAtMs: number;
  readonly sampleStart: number;
  readonly sampleCount: number;
  readonly seed: number;
}

/** @throws GradswarmError `badRequest` naming the field that no correct coordinator sends. */
export function holdLease(lease: Lease, nowMs: number): HeldLease {
  const { leaseId, jobId, round, unit, version, parametersHash, epoch, sampleStart, sampleCount, seed } =
    lease;
  const { mayUseNewer, codec, ringId } = lease;
  const kind = kindOf(lease);
  if (!Number.isSafeInteger(sampleStart) || sampleStart < 0) throw malformed('sampleStart', sampleStart);
  const samplesMax = kind === 'train' ? limits.unitSamplesMax : limits.batchSizeMax;
  if (sampleCount < 1 || sampleCount > samplesMax) throw malformed('sampleCount', sampleCount);
  const deadlineAtMs = nowMs + lease.deadlineMs;
  return {
    leaseId,
    jobId,
    kind,
    round,
    unit,
    version,
    parametersHash,
    mayUseNewer,
    codec,
    ringId,
    epoch,
    deadlineAtMs,
    sampleStart,
    sampleCount,
    seed,
  };
}

/** What the worker holds, as far as the decision needs it. */
export interface HeldVersion {
  readonly version: number;
  readonly hash: string;
}

/**
 * `wait`: the update of the lease's version must be on its way. `resync`: fetch a snapshot. `release`: the round of
 * the lease is over, or its time is.
 */
export type LeaseDecision = 'compute' | 'wait' | 'resync' | 'release';

export function decideLease(lease: HeldLease, held: HeldVersion | undefined, nowMs: number): LeaseDecision {
  if (nowMs >= lease.deadlineAtMs) return 'release';
  if (held === undefined) return 'resync';
  if (lease.version > held.version) return 'wait';
  if (lease.version < held.version) return lease.mayUseNewer ? 'compute' : 'release';
  return lease.parametersHash === held.hash ? 'compute' : 'resync';
}

function kindOf({ kind }: Lease): UnitKind {
  if (kind === unitKinds.train) return 'train';
  if (kind === unitKinds.evaluate) return 'evaluate';
  throw malformed('kind', kind);
}

function malformed(field: string, value: number): GradswarmError {
  return new GradswarmError(
    'badRequest',
    `The coordinator sent a lease with ${field} ${value}.`,
    `lease.${field}`,
  );
}
