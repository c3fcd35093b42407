import { describe, expect, it } from 'vitest';
import type { LayersTopology } from '../../../../shared/model/layers-topology.ts';
import { outputActivation, withoutOutputActivation } from '../../../../shared/model/output-layer.ts';

const dense = (name: string, activation?: unknown) => ({ class_name: 'Dense', config: { name, activation } });

const sequential = (...layers: object[]): LayersTopology => ({
  class_name: 'Sequential',
  config: { name: 'model', layers },
});

const functional: LayersTopology = {
  class_name: 'Functional',
  config: {
    layers: [
      { name: 'answer', ...dense('answer', 'softmax') },
      { name: 'side', ...dense('side', 'sigmoid') },
    ],
    output_layers: [['answer', 0, 0]],
  },
};

describe('the activation of the output', () => {
  it.each([
    ['of the last layer', sequential(dense('a', 'relu'), dense('b', 'softmax')), 'softmax'],
    [
      'of a layer of its own',
      sequential(dense('a'), { class_name: 'Softmax', config: { name: 's' } }),
      'softmax',
    ],
    ['as an object', sequential(dense('a', { class_name: 'Sigmoid', config: {} })), 'sigmoid'],
    ['of a nested model', sequential(dense('a'), sequential(dense('b', 'sigmoid'))), 'sigmoid'],
    ['of the layer that a functional model names', functional, 'softmax'],
    ['that is not there', sequential(dense('a')), 'linear'],
  ])('is found %s', (_, topology, expected) => {
    expect(outputActivation(topology)).toBe(expected);
    if (expected === 'linear') return;
    const stripped = withoutOutputActivation(topology, expected as 'softmax' | 'sigmoid');
    expect(outputActivation(stripped)).toBe('linear');
  });

  it('leaves every other layer, and another activation, as they are', () => {
    const stripped = withoutOutputActivation(functional, 'softmax');
    expect(stripped).toMatchObject({
      config: { layers: [{ config: { activation: 'linear' } }, { config: { activation: 'sigmoid' } }] },
    });
    expect(withoutOutputActivation(functional, 'sigmoid')).toBe(functional);
  });
});
