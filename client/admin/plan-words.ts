import { assertNever } from '../../shared/base/assert.ts';
import type { RoundPlan } from '../../shared/protocol/services.ts';
import type { RoundStrategySpec } from '../../shared/sync/strategy-spec.ts';
import { formatPercent } from '../web/format.ts';

/** What the rounds are run by, in two sentences. */
export function planWords({ strategyJson, localSteps, codecs, isAdaptive }: RoundPlan): readonly string[] {
  const strategy = strategyWords(JSON.parse(strategyJson) as RoundStrategySpec);
  const author = isAdaptive ? ' The adaptive policy chose it.' : '';
  const unit = localSteps === 0 ? 'one gradient' : `${localSteps} local steps`;
  const choice = codecs.length > 1 ? ', as its worker’s uplink allows' : '';
  return [`${strategy}${author}`, `A unit is ${unit}, and is sent with ${codecs.join(' or ')}${choice}.`];
}

function strategyWords(spec: RoundStrategySpec): string {
  switch (spec.kind) {
    case 'parameterServerSynchronous': {
      const units = spec.quorum === undefined ? 'all' : `${formatPercent(spec.quorum)} of`;
      const late = spec.quorum === undefined ? '' : ' once the rest is late';
      return `Parameter server, synchronous: a round closes with ${units} its units${late}.${weighting(spec)}`;
    }
    case 'parameterServerAsynchronous':
      return (
        `Parameter server, asynchronous: a round closes after ${spec.buffer} contributions, ` +
        `of versions up to ${spec.stalenessMax} rounds old.${weighting(spec)}`
      );
    case 'ringAllReduce':
      return 'Ring all-reduce: workers sum their updates among themselves, and one hands the sum in.';
    default:
      return assertNever(spec);
  }
}

function weighting({ weighting }: Exclude<RoundStrategySpec, { kind: 'ringAllReduce' }>): string {
  return weighting === 'measured' ? ' Contributions weigh by what their workers have shown.' : '';
}
