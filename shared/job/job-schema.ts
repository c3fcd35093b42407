import { limits } from '../base/limits.ts';
import { aggregatorSchema } from './aggregator-schema.ts';
import { codecSchema } from './codec-schema.ts';

/**
 * JSON Schema of a job document as its author writes it; published as `docs/job.schema.json`, which a test holds equal
 * to this. Titles and descriptions are for editors that complete and explain.
 */
const wholeNumber = (minimum: number, maximum: number, description: string): object => ({
  type: 'integer',
  minimum,
  maximum,
  description,
});

const positive = (description: string): object => ({ type: 'number', exclusiveMinimum: 0, description });

const fraction = (description: string): object => ({ type: 'number', minimum: 0, maximum: 1, description });

/** At least 0, less than 1. */
const momentum = (description: string): object => ({
  type: 'number',
  minimum: 0,
  exclusiveMaximum: 1,
  description,
});

function closed(properties: Record<string, object>, required: readonly string[], more: object = {}): object {
  return { type: 'object', additionalProperties: false, required, properties, ...more };
}

function variants(description: string, kinds: Record<string, object>): object {
  return {
    type: 'object',
    description,
    discriminator: { propertyName: 'kind' },
    oneOf: Object.values(kinds),
  };
}

function variant(kind: string, properties: Record<string, object>, required: readonly string[]): object {
  return closed({ kind: { const: kind }, ...properties }, ['kind', ...required]);
}

const sizes = (maximum: number, description: string): object => ({
  type: 'array',
  minItems: 1,
  maxItems: 64,
  items: { type: 'integer', minimum: 1, maximum },
  description,
});

const model = variants('What is trained. Sizes that the data set fixes are not repeated.', {
  mlp: variant(
    'mlp',
    {
      hidden: sizes(65_536, 'Width of each hidden layer.'),
      activation: { enum: ['relu', 'tanh', 'gelu'], description: 'relu when absent.' },
    },
    ['hidden'],
  ),
  cnn: variant(
    'cnn',
    {
      filters: sizes(4_096, 'Filters of each block of convolution, ReLU and 2x2 max pooling.'),
      kernelSize: wholeNumber(1, 31, '3 when absent.'),
      dense: wholeNumber(1, 65_536, 'Width of a dense layer before the output; none when absent.'),
    },
    ['filters'],
  ),
  gpt: variant(
    'gpt',
    {
      layers: wholeNumber(1, 256, 'Transformer blocks.'),
      heads: wholeNumber(1, 256, 'Attention heads; must divide the width.'),
      width: wholeNumber(1, 16_384, 'Width of the residual stream.'),
      context: wholeNumber(1, 16_384, 'Tokens of one sample.'),
    },
    ['layers', 'heads', 'width', 'context'],
  ),
  layers: variant(
    'layers',
    {
      topology: { type: 'object', description: 'A Keras or TensorFlow.js layers topology: model.toJSON().' },
    },
    ['topology'],
  ),
});

const common = {
  learningRate: positive('Step size, before the schedule.'),
  clipNorm: positive('The aggregate is scaled down to this L2 norm when it is longer.'),
  schedule: closed(
    {
      warmupRounds: wholeNumber(0, limits.roundsMax, 'Rounds of linear warm-up from zero.'),
      decay: { enum: ['constant', 'linear', 'cosine'], description: 'constant when absent.' },
      totalRounds: wholeNumber(1, limits.roundsMax, 'Round at which the decay reaches its floor.'),
      minimumFraction: fraction('Floor as a fraction of the learning rate; 0 when absent.'),
    },
    [],
  ),
};

const optimizers = {
  sgd: variant('sgd', common, ['learningRate']),
  nesterov: variant('nesterov', { ...common, momentum: momentum('0.9 when absent.') }, ['learningRate']),
  adamw: variant(
    'adamw',
    {
      ...common,
      beta1: momentum('0.9 when absent.'),
      beta2: momentum('0.999 when absent.'),
      epsilon: positive('1e-8 when absent.'),
      weightDecay: { type: 'number', minimum: 0, description: 'Decoupled; 0.01 when absent.' },
    },
    ['learningRate'],
  ),
};

const optimizer = variants(
  'How the coordinator steps: from the mean gradient, or from the mean way of the workers where there are localSteps.',
  optimizers,
);

const localSteps = closed(
  {
    steps: wholeNumber(1, limits.localStepsMax, 'Optimizer steps that a worker makes for one unit.'),
    optimizer: variants(
      'How the worker steps, with a schedule that counts local steps over all rounds.',
      optimizers,
    ),
    optimizerState: {
      enum: ['fresh', 'kept'],
      description:
        'fresh, when absent: moments begin anew in every unit, so that anyone can compute any unit with the same bits. ' +
        'kept: a worker goes on with those of its last unit, which learns better over many short units.',
    },
  },
  ['steps', 'optimizer'],
  { description: 'Units of several steps on one worker; units are gradients when absent.' },
);

