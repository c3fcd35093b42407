import { codecText } from '../../shared/codec/codec-spec.ts';
import { type AdaptiveView, adaptiveDefaults, choosePlan } from '../../shared/sync/adaptive.ts';
import { planText } from '../../shared/sync/round-plan.ts';
import type { JobRun, Lease, Worker } from './coordinator-state.ts';
import type { ContributionReceived } from './events.ts';
import { codecsOf } from './job-codecs.ts';
import { initialPlan, type JobRecord } from './job-record.ts';
import { computingMs } from './leases.ts';
import { plannedUnitSamples } from './round-strategy.ts';
import { log, type Turn } from './turn.ts';

/**
 * What a contribution's header tells of its worker. The worker itself knows its uplink best, because it sends one update
 * while it computes the next; of one that does not tell, what was not computing is taken for the upload.
 */
export function measure(
  { nowMs }: Turn,
  { document }: JobRecord,
  { measures }: JobRun,
  worker: Worker,
  lease: Lease,
  { computeMs, codec, payload, uplinkBytesPerSecond = 0 }: ContributionReceived,
): void {
  measures.leasesDone += 1;
  measures.codec = codec;
  worker.codec = codec;
  if (!(computeMs >= 0)) return;
  const steps = Math.max(1, lease.sampleCount / document.batchSize);
  measures.stepMs.add(Math.max(1, computeMs) / steps);
  if (uplinkBytesPerSecond > 0 && Number.isFinite(uplinkBytesPerSecond)) {
    worker.uplinkBytesPerSecond = uplinkBytesPerSecond;
    measures.bytesPerSecond.add(uplinkBytesPerSecond);
    return;
  }
  if (payload.byteLength === 0) return;
  const transferMs = Math.max(1, computingMs(worker, lease, nowMs) - computeMs);
  measures.bytesPerSecond.add((payload.byteLength / transferMs) * 1_000);
}

/** Between two rounds: another plan, where the policy finds one. It runs the rounds that open after its command. */
export function lookAtPlan(turn: Turn, job: JobRecord, run: JobRun): void {
  const { adaptive } = job.plan;
  const { measures } = run;
  const everyRounds = adaptive?.everyRounds ?? adaptiveDefaults.everyRounds;
  if (adaptive === undefined || job.version - measures.lookedAt < everyRounds) return;
  measures.lookedAt = job.version;
  const choice = choosePlan(adaptive, viewOf(job, run));
  // Half of what was seen fades, so that the newest churn counts most.
  measures.leasesDone /= 2;
  measures.leasesLost /= 2;
  if (choice === undefined) return;
  const { plan, reason } = choice;
  const { jobId } = job;
  log(turn, 'info', 'plan chosen', { jobId, round: job.version, plan: planText(plan), reason });
  const command = { kind: 'strategyChanged', jobId, plan, by: 'adaptive', reason, atMs: turn.nowMs } as const;
  turn.effects.push({ kind: 'propose', command });
}

function viewOf(job: JobRecord, { measures, unitTimes, members }: JobRun): AdaptiveView {
  const { document, plan, planChanges, version, parameters } = job;
  const times = unitTimes.estimate();
  const ended = measures.leasesDone + measures.leasesLost;
  const codecs = codecsOf(job);
  return {
    round: version,
    unitsPerRound: document.unitsPerRound,
    workers: members.size,
    stepMs: measures.stepMs.estimate()?.medianMs ?? 0,
    spread: times === undefined || times.medianMs === 0 ? 0 : times.deviationMs / times.medianMs,
    uplinkBytesPerSecond: measures.bytesPerSecond.estimate()?.medianMs ?? 0,
    lossRate: ended === 0 ? 0 : measures.leasesLost / ended,
    localSteps: plannedUnitSamples(job) / document.batchSize,
    hasLocalSteps: document.localSteps !== undefined,
    codecs: document.codec.up.map(codecText).map((text) => ({ text, bytes: codecs(text).encodedBytes })),
    codec: plan.codec ?? measures.codec,
    parameterBytes: 4 * parameters,
    plan,
    first: initialPlan(document),
    changes: planChanges,
  };
}
