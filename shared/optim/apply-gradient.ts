import type { ParameterManifest } from '../tensor/manifest.ts';
import { clipToNorm } from './clip.ts';
import type { Optimizer, OptimizerState } from './optimizer.ts';
import type { OptimizerSpec } from './optimizer-spec.ts';
import { learningRateAt } from './schedule.ts';

export interface SteppedVectors {
  readonly manifest: ParameterManifest;
  readonly parameters: Float32Array;
  readonly state: OptimizerState;
}

/**
 * One step of a job's optimizer, in place: clips, steps at the rate of step `number` of the schedule, and adds the
 * changes of the statistics.
 */
export function applyGradient(
  optimizer: Optimizer,
  spec: OptimizerSpec,
  { manifest, parameters, state }: SteppedVectors,
  gradient: Float32Array,
  number: number,
): void {
  const clipped = spec.clipNorm === undefined ? gradient : clipToNorm(manifest, gradient, spec.clipNorm);
  optimizer.step(manifest, parameters, clipped, state, learningRateAt(spec, number));
  addStatistics(manifest, parameters, gradient);
}

/** A statistic's part of a gradient is its change. */
function addStatistics(manifest: ParameterManifest, parameters: Float32Array, gradient: Float32Array): void {
  for (const { role, offset, length } of manifest.tensors) {
    if (role !== 'statistic') continue;
    for (let index = offset; index < offset + length; index++) parameters[index]! += gradient[index]!;
  }
}
