import { assertNever } from '../../shared/base/assert.ts';
import type { BlobHash } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import type {
  CheckpointCommitted,
  EvaluationCommitted,
  JobStateChanged,
  RoundCommitted,
  StrategyChanged,
} from './commands.ts';
import { extendHistory } from './history.ts';
import type { JobRecord } from './job-record.ts';

type JobCommand =
  | JobStateChanged
  | RoundCommitted
  | StrategyChanged
  | EvaluationCommitted
  | CheckpointCommitted;

/** Applies a command that was checked. Returns the blobs that the job no longer names. */
export function applyToJob(job: JobRecord, command: JobCommand): readonly BlobHash[] {
  switch (command.kind) {
    case 'jobStateChanged':
      job.state = command.state;
      job.stateReason = command.reason;
      job.stateSinceMs = command.atMs;
      countRunningTime(job, command);
      return [];
    case 'roundCommitted':
      applyRound(job, command);
      return [];
    case 'strategyChanged':
      applyPlan(job, command);
      return [];
    case 'evaluationCommitted':
      applyEvaluation(job, command);
      return [];
    case 'checkpointCommitted':
      return applyCheckpoint(job, command);
    default:
      return assertNever(command);
  }
}

/**
 * A leader stamps the time since the last count that it knew of. Whatever was committed in between has counted a part
 * of it, perhaps of a leader before: only what is left counts, so no time counts twice.
 */
function countRunningTime(job: JobRecord, { elapsedMs = 0, atMs }: JobStateChanged | RoundCommitted): void {
  const uncountedMs = atMs - (job.countedUntilMs ?? Number.NEGATIVE_INFINITY);
  job.runningMs += Math.max(0, Math.min(elapsedMs, uncountedMs));
  job.countedUntilMs = Math.max(job.countedUntilMs ?? atMs, atMs);
}

function applyRound(job: JobRecord, command: RoundCommitted): void {
  const { round, aggregateHash, parametersHash, units, samples, samplesTaken, trainingLoss } = command;
  job.version = round + 1;
  job.parametersHash = parametersHash;
  job.samplePosition += samplesTaken ?? samples;
  job.samplesCounted += samples;
  job.unitsCounted += units;
  countRunningTime(job, command);
  job.trainingLoss = trainingLoss;
  job.aggregates.push({ round, aggregateHash, parametersHash });
  job.history = extendHistory(job.history, { round: job.version, trainingLoss }, limits.historyPointsMax);
  job.pace.push({ version: job.version, samples: job.samplesCounted, runningMs: job.runningMs });
  if (job.pace.length > limits.paceRoundsMax) job.pace.shift();
  job.determinismClasses = unionSorted(job.determinismClasses, command.determinismClasses ?? []);
}

function applyPlan(job: JobRecord, { plan, by, reason, atMs }: StrategyChanged): void {
  job.plan = plan;
  job.planChanges.push({ round: job.version, plan, by, reason, atMs });
  if (job.planChanges.length > limits.strategyChangesMax) job.planChanges.shift();
}

function applyEvaluation(job: JobRecord, command: EvaluationCommitted): void {
  const { kind: _, jobId: __, ...evaluation } = command;
  job.evaluation = evaluation;
  const { version, loss, accuracy } = command;
  const point = {
    round: version,
    testLoss: loss,
    ...(accuracy === undefined ? {} : { testAccuracy: accuracy }),
  };
  job.history = extendHistory(job.history, point, limits.historyPointsMax);
}

function applyCheckpoint(job: JobRecord, command: CheckpointCommitted): readonly BlobHash[] {
  const { version, manifestHash, blobs, atMs } = command;
  const previous = job.checkpoint;
  const covered = job.aggregates.filter(({ round }) => round < version);
  job.checkpoint = { version, manifestHash, blobs, atMs };
  job.aggregates = job.aggregates.filter(({ round }) => round >= version);
  const kept = new Set([manifestHash, ...blobs, ...job.aggregates.map(({ aggregateHash }) => aggregateHash)]);
  const former = previous === undefined ? [] : [previous.manifestHash, ...previous.blobs];
  return [...former, ...covered.map(({ aggregateHash }) => aggregateHash)].filter((hash) => !kept.has(hash));
}

function unionSorted(known: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...known, ...more])].sort().slice(0, limits.determinismClassesMax);
}
