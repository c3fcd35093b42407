import { describe, expect, test } from 'vitest';
import { limits } from '../../../../shared/base/limits.ts';
import { aggregatorOf, checkVectorsFit } from '../../../../shared/job/check-aggregator.ts';
import { parseJobDocument } from '../../../../shared/job/parse-job-document.ts';

const job = {
  name: 'prices',
  model: { kind: 'mlp', hidden: [8] },
  dataset: 'houses',
  loss: 'meanSquaredError',
  optimizer: { kind: 'sgd', learningRate: 0.01 },
  stop: { rounds: 10 },
};

const refused = (code: string, field: string) => expect.objectContaining({ code, field });

test('a job without an aggregator takes the weighted mean', () => {
  expect(parseJobDocument(job)).not.toHaveProperty('aggregator');
  expect(aggregatorOf(parseJobDocument(job))).toEqual({ kind: 'weightedMean' });
});

test.each([
  { kind: 'mean' },
  { kind: 'trimmedMean', trim: 2 },
  { kind: 'geometricMedian' },
  { kind: 'bulyan', faulty: 1, before: { kind: 'nearestNeighbourMixing', faulty: 1 } },
  { kind: 'centredClipping', radius: 0.5 },
  { kind: 'custom', name: 'cautious', before: { kind: 'bucketing', size: 2 } },
])('%j is read as it is written', (aggregator) => {
  expect(parseJobDocument({ ...job, unitsPerRound: 8, aggregator }).aggregator).toEqual(aggregator);
});

test.each([
  [{ kind: 'krumm', faulty: 1 }, 'aggregator.kind'],
  [{ kind: 'krum' }, 'aggregator.faulty'],
  [{ kind: 'krum', faulty: -1 }, 'aggregator.faulty'],
  [{ kind: 'krum', faulty: 1.5 }, 'aggregator.faulty'],
  [{ kind: 'trimmedMean', trim: 0 }, 'aggregator.trim'],
  [{ kind: 'median', faulty: 1 }, 'aggregator.faulty'],
  [{ kind: 'centredClipping', radius: 0 }, 'aggregator.radius'],
  [{ kind: 'custom', name: '../module.mjs' }, 'aggregator.name'],
  [{ kind: 'median', before: { kind: 'buckets', size: 2 } }, 'aggregator.before.kind'],
  [{ kind: 'median', before: { kind: 'bucketing', size: 0 } }, 'aggregator.before.size'],
])('%j is refused at %s', (aggregator, field) => {
  expect(() => parseJobDocument({ ...job, aggregator })).toThrow(refused('badRequest', field));
});

describe('a round must have as many contributions as the aggregator needs', () => {
  test.each([
    [{ kind: 'krum', faulty: 2 }, 7],
    [{ kind: 'multiKrum', faulty: 2 }, 7],
    [{ kind: 'bulyan', faulty: 2 }, 11],
    [{ kind: 'trimmedMean', trim: 3 }, 7],
    [{ kind: 'krum', faulty: 1, before: { kind: 'bucketing', size: 2 } }, 9],
  ])('%j needs %i units', (aggregator, unitsPerRound) => {
    expect(() => parseJobDocument({ ...job, unitsPerRound, aggregator })).not.toThrow();
    const fewer = { ...job, unitsPerRound: unitsPerRound - 1, aggregator };
    expect(() => parseJobDocument(fewer)).toThrow(refused('tooFewMembers', 'aggregator'));
  });

  test('under every strategy that the job may be run by', () => {
    const aggregator = { kind: 'krum', faulty: 1 };
    const small = { kind: 'parameterServerAsynchronous', buffer: 4, stalenessMax: 2 };
    const large = { ...small, buffer: 5 };
    const synchronous = { kind: 'parameterServerSynchronous' };
    const parse = (strategy: object) => parseJobDocument({ ...job, unitsPerRound: 8, strategy, aggregator });
    expect(() => parse(large)).not.toThrow();
    expect(() => parse(small)).toThrow(refused('tooFewMembers', 'aggregator'));
    expect(() => parse({ kind: 'adaptive', strategies: [synchronous, large] })).not.toThrow();
    expect(() => parse({ kind: 'adaptive', strategies: [synchronous, small] })).toThrow(
      refused('tooFewMembers', 'aggregator'),
    );
  });
});

test('vectors of a round that do not fit are refused, sums always fit', () => {
  const parameters = limits.roundVectorsBytesMax / 4 / 8;
  const median = parseJobDocument({ ...job, unitsPerRound: 8, aggregator: { kind: 'median' } });
  expect(() => checkVectorsFit(median, parameters)).not.toThrow();
  expect(() => checkVectorsFit(median, parameters + 1)).toThrow(refused('tooLarge', 'aggregator'));
  const mean = parseJobDocument({ ...job, unitsPerRound: 8, aggregator: { kind: 'mean' } });
  expect(() => checkVectorsFit(mean, 100 * parameters)).not.toThrow();
});

test('a ring takes only what a sum is enough for', () => {
  const ring = { ...job, strategy: { kind: 'ringAllReduce' } };
  expect(() => parseJobDocument({ ...ring, aggregator: { kind: 'mean' } })).not.toThrow();
  expect(() => parseJobDocument({ ...ring, aggregator: { kind: 'median' } })).toThrow(
    refused('badRequest', 'aggregator.kind'),
  );
});
