import { stepsPerUnit } from '../../shared/job/unit-samples.ts';
import { strategyOf } from '../../shared/sync/strategies.ts';
import type { Strategy } from '../../shared/sync/strategy.ts';
import type { JobRun } from './coordinator-state.ts';
import type { JobRecord } from './job-record.ts';

/** That of the open round, else of the next one. */
export function currentStrategy({ plan }: JobRecord, { round }: JobRun): Strategy {
  return round?.strategy ?? strategyOf(plan.strategy);
}

/** Samples of one unit of the next round. */
export function plannedUnitSamples({ document, plan }: JobRecord): number {
  return (plan.localSteps ?? stepsPerUnit(document)) * document.batchSize;
}

export function staleMessage(version: number, current: number, stalenessMax: number): string {
  return `Version ${version} is ${current - version} rounds old; at most ${stalenessMax} may lie in between.`;
}
