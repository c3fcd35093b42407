import { assert } from '../base/assert.ts';
import type { Optimizer, OptimizerState } from './optimizer.ts';

/** All that a job's next version depends on, besides the aggregate. */
export interface TrainingState {
  /** Committed rounds; round `version` leads to the next one. */
  readonly version: number;
  /** The master copy that the optimizer steps. */
  readonly parameters: Float32Array;
  /** What the workers hold: the sum of the updates that were broadcast. Hashes are taken of it. */
  readonly published: Float32Array;
  readonly optimizer: OptimizerState;
}

/** Version 0: master and published vector are the initial parameters. */
export function initialState(optimizer: Optimizer, parameters: Float32Array): TrainingState {
  return {
    version: 0,
    parameters: parameters.slice(),
    published: parameters.slice(),
    optimizer: optimizer.createState(parameters.length),
  };
}

/** A state that shares nothing with `state`; the vectors of `spare`, a state of the same job, are written over. */
export function copyState(state: TrainingState, spare?: TrainingState): TrainingState {
  if (spare === undefined) {
    const { slots, scalars } = state.optimizer;
    return {
      version: state.version,
      parameters: state.parameters.slice(),
      published: state.published.slice(),
      optimizer: { slots: slots.map((slot) => slot.slice()), scalars: scalars.slice() },
    };
  }
  assert(spare.parameters.length === state.parameters.length, 'both states are of one job');
  spare.parameters.set(state.parameters);
  spare.published.set(state.published);
  copyOptimizerState(state.optimizer, spare.optimizer);
  return { ...spare, version: state.version };
}

/** Both are of one optimizer and length. */
export function copyOptimizerState(from: OptimizerState, to: OptimizerState): void {
  to.scalars.set(from.scalars);
  from.slots.forEach((slot, index) => {
    to.slots[index]!.set(slot);
  });
}
