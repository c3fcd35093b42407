import type { OptimizerSpec } from './optimizer-spec.ts';

/**
 * A unit of several optimizer steps: the worker steps from the published parameters, each time on the next batch, and
 * its contribution is the way it went (McMahan et al. 2017; Douillard et al. 2023).
 */
export interface LocalSteps {
  /** Steps of one unit. */
  readonly steps: number;
  /** Its schedule counts inner steps and goes on over the rounds. */
  readonly optimizer: OptimizerSpec;
  /**
   * `fresh`, when absent: every unit begins with a new state, so that anyone can compute any unit with the same bits.
   * `kept`: a worker goes on with the moments of its last unit, as DiLoCo does. Like error feedback, that makes a
   * contribution the worker's own.
   */
  readonly optimizerState?: 'fresh' | 'kept';
}
