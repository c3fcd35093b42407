import { initialStatus, type WorkerStatus } from '../../client/worker/session/status.ts';
import type { PublicJob } from '../../shared/job/public-job.ts';

/** Jobs and worker statuses such as a cluster shows them. */
export const digits: PublicJob = {
  jobId: 'mnist',
  title: 'Read handwritten digits',
  description:
    'A small convolutional network learns to tell the digits of the MNIST collection apart: 60,000 images that people wrote by hand.',
  owner: 'The lab',
  state: 'running',
  modelKind: 'cnn',
  dataset: 'mnist',
  parameters: 101_770,
  allowAnonymous: true,
  round: 240,
  fractionDone: 0.48,
  remainingMs: 95_000,
  trainingLoss: 0.1042,
  testLoss: 0.0913,
  testAccuracy: 0.9731,
  workers: 3,
  samplesPerSecond: 7135,
};

export const whale: PublicJob = {
  ...digits,
  jobId: 'moby',
  title: 'Write like Moby-Dick',
  description: 'A small transformer learns English, letter by letter, from one novel.',
  modelKind: 'gpt',
  dataset: 'moby-dick',
  testAccuracy: null,
  remainingMs: null,
};

const atWork: WorkerStatus = {
  ...initialStatus,
  phase: 'computing',
  phaseText: 'computing a unit of round 240',
  workerId: 'worker-1',
  jobId: 'mnist',
  jobTitle: digits.title,
  jobOwner: digits.owner,
  jobDescription: digits.description,
  round: 240,
  loss: 0.1042,
  accuracy: 0.9731,
  jobWorkers: 3,
  jobSamplesPerSecond: 7135,
  unitsAccepted: 128,
  unitsRefused: 2,
  samplesPerSecond: 1804.2,
  bytesSent: 13_100_000,
  bytesReceived: 39_420_000,
  codec: 'int8',
  updateBytes: 103_400,
  updateValues: 101_770,
  engine: 'webgpu',
  device: 'NVIDIA GeForce RTX 4090',
};

/** A session that has seen the loss fall over 120 rounds. */
export const training: readonly WorkerStatus[] = [
  { ...initialStatus, phase: 'connecting', phaseText: 'connecting' },
  ...Array.from({ length: 120 }, (_, index) => ({
    ...atWork,
    round: index * 2 + 2,
    loss: 0.1 + 2.2 * Math.exp(-index / 22) * (1 + 0.08 * Math.sin(index * 12.9)),
  })),
];

export const writing: readonly WorkerStatus[] = training.map((status) => ({
  ...status,
  jobId: 'moby',
  sampledText:
    'the whale was now in the sea, and the captain stood upon\nthe deck, looking at the white water. “There she blows!”\ncried the mate; and all the boats were lowered',
}));

export const reconnecting: readonly WorkerStatus[] = [
  ...training,
  { ...atWork, phase: 'connecting', phaseText: 'connecting again' },
];

export const failed: readonly WorkerStatus[] = [
  {
    ...atWork,
    phase: 'failed',
    phaseText: 'failed',
    lastError: 'The graphics card computes wrong values: the gradient differs by 0.31 from the reference.',
  },
];
