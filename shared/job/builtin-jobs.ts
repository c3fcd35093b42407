import { completeJobDocument } from './complete-job-document.ts';
import type { JobDocument } from './job-document.ts';

const owner = 'Gradswarm';

const mnist = completeJobDocument({
  name: 'mnist',
  title: 'Handwritten digits',
  description: 'A convolutional network learns to read the 70,000 handwritten digits of MNIST.',
  owner,
  model: { kind: 'cnn', filters: [8, 16] },
  dataset: 'mnist',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'adamw', learningRate: 0.02, schedule: { warmupRounds: 8 } },
  unitsPerRound: 8,
  batchSize: 256,
  stop: { accuracy: 0.978, rounds: 200 },
  evaluation: { everyRounds: 10, samplesMax: 10_000, batchSize: 1_000 },
  checkpoint: { everyRounds: 20 },
  allowAnonymous: true,
});

const mobyText = {
  dataset: 'moby',
  loss: 'softmaxCrossEntropy',
  owner,
  allowAnonymous: true,
} as const;

const moby = completeJobDocument({
  ...mobyText,
  name: 'moby',
  title: 'Moby-Dick, letter by letter',
  description: 'A small transformer learns to write like Herman Melville, one character after the other.',
  model: { kind: 'gpt', layers: 2, heads: 4, width: 64, context: 64 },
  optimizer: {
    kind: 'adamw',
    learningRate: 0.004,
    beta2: 0.99,
    weightDecay: 0.1,
    clipNorm: 1,
    schedule: { warmupRounds: 20, decay: 'cosine', totalRounds: 800, minimumFraction: 0.1 },
  },
  unitsPerRound: 8,
  batchSize: 32,
  codec: { up: 'int8', down: 'float32' },
  stop: { rounds: 800 },
  evaluation: { everyRounds: 40, samplesMax: 256, batchSize: 64 },
  checkpoint: { everyRounds: 100 },
});

/** The sizes of nanoGPT's `train_shakespeare_char` example for a CPU. */
const mobyNanoGpt = completeJobDocument({
  ...mobyText,
  name: 'moby-nanogpt',
  title: 'Moby-Dick at the size of nanoGPT',
  description: 'A transformer of 0.8 million parameters learns to write like Herman Melville.',
  model: { kind: 'gpt', layers: 4, heads: 4, width: 128, context: 64 },
  optimizer: {
    kind: 'adamw',
    learningRate: 0.001,
    beta2: 0.99,
    weightDecay: 0.1,
    clipNorm: 1,
    schedule: { warmupRounds: 100, decay: 'cosine', totalRounds: 2_000, minimumFraction: 0.1 },
  },
  unitsPerRound: 4,
  batchSize: 12,
  stop: { rounds: 2_000 },
  evaluation: { everyRounds: 200, samplesMax: 240, batchSize: 60 },
  checkpoint: { everyRounds: 100 },
});

/** Jobs that need no document of one's own, by name. */
export const builtinJobs: Readonly<Record<string, JobDocument>> = {
  mnist,
  moby,
  'moby-nanogpt': mobyNanoGpt,
};
