import type { RoundPlan } from '../../shared/protocol/services.ts';
import { type RoundStrategySpec, strategyText } from '../../shared/sync/strategy-spec.ts';

/** What the rounds are run by, in two sentences. */
export function planWords({ strategyJson, localSteps, codecs, isAdaptive }: RoundPlan): readonly string[] {
  const strategy = strategyText(JSON.parse(strategyJson) as RoundStrategySpec);
  const author = isAdaptive ? ', chosen by the adaptive policy' : '';
  const unit = localSteps === 0 ? 'one gradient' : `${localSteps} local steps`;
  const choice = codecs.length > 1 ? ', as its worker’s uplink allows' : '';
  return [`${strategy}${author}.`, `A unit is ${unit}, and is sent with ${codecs.join(' or ')}${choice}.`];
}
