import type { OptimizerSpec } from './optimizer-spec.ts';

/**
 * A unit of several optimizer steps: the worker steps from the published parameters, each time on the next batch, and
 * its contribution is the way it went (McMahan et al. 2017; Douillard et al. 2023).
 */
export interface LocalSteps {
  /** Steps of one unit. */
  readonly steps: number;
  /**
   * Begins every unit with a fresh state, so that anyone can compute any unit; its schedule counts inner steps and
   * goes on over the rounds.
   */
  readonly optimizer: OptimizerSpec;
}
