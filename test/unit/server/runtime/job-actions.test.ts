import { expect, it } from 'vitest';
import type { Command } from '../../../../server/core/commands.ts';
import { createReplicatedState } from '../../../../server/core/replicated-state.ts';
import { createJobActions } from '../../../../server/runtime/job-actions.ts';
import { createLocalTrainer } from '../../../../server/runtime/trainer/local-trainer.ts';
import type { DatasetManifest } from '../../../../shared/data/dataset-manifest.ts';
import type { AuthoredJob } from '../../../../shared/job/complete-job-document.ts';
import { dataset, hashOf } from '../core/fixtures.ts';
import { memoryStores, tensors, vector } from './trainer/fixture.ts';

const untested: DatasetManifest = { ...dataset, name: 'untested', test: { shards: [], count: 0 } };
const shortText: DatasetManifest = {
  kind: 'tokens',
  name: 'short-text',
  title: 'A short text',
  source: 'made by the test',
  train: { shards: [{ hash: hashOf('text'), count: 100, bytes: 200 }], count: 100 },
  test: { shards: [{ hash: hashOf('end'), count: 8, bytes: 16 }], count: 8 },
  vocabularySize: 2,
  tokenizer: { kind: 'characters', characters: ['a', 'b'] },
};

function actions() {
  const stores = memoryStores();
  const state = createReplicatedState();
  for (const known of [dataset, untested, shortText]) state.datasets.set(known.name, known);
  const requested: Command[] = [];
  const { submitJob } = createJobActions({
    replicated: () => state,
    request: async (command) => void requested.push(command),
    blobs: stores.blobs,
    stores,
    trainer: createLocalTrainer(stores),
    compiler: { compile: async () => ({ tensors, initialParameters: vector(0) }) },
    exporter: { export: () => Promise.reject(new Error('nothing is exported here')) },
    now: () => 5,
    aggregators: new Map([['own', { membersMin: 5, aggregate: () => undefined }]]),
  });
  return { submit: (job: AuthoredJob) => submitJob(JSON.stringify(job)), requested, stores };
}

const job: AuthoredJob = {
  name: 'job',
  model: { kind: 'mlp', hidden: [2] },
  dataset: dataset.name,
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'sgd', learningRate: 0.1 },
  stop: { accuracy: 0.9 },
};

it('submits a job whose first parameters are stored', async () => {
  const { submit, requested, stores } = actions();
  expect(await submit(job)).toEqual({ jobId: 'job', parameters: vector(0).length });
  expect(requested).toMatchObject([{ kind: 'jobSubmitted', jobId: 'job', dataset, atMs: 5 }]);
  const [submitted] = requested;
  if (submitted?.kind !== 'jobSubmitted') throw new Error('Expected a submission.');
  expect(stores.blobs.has(submitted.initialParametersHash)).toBe(true);
});

it.each<[string, AuthoredJob]>([
  ['has none', { ...job, dataset: untested.name }],
  [
    'has none that fills the context',
    {
      ...job,
      dataset: shortText.name,
      model: { kind: 'gpt', layers: 1, heads: 1, width: 2, context: 8 },
    },
  ],
])('refuses a job that stops by its accuracy on test samples, where the data set %s', async (_, wrong) => {
  const { submit, requested } = actions();
  await expect(submit(wrong)).rejects.toMatchObject({ code: 'badRequest', field: 'stop.accuracy' });
  expect(requested).toEqual([]);
  await submit({ ...wrong, stop: { rounds: 3 } });
});

it('refuses an aggregator of the operator that is unknown, or needs more units than a round has', async () => {
  const { submit, requested } = actions();
  const custom = (name: string): AuthoredJob => ({ ...job, aggregator: { kind: 'custom', name } });
  const known = { code: 'notFound', field: 'aggregator.name', message: expect.stringContaining('names own') };
  await expect(submit(custom('others'))).rejects.toMatchObject(known);
  await expect(submit(custom('own'))).rejects.toMatchObject({ code: 'tooFewMembers', field: 'aggregator' });
  expect(requested).toEqual([]);
  await submit({ ...custom('own'), unitsPerRound: 5 });
  expect(requested).toMatchObject([{ document: { aggregator: { kind: 'custom', name: 'own' } } }]);
});
