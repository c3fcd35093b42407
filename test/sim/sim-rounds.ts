import type { RoundCommitted } from '../../server/core/commands.ts';
import { initialPlan, type JobRecord } from '../../server/core/job-record.ts';
import { assert } from '../../shared/base/assert.ts';
import type { BlobHash, JobId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import { stepsPerUnit } from '../../shared/job/unit-samples.ts';
import { planText, type RoundPlan } from '../../shared/sync/round-plan.ts';
import type { RoundStrategySpec } from '../../shared/sync/strategy-spec.ts';

export interface StoredUnits {
  readonly jobId: JobId;
  readonly round: number;
  /** Of its units, as the reducer was told. */
  readonly slots: readonly number[];
  readonly aggregateHash: BlobHash;
}

/** Whose result follows from the job alone: a round that is made again after its first attempt failed has the same bits. */
export function isRepeatable({ strategy }: JobRecord['document']): boolean {
  return strategy.kind !== 'adaptive' && isWhole(strategy);
}

function isWhole(strategy: RoundStrategySpec): boolean {
  if (strategy.kind === 'ringAllReduce') return true;
  if (strategy.kind !== 'parameterServerSynchronous') return false;
  return (strategy.quorum ?? 1) === 1 && strategy.weighting !== 'measured';
}

/** Which units the committed rounds are made of: each counts in one of them at most, and no sample is taken twice. */
export class SimRounds {
  private readonly attempts = new Map<string, readonly number[]>();
  private readonly hashes = new Map<string, BlobHash>();
  private readonly counted = new Map<JobId, Set<string>>();

  stored({ jobId, round, slots, aggregateHash }: StoredUnits): void {
    this.attempts.set(`${jobId} ${round} ${aggregateHash}`, slots);
  }

  committed(
    job: JobRecord,
    { jobId, round, aggregateHash, parametersHash, units, samples, staleUnits }: RoundCommitted,
  ): void {
    const slots = this.attempts.get(`${jobId} ${round} ${aggregateHash}`);
    assert(
      slots?.length === units,
      `round ${round} of ${jobId} is committed with the units that were summed`,
    );
    const counted = this.counted.get(jobId) ?? new Set();
    this.counted.set(jobId, counted);
    for (const slot of slots) {
      const unit = `${round - Math.floor(slot / limits.unitsOpenMax)} ${slot % limits.unitsOpenMax}`;
      assert(!counted.has(unit), `unit ${unit} of ${jobId} is counted once`);
      counted.add(unit);
    }
    checkAgainstPlans(job, { round, units, samples, staleUnits: staleUnits ?? 0 });
    this.checkRepetition(job, round, parametersHash);
  }

  unitsOf(jobId: JobId): number {
    return this.counted.get(jobId)?.size ?? 0;
  }

  private checkRepetition({ jobId, document, planChanges }: JobRecord, round: number, hash: BlobHash): void {
    const key = `${jobId} ${round}`;
    const known = this.hashes.get(key) ?? hash;
    this.hashes.set(key, hash);
    if (isRepeatable(document) && planChanges.length === 0) {
      assert(known === hash, `round ${round} of ${jobId} is always the same`);
    }
  }
}

interface Figures {
  readonly round: number;
  readonly units: number;
  readonly samples: number;
  readonly staleUnits: number;
}

/** As many units, and of each as many samples, as a plan allows that was in force while the round could open. */
function checkAgainstPlans(job: JobRecord, figures: Figures): void {
  const { round, units, samples, staleUnits } = figures;
  const plans = plansOf(job, round);
  const what = `round ${round} of ${job.jobId} with ${units} units, ${staleUnits} of them stale, of ${samples} samples`;
  const isAllowed = plans.some((plan) => isAllowedBy(plan, job, figures));
  assert(isAllowed, `${what} is as its strategy has it: ${plans.map(planText).join(' or ')}`);
}

/** A round keeps the plan that it opened with, unless it is given up: then it may open again with a newer one. */
function plansOf({ document, planChanges }: JobRecord, round: number): readonly RoundPlan[] {
  const before = planChanges.findLast((change) => change.round < round)?.plan ?? initialPlan(document);
  return [before, ...planChanges.filter((change) => change.round === round).map(({ plan }) => plan)];
}

function samplesOf({ document }: JobRecord, { localSteps }: RoundPlan): number {
  return (localSteps ?? stepsPerUnit(document)) * document.batchSize;
}

function isAllowedBy(plan: RoundPlan, job: JobRecord, { units, samples, staleUnits }: Figures): boolean {
  const { document, planChanges } = job;
  const { strategy } = plan;
  if (strategy.kind === 'parameterServerAsynchronous') {
    // Late units are as long as the plan had it that they were leased under.
    const all = [initialPlan(document), ...planChanges.map((change) => change.plan)];
    const lengths = all.map((one) => samplesOf(job, one));
    const isLong = samples >= units * Math.min(...lengths) && samples <= units * Math.max(...lengths);
    return units === strategy.buffer && isLong;
  }
  const all = document.unitsPerRound;
  const quorum = strategy.kind === 'parameterServerSynchronous' ? (strategy.quorum ?? 1) : 1;
  const fewest = Math.max(1, Math.ceil(quorum * all));
  return units >= fewest && units <= all && staleUnits === 0 && samples === units * samplesOf(job, plan);
}
