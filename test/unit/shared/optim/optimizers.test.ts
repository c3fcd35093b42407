import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../../shared/base/random.ts';
import type { OptimizerSpec } from '../../../../shared/optim/optimizer-spec.ts';
import { createOptimizer, optimizerKinds } from '../../../../shared/optim/optimizers.ts';
import { bytesOf } from '../../../../shared/tensor/bytes.ts';
import { createManifest } from '../../../../shared/tensor/manifest.ts';
import { textbookTrajectory } from './oracle.ts';

const manifest = createManifest([
  { name: 'kernel', shape: [4, 3] },
  { name: 'movingMean', shape: [3], role: 'statistic' },
  { name: 'bias', shape: [3] },
]);
const kernelLength = 12;
const statistics = [12, 15] as const;
const rounds = 200;

const specs: readonly OptimizerSpec[] = [
  { kind: 'sgd', learningRate: 0.1 },
  { kind: 'nesterov', learningRate: 0.05 },
  { kind: 'nesterov', learningRate: 0.05, momentum: 0.5 },
  { kind: 'adamw', learningRate: 0.01 },
  { kind: 'adamw', learningRate: 0.003, beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.2 },
];

function gradientsOf(seed: number): Float32Array[] {
  const random = createRandom(seed);
  return Array.from({ length: rounds }, () =>
    Float32Array.from({ length: manifest.length }, () => random.unit() - 0.4),
  );
}

function run(spec: OptimizerSpec, gradients: readonly Float32Array[]): Float32Array {
  const optimizer = createOptimizer(spec);
  const state = optimizer.createState(manifest.length);
  const parameters = Float32Array.from({ length: manifest.length }, (_, index) => 1 - index / 8);
  for (const gradient of gradients) {
    optimizer.step(manifest, parameters, gradient, state, spec.learningRate);
  }
  return parameters;
}

test('every kind has a slot for each name, as long as the parameters', () => {
  expect([...optimizerKinds].sort()).toEqual(['adamw', 'nesterov', 'sgd']);
  for (const kind of optimizerKinds) {
    const optimizer = createOptimizer({ kind, learningRate: 1 });
    const { slots } = optimizer.createState(7);
    expect(slots.map((slot) => slot.length)).toEqual(optimizer.slotNames.map(() => 7));
  }
});

describe.each(specs)('%j', (spec) => {
  const gradients = gradientsOf(11);

  test('follows the textbook in double precision', () => {
    const parameters = run(spec, gradients);
    parameters.forEach((value, index) => {
      if (index >= statistics[0] && index < statistics[1]) return;
      const expected = textbookTrajectory(
        spec,
        Math.fround(1 - index / 8),
        gradients.map((gradient) => gradient[index]!),
        { decays: index < kernelLength, rateAt: () => spec.learningRate },
      );
      expect(Math.abs(value - expected)).toBeLessThan(2e-5 * (1 + Math.abs(expected)));
    });
  });

  test('leaves statistics alone', () => {
    const parameters = run(spec, gradients);
    expect([...parameters.subarray(...statistics)]).toEqual([1 - 12 / 8, 1 - 13 / 8, 1 - 14 / 8]);
  });
});

/** Change these only with the version of the data folder: replay of committed rounds would fail. */
test('these bits come out everywhere', () => {
  const hashes = specs.map((spec) =>
    createHash('sha256')
      .update(bytesOf(run(spec, gradientsOf(5))))
      .digest('hex')
      .slice(0, 16),
  );
  expect(hashes).toMatchInlineSnapshot(`
    [
      "5c4f9c03b76ab21a",
      "6a15a19335dd4022",
      "2eaeaafee9db64a9",
      "f50d86241c857da5",
      "7775478165243f9b",
    ]
  `);
});
