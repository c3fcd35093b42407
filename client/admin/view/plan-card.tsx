import type { PlanChange } from '../../../shared/protocol/services.ts';
import { formatCount } from '../../web/format.ts';

interface PlanCardProps {
  readonly plan: string;
  readonly changes: readonly PlanChange[];
}

/** What the rounds are run by, and who changed it why. Absent while nobody has. */
export function PlanCard({ plan, changes }: PlanCardProps) {
  if (changes.length === 0) return null;
  return (
    <section class="card stack tight" aria-label="Strategy">
      <h2>Strategy</h2>
      <p class="small">{plan}</p>
      <ul class="small">
        {changes.toReversed().map((change) => (
          <li key={`${change.round} ${change.atMs}`}>
            From round {formatCount(change.round)}, by{' '}
            {change.by === 'adaptive' ? 'the adaptive policy' : 'an admin'}: {change.plan}.{' '}
            <span class="muted">{change.reason}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
