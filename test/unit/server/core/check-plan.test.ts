import { expect, it } from 'vitest';
import type { RoundPlan } from '../../../../shared/sync/round-plan.ts';
import type { AdaptiveSpec } from '../../../../shared/sync/strategy-spec.ts';
import { BenchCoordinator } from './bench-coordinator.ts';
import { jobId } from './fixtures.ts';

const whole = { kind: 'parameterServerSynchronous' } as const;
const quorum = { ...whole, quorum: 0.5 };
const policy: AdaptiveSpec = { kind: 'adaptive', strategies: [whole, quorum], everyRounds: 2 };

function change(bench: BenchCoordinator, by: 'admin' | 'adaptive', plan: RoundPlan): RoundPlan {
  bench.commit({ kind: 'strategyChanged', jobId, plan, by, reason: 'to see', atMs: 0 });
  return bench.job.plan;
}

it('a plan of the policy is void once an admin has taken the job out of its hands', () => {
  const bench = BenchCoordinator.withJob({ strategy: policy });
  const late = { strategy: quorum, adaptive: policy };
  expect(change(bench, 'adaptive', late)).toEqual(late);
  const fixed = { strategy: whole };
  expect(change(bench, 'admin', fixed)).toEqual(fixed);
  expect(change(bench, 'adaptive', late)).toEqual(fixed);
  expect(bench.job.planChanges.map(({ by }) => by)).toEqual(['adaptive', 'admin']);
});

it('a plan of one policy is void once an admin has set another', () => {
  const bench = BenchCoordinator.withJob({ strategy: policy });
  const other = { strategy: whole, adaptive: { ...policy, everyRounds: 9 } };
  change(bench, 'admin', other);
  expect(change(bench, 'adaptive', { strategy: quorum, adaptive: policy })).toEqual(other);
  const next = { ...other, strategy: quorum };
  expect(change(bench, 'adaptive', next)).toEqual(next);
});
