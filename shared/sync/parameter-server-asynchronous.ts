import { weighContribution } from './contribution-weight.ts';
import type { Strategy } from './strategy.ts';
import type { AsynchronousSpec } from './strategy-spec.ts';

/**
 * Nobody waits for anybody: units never run out, and a round closes after `buffer` contributions. What is late counts
 * less, and beyond `stalenessMax` not at all. The result depends on who was how fast.
 */
export function parameterServerAsynchronous({
  buffer,
  stalenessMax,
  weighting,
}: AsynchronousSpec): Strategy & { kind: 'parameterServerAsynchronous' } {
  return {
    kind: 'parameterServerAsynchronous',
    isEndless: true,
    stalenessMax,
    contributionsMax: () => buffer,
    mayClose: ({ unitsAccepted, unitsReducing }) => unitsReducing === 0 && unitsAccepted >= buffer,
    contributionWeight: (view) => weighContribution(weighting, view),
    // A late unit holds nobody up.
    mayHedge: () => false,
  };
}
