import type { CodecSpec } from '../../../shared/codec/codec-spec.ts';
import { codecText } from '../../../shared/codec/codec-spec.ts';
import type { OptimizerSpec } from '../../../shared/optim/optimizer-spec.ts';
import type { ConvergenceCase, Flow } from './convergence-case.ts';

/** Optimizer steps of every run, whether the coordinator makes them or the workers. */
export const innerSteps = 1_500;
const steps = 30;

const schedule = {
  warmupRounds: 20,
  decay: 'cosine',
  totalRounds: innerSteps,
  minimumFraction: 0.1,
} as const;
const adamw: OptimizerSpec = {
  kind: 'adamw',
  learningRate: 0.004,
  beta2: 0.99,
  weightDecay: 0.1,
  clipNorm: 1,
  schedule,
};
const inner: OptimizerSpec = { kind: 'nesterov', learningRate: 0.15, clipNorm: 1, schedule };
const plainAverage: OptimizerSpec = { kind: 'sgd', learningRate: 1 };
const diloco: OptimizerSpec = { kind: 'nesterov', learningRate: 0.7, momentum: 0.9 };

const float32: CodecSpec = { kind: 'float32' };
const topk: CodecSpec = { kind: 'topk', k: 56, valueBits: 2 };
const lossyCodecs: readonly CodecSpec[] = [
  { kind: 'float16' },
  { kind: 'int8' },
  { kind: 'int4' },
  { kind: 'sign' },
  topk,
  { kind: 'randomk', k: 56 },
  { kind: 'powersgd', rank: 2 },
  { kind: 'demo', k: 56, momentum: 0.9 },
];

const all: Flow = { kind: 'all' };
const eachStep = (up: CodecSpec): ConvergenceCase => ({
  name: `each step, ${codecText(up)}`,
  up,
  outer: adamw,
  flow: all,
});
const local = (words: string, up: CodecSpec, outer: OptimizerSpec): ConvergenceCase => ({
  name: `${words}, ${codecText(up)}`,
  up,
  outer,
  localSteps: { steps, optimizer: inner },
  flow: all,
});

export const baseline = eachStep(float32);
/** The row that the project is measured by. */
export const headline = local('local steps', topk, plainAverage);

export const convergenceCases: readonly ConvergenceCase[] = [
  baseline,
  ...lossyCodecs.map(eachStep),
  { ...baseline, name: 'each step, float32, six of eight count', flow: { kind: 'quorum', units: 6 } },
  { ...baseline, name: 'no barrier, float32, four each round', flow: { kind: 'buffer', contributions: 4 } },
  local('FedAvg', float32, plainAverage),
  local('DiLoCo', float32, diloco),
  ...lossyCodecs.filter((codec) => codec !== topk).map((codec) => local('local steps', codec, plainAverage)),
  headline,
];
