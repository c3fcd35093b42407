import { type ReadonlySignal, signal } from '@preact/signals';
import { limits } from '../../shared/base/limits.ts';
import type { JobStatus, PlanChange, RoundPlan } from '../../shared/protocol/services.ts';
import type { Coordinator } from './coordinator.ts';
import { isConnectionLost, messageOf } from './error-words.ts';
import { addStatus, type CurvePoint, curveOf } from './history.ts';

/** One job, followed from round to round. */
export interface JobWatch {
  readonly status: ReadonlySignal<JobStatus | undefined>;
  readonly curve: ReadonlySignal<readonly CurvePoint[]>;
  readonly documentJson: ReadonlySignal<string>;
  /** What the next rounds are run by. */
  readonly plan: ReadonlySignal<RoundPlan | undefined>;
  /** What the rounds were run by, and why that was changed; oldest first. */
  readonly planChanges: ReadonlySignal<readonly PlanChange[]>;
  readonly error: ReadonlySignal<string>;
  /** Follows over the present connection, until it is lost or `signal` ends it. */
  follow(signal: AbortSignal): Promise<void>;
}

export function createJobWatch(coordinator: Coordinator, jobId: string): JobWatch {
  const status = signal<JobStatus | undefined>(undefined);
  const curve = signal<readonly CurvePoint[]>([]);
  const documentJson = signal('');
  const plan = signal<RoundPlan | undefined>(undefined);
  const planChanges = signal<readonly PlanChange[]>([]);
  const error = signal('');

  const fetchAll = async (): Promise<void> => {
    const response = await coordinator.jobStatus(jobId);
    status.value = response.status;
    documentJson.value = response.documentJson;
    plan.value = response.plan;
    planChanges.value = response.planChanges;
    curve.value = curveOf(response);
  };

  return {
    status,
    curve,
    documentJson,
    plan,
    planChanges,
    error,
    async follow(abort) {
      try {
        await fetchAll();
        error.value = '';
        for await (const next of coordinator.watchJob(jobId, abort)) {
          const isChanged = next.plan !== status.value?.plan;
          status.value = next;
          curve.value = addStatus(curve.value, next);
          // The coordinator thins long histories evenly; take its thinner one. A change of the plan has its reason there.
          if (isChanged || curve.value.length > 2 * limits.historyPointsMax) await fetchAll();
        }
      } catch (failure) {
        if (!abort.aborted && !isConnectionLost(failure)) error.value = messageOf(failure);
      }
    },
  };
}
