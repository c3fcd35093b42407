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
    codec: { up: [{ kind: 'float32' }], down: { kind: 'float32' } },
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

it('turns every way of writing a codec into a list for the updates and one for the parameters', () => {
  const topk = { kind: 'topk', k: 64, valueBits: 2 };
  const codecOf = (codec: object) => parseJobDocument({ ...job, codec }).codec;
  expect(codecOf({ up: 'int4' })).toEqual({ up: [{ kind: 'int4' }], down: { kind: 'float32' } });
  expect(codecOf({ up: topk, down: 'sign' })).toEqual({ up: [topk], down: { kind: 'sign' } });
  expect(codecOf({ up: [topk, 'int8'], down: topk })).toEqual({ up: [topk, { kind: 'int8' }], down: topk });
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
    [{ ...job, codec: { up: 'int9' } }, 'codec.up', /did you mean "int8"/],
    [{ ...job, codec: { up: 'topk' } }, 'codec.up', /must be one of "float32"/],
    [{ ...job, codec: { up: { kind: 'topkk', k: 1 } } }, 'codec.up.kind', /did you mean "topk"/],
    [{ ...job, codec: { up: { kind: 'topk', k: 64 } } }, 'codec.up.valueBits', /missing: Bits of every/],
    [{ ...job, codec: { up: { kind: 'topk', k: 0, valueBits: 2 } } }, 'codec.up.k', />= 1/],
    [{ ...job, codec: { up: { kind: 'topk', k: 4_097, valueBits: 2 } } }, 'codec.up.k', /<= 4096/],
    [{ ...job, codec: { up: { kind: 'topk', k: 1.5, valueBits: 2 } } }, 'codec.up.k', /integer/],
    [{ ...job, codec: { up: { kind: 'topk', k: 1, valueBits: 3 } } }, 'codec.up.valueBits', /2, 4, 8/],
    [{ ...job, codec: { up: { kind: 'powersgd', rank: 65 } } }, 'codec.up.rank', /<= 64/],
    [{ ...job, codec: { up: { kind: 'demo', k: 1, momentum: 1 } } }, 'codec.up.momentum', /< 1/],
    [{ ...job, codec: { up: ['int8', 'int9'] } }, 'codec.up[1]', /did you mean "int8"/],
    [{ ...job, codec: { up: ['int8', 'int8'] } }, 'codec.up', /duplicate items/],
    [
      { ...job, codec: { up: ['sign', 'int8', { kind: 'int8' }] } },
      'codec.up[2]',
      /has already: name each codec once/,
    ],
    [{ ...job, codec: { up: [] } }, 'codec.up', /fewer than 1/],
    [{ ...job, codec: { up: Array(9).fill('int8') } }, 'codec.up', /more than 8/],
    [{ ...job, codec: { down: { kind: 'randomk', k: 1 } } }, 'codec.down.kind', /must be one of/],
    [{ ...job, codec: { down: ['int8'] } }, 'codec.down', /must be object/],
    [{ ...job, codec: { sideways: 'int8' } }, 'codec.sideways', /known here are up, down/],
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
