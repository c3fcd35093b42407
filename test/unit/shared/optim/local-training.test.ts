import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createLocalTraining } from '../../../../shared/optim/local-training.ts';
import type { OptimizerSpec } from '../../../../shared/optim/optimizer-spec.ts';
import { learningRateAt } from '../../../../shared/optim/schedule.ts';
import { createManifest } from '../../../../shared/tensor/manifest.ts';
import { textbookTrajectory } from './oracle.ts';

const manifest = createManifest([
  { name: 'weights', shape: [2, 1] },
  { name: 'mean', shape: [1], role: 'statistic' },
  { name: 'bias', shape: [1] },
]);
const schedule = { warmupRounds: 3, decay: 'linear', totalRounds: 40 } as const;
const specs: readonly OptimizerSpec[] = [
  { kind: 'sgd', learningRate: 0.1, schedule },
  { kind: 'nesterov', learningRate: 0.05, momentum: 0.8, schedule },
  { kind: 'adamw', learningRate: 0.01, schedule },
];
const values = fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 });

it.each(specs)('goes the way of the textbook: $kind', (spec) => {
  fc.assert(
    fc.property(
      values,
      fc.array(values, { minLength: 1, maxLength: 6 }),
      fc.nat(30),
      (start, gradients, first) => {
        const training = createLocalTraining(manifest, { optimizer: spec });
        training.begin(Float32Array.from(start));
        gradients.forEach((gradient, step) => {
          training.step(Float32Array.from(gradient), first + step);
        });
        const update = training.pseudoGradient();
        const rateAt = (round: number): number => learningRateAt(spec, first + round);
        for (const index of [0, 1, 3]) {
          const column = gradients.map((gradient) => gradient[index] ?? 0);
          const end = textbookTrajectory(spec, start[index] ?? 0, column, { decays: index < 2, rateAt });
          expect(update[index]).toBeCloseTo((start[index] ?? 0) - end, 5);
        }
        const drift = gradients.reduce((sum, gradient) => sum + (gradient[2] ?? 0), 0);
        expect(update[2]).toBeCloseTo(drift, 5);
      },
    ),
    { numRuns: 30 },
  );
});

it('begins every unit afresh', () => {
  const training = createLocalTraining(manifest, { optimizer: { kind: 'adamw', learningRate: 0.1 } });
  const start = Float32Array.of(1, 2, 3, 4);
  const compute = (): Float32Array => {
    training.begin(start);
    for (let step = 0; step < 4; step++) training.step(Float32Array.of(0.5, -1, 0.25, step), step);
    return training.pseudoGradient();
  };
  const first = compute();
  expect(compute()).toEqual(first);
  expect(start).toEqual(Float32Array.of(1, 2, 3, 4));
});

it.each(specs)(
  'goes on from the last unit that came to its end, where the job keeps the state: $kind',
  (optimizer) => {
    const gradients = [0.5, -1, 0.25, 2, -0.75, 1].map((slope) =>
      Float32Array.of(slope, -slope, 0, 2 * slope),
    );
    const start = Float32Array.of(1, 2, 3, 4);
    const whole = createLocalTraining(manifest, { optimizer });
    whole.begin(start);
    for (const step of gradients.keys()) whole.step(gradients[step] as Float32Array, step);

    const parts = createLocalTraining(manifest, { optimizer, optimizerState: 'kept' });
    parts.begin(start);
    for (const step of [0, 1, 2]) parts.step(gradients[step] as Float32Array, step);
    parts.pseudoGradient();
    const middle = parts.parameters.slice();
    // Given up: it leaves no trace.
    parts.begin(start);
    parts.step(gradients[5] as Float32Array, 3);
    parts.begin(middle);
    for (const step of [3, 4, 5]) parts.step(gradients[step] as Float32Array, step);
    expect(parts.parameters).toEqual(whole.parameters);
  },
);

it('clips every step by the inner rule, and leaves statistics as they are', () => {
  const training = createLocalTraining(manifest, {
    optimizer: { kind: 'sgd', learningRate: 1, clipNorm: 1 },
  });
  training.begin(new Float32Array(4));
  training.step(Float32Array.of(3, 0, 7, 4), 0);
  training.step(Float32Array.of(0.25, 0, 0, 0), 1);
  const update = training.pseudoGradient();
  expect(update[0]).toBeCloseTo(0.85, 6);
  expect(update[2]).toBe(7);
  expect(update[3]).toBeCloseTo(0.8, 6);
});
