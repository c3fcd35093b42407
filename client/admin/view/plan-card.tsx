import type { PlanChange, RoundPlan } from '../../../shared/protocol/services.ts';
import { formatCount } from '../../web/format.ts';
import { planWords } from '../plan-words.ts';

interface PlanCardProps {
  /** Absent while nothing was heard of it. */
  readonly plan: RoundPlan | undefined;
  readonly changes: readonly PlanChange[];
}

/** What the rounds are run by, and who changed it why. */
export function PlanCard({ plan, changes }: PlanCardProps) {
  if (plan === undefined) return null;
  return (
    <section class="card stack tight" aria-labelledby="plan-title">
      <h2 id="plan-title">Strategy</h2>
      {planWords(plan).map((words) => (
        <p class="small" key={words}>
          {words}
        </p>
      ))}
      {changes.length === 0 ? null : (
        <ul class="small">
          {changes.toReversed().map((change) => (
            <li key={`${change.round} ${change.atMs}`}>
              From round {formatCount(change.round)}, by{' '}
              {change.by === 'adaptive' ? 'the adaptive policy' : 'an admin'}: {change.plan}.{' '}
              <span class="muted">{change.reason}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