const stop = closed(
  {
    rounds: wholeNumber(1, limits.roundsMax, 'Rounds at most.'),
    accuracy: fraction('Fraction of test samples classified right.'),
    loss: { type: 'number', description: 'Test loss at or below this.' },
    durationMs: wholeNumber(1, Number.MAX_SAFE_INTEGER, 'Milliseconds of running.'),
  },
  [],
  { minProperties: 1, description: 'The job ends when any given bound is reached.' },
);

const evaluation = closed(
  {
    everyRounds: wholeNumber(1, limits.roundsMax, 'Rounds between evaluations.'),
    samplesMax: wholeNumber(0, 1_000_000_000, 'Test samples used each time; 0 for no evaluation.'),
    batchSize: wholeNumber(1, limits.batchSizeMax, 'Samples of one evaluation unit.'),
  },
  [],
);

const weighting = {
  enum: ['equal', 'measured'],
  description:
    'measured: contributions of workers that are fast and reliable count more, and the result depends on who computed what; equal when absent.',
};

const roundStrategies = {
  parameterServerSynchronous: variant(
    'parameterServerSynchronous',
    {
      quorum: {
        type: 'number',
        exclusiveMinimum: 0,
        maximum: 1,
        description: 'Fraction of the units with which a late round may close; 1 when absent.',
      },
      weighting,
    },
    [],
  ),
  parameterServerAsynchronous: variant(
    'parameterServerAsynchronous',
    {
      buffer: wholeNumber(1, limits.asynchronousBufferMax, 'Contributions after which a round closes.'),
      stalenessMax: wholeNumber(
        0,
        limits.stalenessMax,
        'Rounds that may be committed between the parameters of a contribution and the round that counts it.',
      ),
      weighting,
    },
    ['buffer', 'stalenessMax'],
  ),
  ringAllReduce: variant('ringAllReduce', {}, []),
};

const strategy = variants('When a round closes, and what counts in it; synchronous when absent.', {
  ...roundStrategies,
  adaptive: variant(
    'adaptive',
    {
      strategies: {
        type: 'array',
        minItems: 1,
        maxItems: limits.adaptiveStrategiesMax,
        items: variants('One that may be chosen.', roundStrategies),
        description: 'What may be chosen; the job begins with the first.',
      },
      localSteps: closed(
        {
          minimum: wholeNumber(1, limits.batchSizeMax, 'Local steps at least.'),
          maximum: wholeNumber(1, limits.batchSizeMax, 'Local steps at most.'),
        },
        ['minimum', 'maximum'],
        { description: 'Bounds of the local steps that may be chosen; as the job has them when absent.' },
      ),
      everyRounds: wholeNumber(1, limits.roundsMax, 'Rounds between two looks; 8 when absent.'),
      holdRounds: wholeNumber(
        1,
        limits.roundsMax,
        'Rounds for which what was given up is not chosen again; 32 when absent.',
      ),
      gainMin: positive('Predicted gain in speed below which nothing changes; 0.15 when absent.'),
    },
    ['strategies'],
  ),
});

const words = (description: string): object => ({
  type: 'string',
  maxLength: limits.textCharactersMax,
  description,
});

export const jobSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Gradswarm job',
  ...closed(
    {
      $schema: { type: 'string', description: 'Lets editors find this schema; ignored.' },
      name: {
        type: 'string',
        pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
        description: 'Unique in a cluster: lower-case letters, digits and hyphens.',
      },
      title: words('Shown to contributors; the name when absent.'),
      description: words('What the model is for, in a sentence for those who lend their machines.'),
      owner: words('Who asks for the work; shown to contributors.'),
      model,
      dataset: {
        type: 'string',
        minLength: 1,
        maxLength: limits.nameCharactersMax,
        description: 'Name of an imported data set.',
      },
      loss: { enum: ['softmaxCrossEntropy', 'meanSquaredError', 'binaryCrossEntropy'] },
      optimizer,
      unitsPerRound: wholeNumber(1, limits.unitsPerRoundMax, 'Work units that one round averages.'),
      batchSize: wholeNumber(
        1,
        limits.batchSizeMax,
        'Samples of one gradient: of a work unit, or of one local step.',
      ),
      localSteps,
      strategy,
      aggregator: aggregatorSchema,
      codec: codecSchema,
      stop,
      evaluation,
      checkpoint: closed(
        { everyRounds: wholeNumber(1, limits.roundsMax, 'Rounds between checkpoints.') },
        [],
      ),
      seed: wholeNumber(0, 0xffff_ffff, 'Fixes initial parameters, sample order and dropout.'),
      allowAnonymous: {
        type: 'boolean',
        description: 'Whether contributors without a token may compute; false when absent.',
      },
      updateNormMax: positive('Updates with a larger L2 norm are refused.'),
    },
    ['name', 'model', 'dataset', 'loss', 'optimizer', 'stop'],
  ),
};
