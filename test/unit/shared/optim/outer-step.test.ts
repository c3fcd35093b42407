import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../../shared/base/random.ts';
import type { CodecSpec } from '../../../../shared/codec/codec-spec.ts';
import { createCodec } from '../../../../shared/codec/codecs.ts';
import { applyUpdate } from '../../../../shared/codec/published-update.ts';
import type { OptimizerSpec } from '../../../../shared/optim/optimizer-spec.ts';
import { createOptimizer } from '../../../../shared/optim/optimizers.ts';
import { type OuterStepRules, outerStep } from '../../../../shared/optim/outer-step.ts';
import { learningRateAt } from '../../../../shared/optim/schedule.ts';
import { copyState, initialState, type TrainingState } from '../../../../shared/optim/training-state.ts';
import { bytesOf } from '../../../../shared/tensor/bytes.ts';
import { createManifest } from '../../../../shared/tensor/manifest.ts';
import { downSpecs, named } from '../codec/support/specs.ts';
import { textbookTrajectory } from './oracle.ts';

const manifest = createManifest([
  { name: 'kernel', shape: [20, 15] },
  { name: 'movingMean', shape: [15], role: 'statistic' },
  { name: 'bias', shape: [15] },
]);
const statistic = manifest.tensors[1]!;
const spec: OptimizerSpec = {
  kind: 'adamw',
  learningRate: 0.01,
  schedule: { warmupRounds: 4, decay: 'cosine', totalRounds: 40 },
};

function rulesFor(down: CodecSpec, optimizerSpec = spec): OuterStepRules {
  const downCodec = createCodec(down, manifest);
  return { manifest, optimizer: createOptimizer(optimizerSpec), spec: optimizerSpec, downCodec, seed: 99 };
}

function vector(seed: number, scale = 1): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: manifest.length }, () => scale * (random.unit() - 0.5));
}

/** Between parameters and published vector, where it is not what a step of `int8` gives. */
const gapMax: Readonly<Record<string, number>> = {
  float32: Number.MIN_VALUE,
  float16: 0.000_2,
  int4: 0.2,
  sign: 1,
  'topk/31/2': 0.25,
  'topk/64/4': 0.05,
};

function hashOf(values: Float32Array): string {
  return createHash('sha256').update(bytesOf(values)).digest('hex').slice(0, 16);
}

describe.each(named(downSpecs))('over the codec %s', (text, codec) => {
  const rules = rulesFor(codec);
  const start = (): TrainingState => initialState(rules.optimizer, vector(1));

  test('workers that apply the updates hold the published vector', () => {
    let state = start();
    const worker = state.published.slice();
    for (let round = 0; round < 30; round++) {
      const result = outerStep(rules, state, vector(100 + round));
      expect(result.finite).toBe(true);
      applyUpdate(rules.downCodec, worker, result.update);
      expect(worker).toEqual(result.state.published);
      state = result.state;
    }
    expect(state.version).toBe(30);
  });

  test('the published vector never drifts from the parameters', () => {
    let state = start();
    for (let round = 0; round < 600; round++) state = outerStep(rules, state, vector(100 + round)).state;
    const gap = state.published.reduce(
      (max, value, i) => Math.max(max, Math.abs(value - state.parameters[i]!)),
      0,
    );
    // A statistic moves by up to 0.5 a round, and a step is at most 1/63 of the largest change in its block.
    expect(gap).toBeLessThan(gapMax[text] ?? 0.01);
  });

  test('parameters follow the textbook, statistics add their mean change', () => {
    const aggregates = Array.from({ length: 30 }, (_, round) => vector(100 + round, 0.1));
    let state = start();
    for (const aggregate of aggregates) state = outerStep(rules, state, aggregate).state;
    const initial = vector(1);
    state.parameters.forEach((value, index) => {
      const changes = aggregates.map((aggregate) => aggregate[index]!);
      const isStatistic = index >= statistic.offset && index < statistic.offset + statistic.length;
      const expected = isStatistic
        ? changes.reduce((sum, change) => sum + change, initial[index]!)
        : textbookTrajectory(spec, initial[index]!, changes, {
            decays: index < statistic.offset,
            rateAt: (round) => learningRateAt(spec, round),
          });
      expect(Math.abs(value - expected)).toBeLessThan(2e-5);
    });
  });

  test('neither argument changes, and a spare state gives the same bits', () => {
    const state = outerStep(rules, start(), vector(7)).state;
    const before = copyState(state);
    const aggregate = vector(8);
    const fresh = outerStep(rules, state, aggregate);
    const reused = outerStep(rules, state, aggregate, outerStep(rules, start(), vector(50)).state);
    expect(state).toEqual(before);
    expect(aggregate).toEqual(vector(8));
    expect(reused).toEqual(fresh);
  });
});

/** Change these only with the version of the data folder: replay of committed rounds would fail. */
test('these bits come out everywhere', () => {
  const hashes = named(downSpecs).map(([text, codec]) => {
    const rules = rulesFor(codec, { ...spec, clipNorm: 2 });
    let state = initialState(rules.optimizer, vector(1));
    for (let round = 0; round < 20; round++) state = outerStep(rules, state, vector(100 + round)).state;
    return `${text} ${hashOf(state.published)}`;
  });
  expect(hashes).toMatchInlineSnapshot(`
    [
      "float32 014fb6f92f623a01",
      "float16 e47ba5c1a63f5a34",
      "int8 28b30ad8384ca4bb",
      "int4 fe8dea0708186dae",
      "sign 4cc284ca40e4bc7f",
      "topk/31/2 35874c37a73e4e95",
      "topk/64/4 7613c8587a0f5d11",
      "topk/65/8 a5d26e560916275b",
    ]
  `);
});

test.each([
  ['an exploding rate', { kind: 'sgd', learningRate: 1e30 } as const],
  ['a rate that overflows', { kind: 'sgd', learningRate: 1e39 } as const],
])('%s is reported as not finite', (_, explosive) => {
  const rules = rulesFor({ kind: 'int8' }, explosive);
  const state = initialState(rules.optimizer, vector(1));
  const result = outerStep(rules, state, vector(2));
  expect(result.finite).toBe(false);
  expect(result.update.byteLength).toBe(0);
});

test('clipping bounds the step but not the statistics', () => {
  const clipped = rulesFor({ kind: 'float32' }, { kind: 'sgd', learningRate: 1, clipNorm: 0.125 });
  const state = initialState(clipped.optimizer, new Float32Array(manifest.length));
  const aggregate = new Float32Array(manifest.length).fill(1);
  const { parameters } = outerStep(clipped, state, aggregate).state;
  expect(parameters[statistic.offset]).toBe(1);
  const trainable = parameters.filter(
    (_, i) => i < statistic.offset || i >= statistic.offset + statistic.length,
  );
  expect(Math.hypot(...trainable)).toBeCloseTo(0.125, 6);
});
