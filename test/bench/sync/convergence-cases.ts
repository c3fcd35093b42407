import type { CodecSpec } from '../../../shared/codec/codec-spec.ts';
import { codecText } from '../../../shared/codec/codec-spec.ts';
import type { OptimizerSpec } from '../../../shared/optim/optimizer-spec.ts';
import type { ConvergenceCase, Flow } from './convergence-case.ts';

/** Local steps of a unit, where there are any. */
const steps = 30;

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

/** Rows that are compared, all for the same tokens. */
export interface ConvergenceTable {
  /** Optimizer steps of every run, whether the coordinator makes them or the workers. */
  readonly innerSteps: number;
  /** AdamW after every step. */
  readonly baseline: ConvergenceCase;
  /** The row that the project is measured by. */
  readonly headline: ConvergenceCase;
  /** The baseline first. */
  readonly rows: readonly ConvergenceCase[];
}

/** Every codec and strategy. */
export function everyRow(innerSteps: number): ConvergenceTable {
  const { baseline, headline, eachStep, local } = createCases(innerSteps);
  const rows = [
    baseline,
    ...lossyCodecs.map(eachStep),
    {
      ...baseline,
      name: 'each step, float32, six of eight count',
      flow: { kind: 'quorum', units: 6 } as const,
    },
    {
      ...baseline,
      name: 'no barrier, float32, four each round',
      flow: { kind: 'buffer', contributions: 4 } as const,
    },
    local('FedAvg', float32, plainAverage),
    local('DiLoCo', float32, diloco),
    ...lossyCodecs.filter((codec) => codec !== topk).map((codec) => local('DiLoCo', codec, diloco)),
    headline,
  ];
  return { innerSteps, baseline, headline, rows };
}

/** What local steps and sparsity cost when there is time for many rounds. */
export function longRows(innerSteps: number): ConvergenceTable {
  const { baseline, headline, local } = createCases(innerSteps);
  return { innerSteps, baseline, headline, rows: [baseline, local('DiLoCo', float32, diloco), headline] };
}

const plainAverage: OptimizerSpec = { kind: 'sgd', learningRate: 1 };
const diloco: OptimizerSpec = { kind: 'nesterov', learningRate: 0.7, momentum: 0.7 };

function createCases(innerSteps: number) {
  const schedule = { warmupRounds: 20, decay: 'cosine', totalRounds: innerSteps } as const;
  const adamw: OptimizerSpec = {
    kind: 'adamw',
    learningRate: 0.004,
    beta2: 0.99,
    weightDecay: 0.1,
    clipNorm: 1,
    schedule,
  };
  const inner: OptimizerSpec = { kind: 'nesterov', learningRate: 0.15, clipNorm: 1, schedule };
  const flow: Flow = { kind: 'all' };
  const eachStep = (up: CodecSpec): ConvergenceCase => ({
    name: `each step, ${codecText(up)}`,
    up,
    outer: adamw,
    flow,
  });
  const local = (words: string, up: CodecSpec, outer: OptimizerSpec): ConvergenceCase => ({
    name: `${words}, ${codecText(up)}`,
    up,
    outer,
    localSteps: { steps, optimizer: inner },
    flow,
  });
  return {
    eachStep,
    local,
    baseline: eachStep(float32),
    headline: local('DiLoCo', topk, diloco),
  };
}
