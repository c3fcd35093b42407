import { describe, expect, it } from 'vitest';
import { prepareTopology, seedInitializers } from '../../../../shared/model/prepare-topology.ts';

const sequential = (...layers: object[]) => ({ class_name: 'Sequential', config: { layers } });

describe('a topology', () => {
  it('is taken out of its envelope, and its nameless layers are named by class and place', () => {
    const dense = { class_name: 'Dense', config: { units: 1 } };
    const wrapped = { class_name: 'TimeDistributed', config: { layer: dense } };
    const named = { class_name: 'Dense', config: { units: 1, name: 'mine' } };
    const inner = sequential(dense, wrapped, named, dense);
    const prepared = prepareTopology({ model_config: inner, keras_version: '2' });
    expect(prepared).toEqual({
      class_name: 'Sequential',
      config: {
        name: 'sequential_1',
        layers: [
          { class_name: 'Dense', config: { units: 1, name: 'dense_1' } },
          {
            class_name: 'TimeDistributed',
            config: {
              name: 'time_distributed_1',
              layer: { class_name: 'Dense', config: { units: 1, name: 'dense_2' } },
            },
          },
          { class_name: 'Dense', config: { units: 1, name: 'mine' } },
          { class_name: 'Dense', config: { units: 1, name: 'dense_3' } },
        ],
      },
    });
  });

  it.each([
    [
      'unseeded noise',
      { class_name: 'GaussianDropout', config: { rate: 0.5 } },
      /GaussianDropout.*use Dropout/,
    ],
    ['state between units', { class_name: 'GRU', config: { units: 1, stateful: true } }, /stateful/],
    [
      'a constraint',
      { class_name: 'Dense', config: { units: 1, kernel_constraint: { class_name: 'NonNeg', config: {} } } },
      /kernel_constraint/,
    ],
    [
      'dropout inside a cell',
      { class_name: 'LSTM', config: { units: 1, recurrent_dropout: 0.1 } },
      /recurrent_dropout/,
    ],
  ])('is refused with %s', (_, layer, message) => {
    const refused = expect.objectContaining({
      code: 'badRequest',
      field: 'model.topology',
      message: expect.stringMatching(message),
    });
    expect(() => prepareTopology(sequential(layer))).toThrowError(refused);
    const nested = { class_name: 'Bidirectional', config: { layer } };
    expect(() => prepareTopology(sequential(nested))).toThrowError(refused);
  });
});

it('gives every random initialiser a seed of its own, and the same again', () => {
  const random = { class_name: 'VarianceScaling', config: { scale: 1 } };
  const layer = (name: string) => ({
    class_name: 'Dense',
    config: { name, kernel_initializer: random, bias_initializer: { class_name: 'Zeros', config: {} } },
  });
  const topology = prepareTopology(sequential(layer('a'), layer('b')));
  const seeds = (seed: number) => {
    const { layers } = seedInitializers(topology, seed).config as {
      layers: { config: Record<string, { config: { seed?: number } }> }[];
    };
    expect(layers[0]?.config['bias_initializer']?.config.seed).toBeUndefined();
    return layers.map(({ config }) => config['kernel_initializer']?.config.seed);
  };
  expect(new Set(seeds(1)).size).toBe(2);
  expect(seeds(1)).toEqual(seeds(1));
  expect(seeds(2)).not.toEqual(seeds(1));
});
