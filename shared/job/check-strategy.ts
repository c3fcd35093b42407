import { GradswarmError } from '../base/errors.ts';
import { weighedContributionsMax } from '../sync/contribution-weight.ts';
import type { JobDocument } from './job-document.ts';

/**
 * Relations between a job's strategy and its other fields.
 * @throws GradswarmError `badRequest`.
 */
export function checkStrategy({ strategy, unitsPerRound, localSteps }: JobDocument): void {
  const rounds = strategy.kind === 'adaptive' ? strategy.strategies : [strategy];
  const isWeighed = rounds.some(
    (spec) => spec.kind === 'parameterServerSynchronous' && spec.weighting === 'measured',
  );
  if (isWeighed && unitsPerRound > weighedContributionsMax) {
    const message = `strategy.weighting is measured: with weights up to 8 a round sums ${weighedContributionsMax} units exactly, not ${unitsPerRound}; lower unitsPerRound.`;
    throw new GradswarmError('badRequest', message, 'strategy.weighting');
  }
  if (strategy.kind !== 'adaptive' || strategy.localSteps === undefined) return;
  const { minimum, maximum } = strategy.localSteps;
  if (localSteps === undefined) {
    const message = 'strategy.localSteps bounds the local steps, but the job makes none; add localSteps.';
    throw new GradswarmError('badRequest', message, 'strategy.localSteps');
  }
  if (minimum > maximum) {
    const message = `strategy.localSteps.minimum (${minimum}) is above maximum (${maximum}).`;
    throw new GradswarmError('badRequest', message, 'strategy.localSteps');
  }
}
