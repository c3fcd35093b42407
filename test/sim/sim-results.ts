import type { LeaseGrant } from '../../server/core/effect-values.ts';
import type { ContributionReceived, EvaluationReported } from '../../server/core/events.ts';
import { asLeaseId, type WorkerId } from '../../shared/base/ids.ts';
import { createCodecs } from '../../shared/codec/codecs.ts';
import { manifest } from './jobs.ts';
import type { SimCoordinator } from './sim-coordinator.ts';
import { computeEvaluation, computeUpdate, localPlan } from './unit-maths.ts';

type WithoutCall<Event> = Omit<Event, 'call'>;
export type Contribution = WithoutCall<ContributionReceived>;
export type Published = NonNullable<ReturnType<SimCoordinator['published']>>;

export const determinismClass = { engine: 'cpu', build: 'sim' };
export const codecs = createCodecs(manifest);

/** What an honest worker hands in. */
export interface Result {
  readonly workerId: WorkerId;
  readonly coordinator: SimCoordinator;
  readonly lease: LeaseGrant;
  readonly parameters: Published;
  readonly computeMs: number;
  readonly uplinkBytesPerSecond: number | undefined;
}

export function contributionOf(result: Result): Contribution {
  const { workerId, coordinator, lease, parameters, computeMs, uplinkBytesPerSecond } = result;
  const { version, values } = parameters;
  const job = coordinator.state.replicated.jobs.get(lease.jobId);
  const { update, loss } = computeUpdate(values, lease.seed, lease.sampleStart, localPlan(job, lease));
  const codec = lease.codec ?? 'float32';
  return {
    kind: 'contributionReceived',
    workerId,
    leaseId: asLeaseId(lease.leaseId),
    jobId: lease.jobId,
    round: lease.round,
    unit: lease.unit,
    version,
    epoch: lease.epoch,
    manifestHash: job?.manifestHash ?? '',
    codec,
    length: values.length,
    samples: lease.sampleCount,
    loss,
    computeMs,
    ...(uplinkBytesPerSecond === undefined ? {} : { uplinkBytesPerSecond }),
    determinismClass,
    payload: codecs(codec).encode(update, lease.seed),
  };
}

/** What tells of an update that the worker keeps for its ring. */
export function announcementOf(whole: Contribution, { seed, ringId = 0 }: LeaseGrant): Contribution {
  const norm = Math.sqrt(codecs(whole.codec).squaredNorm(whole.payload, seed));
  return { ...whole, payload: whole.payload.subarray(0, 0), ringId, norm };
}

export function evaluationOf({ workerId, lease, parameters }: Result): WithoutCall<EvaluationReported> {
  return {
    kind: 'evaluationReported',
    workerId,
    leaseId: lease.leaseId,
    jobId: lease.jobId,
    version: lease.version,
    unit: lease.unit,
    epoch: lease.epoch,
    samples: lease.sampleCount,
    ...computeEvaluation(parameters.values, lease.sampleStart, lease.sampleCount),
    determinismClass,
  };
}
