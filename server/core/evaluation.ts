import type { EvaluationCommitted } from './commands.ts';
import type { Evaluation, JobRun } from './coordinator-state.ts';
import type { EvaluationReported } from './events.ts';
import { evaluationSamples, type JobRecord } from './job-record.ts';
import { forgetLease, voidLeases } from './leases.ts';
import type { Turn } from './turn.ts';
import { createUnitPool } from './unit-pool.ts';
import type { AdmittedEvaluation } from './validation.ts';

/** Whether the current version must be evaluated: by the rule's rhythm, and always at the end. */
export function isEvaluationDue(job: JobRecord, isStopping: boolean): boolean {
  if (evaluationSamples(job) === 0 || job.evaluation?.version === job.version) return false;
  return isStopping || job.version % Math.max(1, job.document.evaluation.everyRounds) === 0;
}

export function openEvaluation(job: JobRecord): Evaluation {
  const samples = evaluationSamples(job);
  const units = Math.ceil(samples / job.document.evaluation.batchSize);
  return {
    version: job.version,
    samples,
    pool: createUnitPool(units),
    lossSums: new Float64Array(units),
    correct: new Float64Array(units),
    isProposed: false,
  };
}

export function countEvaluation(
  turn: Turn,
  { evaluation, lease }: AdmittedEvaluation,
  { call, lossSum, correct }: EvaluationReported,
): void {
  const { state, effects } = turn;
  for (const leaseId of evaluation.pool.finish(lease.unit)) {
    const copy = state.leases.get(leaseId);
    if (copy !== undefined) forgetLease(state, copy);
  }
  evaluation.lossSums[lease.unit] = lossSum;
  evaluation.correct[lease.unit] = correct;
  effects.push({ kind: 'answerAccepted', call });
}

/** Summed in unit order, so the figures do not depend on the order of arrival. */
export function evaluationCommitted(
  job: JobRecord,
  { version, samples, lossSums, correct }: Evaluation,
  nowMs: number,
): EvaluationCommitted {
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  const isRegression = job.dataset.kind === 'records' && job.dataset.task === 'regression';
  return {
    kind: 'evaluationCommitted',
    jobId: job.jobId,
    version,
    loss: sum(lossSums) / samples,
    ...(isRegression ? {} : { accuracy: sum(correct) / samples }),
    samples,
    atMs: nowMs,
  };
}

export function voidEvaluation(turn: Turn, run: JobRun): void {
  if (run.evaluation === undefined) return;
  voidLeases(turn.state, run.evaluation.pool);
  run.evaluation = undefined;
}
