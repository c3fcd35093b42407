import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GradswarmError } from '../../../../shared/base/errors.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { builtinJobs } from '../../../../shared/job/builtin-jobs.ts';
import { jobSchema } from '../../../../shared/job/job-schema.ts';
import { parseJobDocument } from '../../../../shared/job/parse-job-document.ts';

const job = {
  name: 'prices',
  model: { kind: 'mlp', hidden: [16] },
  dataset: 'houses',
  loss: 'meanSquaredError',
  optimizer: { kind: 'adamw', learningRate: 0.01 },
  stop: { rounds: 10 },
};

// To publish a change: npx tsx -e "import('./shared/job/job-schema.ts').then((m) =>
// console.log(JSON.stringify(m.jobSchema)))" > docs/job.schema.json; npx biome format --write docs/job.schema.json
it('is published as docs/job.schema.json', () => {
  const published = readFileSync(new URL('../../../../docs/job.schema.json', import.meta.url), 'utf8');
  expect(JSON.parse(published)).toEqual(jobSchema);
});

it('fills in every default', () => {
  expect(parseJobDocument(JSON.stringify(job))).toEqual({
    ...job,
    title: 'prices',
    description: '',
    owner: '',
    unitsPerRound: 4,
    batchSize: 32,
    strategy: { kind: 'parameterServerSynchronous' },
    codec: { up: 'float32', down: 'float32' },
    evaluation: { everyRounds: 50, samplesMax: 1_000, batchSize: 250 },
    checkpoint: { everyRounds: 100 },
    seed: 1,
    allowAnonymous: false,
    updateNormMax: 1_000,
  });
});

it.each(Object.entries(builtinJobs))('reads the built-in job %s back unchanged', (name, document) => {
  expect(document.name).toBe(name);
  expect(parseJobDocument(JSON.stringify(document))).toEqual(document);
});

function refusal(input: unknown): GradswarmError {
  try {
    parseJobDocument(input);
  } catch (error) {
    if (error instanceof GradswarmError) return error;
    throw error;
  }
  throw new Error('the job was accepted');
}

const gpt = { kind: 'gpt', layers: 2, heads: 3, width: 64, context: 32 };
const without = (key: string): object =>
  Object.fromEntries(Object.entries(job).filter(([name]) => name !== key));

describe('a bad document names the field and the remedy', () => {
  it.each([
    [
      { ...job, optimizer: { kind: 'adamw', learningRate: 0 } },
      'optimizer.learningRate',
      /must be > 0, but is 0/,
    ],
    [{ ...job, bachSize: 3 }, 'bachSize', /did you mean "batchSize"/],
    [
      { ...job, optimizer: { ...job.optimizer, learningrate: 1 } },
      'optimizer.learningrate',
      /"learningRate"/,
    ],
    [{ ...job, zzz: 3 }, 'zzz', /known here are/],
    [{ ...job, model: { kind: 'mpl', hidden: [1] } }, 'model.kind', /did you mean "mlp"/],
    [{ ...job, model: { hidden: [1] } }, 'model.kind', /missing/],
    [{ ...job, model: { kind: 'cnn', filters: [8, 0] } }, 'model.filters[1]', />= 1/],
    [{ ...job, model: gpt }, 'model.heads', /divide/],
    [{ ...job, loss: 'softmax' }, 'loss', /did you mean "softmaxCrossEntropy"/],
    [{ ...job, codec: { up: 'int4' } }, 'codec.up', /did you mean "int8"/],
    [{ ...job, name: 'My Job' }, 'name', /lower-case/],
    [{ ...job, stop: {} }, 'stop', /at least one of "rounds"/],
    [{ ...job, stop: { accuracy: 0.9 } }, 'stop.accuracy', /regression/],
    [{ ...job, batchSize: limits.batchSizeMax + 1 }, 'batchSize', /<= 65536/],
    [without('dataset'), 'dataset', /missing: Name of an imported data set/],
    [
      { ...job, optimizer: { ...job.optimizer, schedule: { decay: 'cosine' } } },
      'optimizer.schedule.totalRounds',
      /where it ends/,
    ],
    [
      { ...job, optimizer: { ...job.optimizer, schedule: { warmupRounds: 9, totalRounds: 9 } } },
      'optimizer.schedule.warmupRounds',
      /less than/,
    ],
    [{ ...job, stop: { loss: 1 }, evaluation: { samplesMax: 0 } }, 'evaluation.samplesMax', /test samples/],
    [[job], undefined, /must be object/],
    ['{"name": ', undefined, /no JSON/],
  ] as const)('%#: %j', (input, field, message) => {
    const error = refusal(input);
    expect(error.code).toBe('badRequest');
    expect(error.field).toBe(field);
    expect(error.message).toMatch(message);
  });

  it('refuses a document over the limit before it parses it', () => {
    expect(refusal(' '.repeat(limits.jobDocumentBytesMax + 1)).code).toBe('tooLarge');
  });
});
