import { assert } from '../base/assert.ts';
import type { ParameterManifest } from '../tensor/manifest.ts';
import { applyGradient } from './apply-gradient.ts';
import type { LocalSteps } from './local-steps.ts';
import { createOptimizer } from './optimizers.ts';
import { copyOptimizerState } from './training-state.ts';

/** The inner optimizer of one worker and job. Its vectors serve one unit after the other. */
export interface LocalTraining {
  /** Where the steps so far have led; the next step changes it. */
  readonly parameters: Float32Array;
  /**
   * A new unit: `start` is copied. The optimizer's state is fresh, or, where the job keeps it, that of the last unit
   * that was brought to its end.
   */
  begin(start: Float32Array): void;
  /** @param number of the step in the inner schedule */
  step(gradient: Float32Array, number: number): void;
  /**
   * What a contribution carries, as a new vector: start - end, which points like a gradient, for trainable tensors,
   * and the change, end - start, for statistics. Brings the unit to its end.
   */
  pseudoGradient(): Float32Array;
}

/** Only + - * / and sqrt, stored as float32: the same gradients give the same bits on every engine. */
export function createLocalTraining(
  manifest: ParameterManifest,
  { optimizer: spec, optimizerState = 'fresh' }: Pick<LocalSteps, 'optimizer' | 'optimizerState'>,
): LocalTraining {
  const optimizer = createOptimizer(spec);
  const start = new Float32Array(manifest.length);
  const parameters = new Float32Array(manifest.length);
  const state = optimizer.createState(manifest.length);
  const freshScalars = state.scalars.slice();
  /** Of the last unit that was brought to its end, where the job keeps it. */
  const kept = optimizerState === 'kept' ? optimizer.createState(manifest.length) : undefined;
  return {
    parameters,
    begin(from) {
      assert(from.length === manifest.length, 'the parameters have the shapes of the job');
      start.set(from);
      parameters.set(from);
      if (kept !== undefined) {
        copyOptimizerState(kept, state);
        return;
      }
      for (const slot of state.slots) slot.fill(0);
      state.scalars.set(freshScalars);
    },
    step(gradient, number) {
      assert(gradient.length === manifest.length, 'a gradient has the shapes of the job');
      applyGradient(optimizer, spec, { manifest, parameters, state }, gradient, number);
    },
    pseudoGradient() {
      const update = new Float32Array(manifest.length);
      for (const { role, offset, length } of manifest.tensors) {
        const sign = role === 'statistic' ? -1 : 1;
        for (let index = offset; index < offset + length; index++) {
          update[index] = sign * (start[index]! - parameters[index]!);
        }
      }
      if (kept !== undefined) copyOptimizerState(state, kept);
      return update;
    },
  };
}
