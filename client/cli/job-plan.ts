import type { GetJobStatusResponse } from '../../shared/protocol/services.ts';
import { type RoundStrategySpec, strategyText } from '../../shared/sync/strategy-spec.ts';

/** What the next rounds of a job are run by, and why. */
export interface JobPlan {
  readonly strategy: RoundStrategySpec;
  /** Optimizer steps of a unit; 0 where units are gradients. */
  readonly localSteps: number;
  /** What workers choose from, the finest first. */
  readonly codecs: readonly string[];
  readonly isAdaptive: boolean;
  readonly sinceRound: number;
  readonly by: string;
  readonly reason: string;
}

/** Undefined where the coordinator does not tell. */
export function jobPlan({ plan, planChanges }: GetJobStatusResponse): JobPlan | undefined {
  if (plan === undefined) return undefined;
  const { strategyJson, localSteps, codecs, isAdaptive } = plan;
  const strategy = JSON.parse(strategyJson) as RoundStrategySpec;
  const { round = 0, by = 'document', reason = 'the job document says so' } = planChanges.at(-1) ?? {};
  return { strategy, localSteps, codecs, isAdaptive, sinceRound: round, by, reason };
}

const authors: Readonly<Record<string, string>> = { admin: 'an admin', adaptive: 'the adaptive policy' };

/** Rows for people, each a name and a value. */
export function planRows(plan: JobPlan): readonly (readonly [string, string])[] {
  const { strategy, localSteps, codecs, isAdaptive, sinceRound, by, reason } = plan;
  const author = authors[by];
  const why = author === undefined ? reason : `${author}, from round ${sinceRound} on: ${reason}`;
  return [
    ['strategy', `${strategyText(strategy)}${isAdaptive ? ' (the adaptive policy may change it)' : ''}`],
    ['unit', localSteps === 0 ? 'one gradient' : `${localSteps} local steps`],
    ['codecs', codecs.join(', ')],
    ['why', why],
  ];
}
