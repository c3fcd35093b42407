import type { RoundCommitted } from '../../server/core/commands.ts';
import type { JobRecord } from '../../server/core/job-record.ts';
import { assert } from '../../shared/base/assert.ts';
import type { BlobHash, JobId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import { samplesPerUnit } from '../../shared/job/unit-samples.ts';
import type { RoundStrategySpec } from '../../shared/sync/strategy-spec.ts';

export interface StoredUnits {
  readonly jobId: JobId;
  readonly round: number;
  /** Of its units, as the reducer was told. */
  readonly slots: readonly number[];
  readonly parametersHash: BlobHash;
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

  stored({ jobId, round, slots, parametersHash }: StoredUnits): void {
    this.attempts.set(`${jobId} ${round} ${parametersHash}`, slots);
  }

  committed(
    job: JobRecord,
    { jobId, round, parametersHash, units, samples, staleUnits }: RoundCommitted,
  ): void {
    const slots = this.attempts.get(`${jobId} ${round} ${parametersHash}`);
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
    assert(
      samples === units * samplesPerUnit(job.document),
      `round ${round} of ${jobId} tells of the samples of its units`,
    );
    checkSize(job, units, staleUnits ?? 0);
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

/** As many units as one of the strategies allows that the job has had. */
function checkSize(
  { jobId, document, plan, planChanges }: JobRecord,
  units: number,
  staleUnits: number,
): void {
  const first = document.strategy.kind === 'adaptive' ? [] : [document.strategy];
  const strategies = [...first, plan.strategy, ...planChanges.map((change) => change.plan.strategy)];
  const isAllowed = strategies.some((strategy) => {
    if (strategy.kind === 'parameterServerAsynchronous') return units === strategy.buffer;
    const all = document.unitsPerRound;
    if (strategy.kind !== 'parameterServerSynchronous') return units === all && staleUnits === 0;
    const fewest = Math.max(1, Math.ceil((strategy.quorum ?? 1) * all));
    return units >= fewest && units <= all && staleUnits === 0;
  });
  assert(
    isAllowed,
    `a round of ${jobId} has ${units} units, ${staleUnits} of them stale, as its strategy has it`,
  );
}
