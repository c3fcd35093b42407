import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { compileModel } from '../../../../../client/worker/model/model-compiler.ts';
import type { ModelSpec } from '../../../../../shared/model/model-spec.ts';

const ends = { inputShape: [4], outputSize: 2 };

function layer(class_name: string, config: Record<string, unknown> = {}): object {
  return { class_name, config };
}

function sequential(...layers: readonly object[]): ModelSpec {
  const input = layer('InputLayer', { batch_input_shape: [null, 4] });
  const config = { name: 'model', layers: [input, ...layers] };
  return { kind: 'layers', topology: { class_name: 'Sequential', config } };
}

const compile = (spec: ModelSpec): Promise<unknown> => compileModel(spec, ends, 'softmaxCrossEntropy', 1);

it.each<[string, ModelSpec, string]>([
  ['a wide layer', sequential(layer('Dense', { units: 1e9 })), 'The model has 4000000000 parameters or more'],
  ['a wide mlp', { kind: 'mlp', hidden: [65_536, 65_536] }, 'parameters or more; at most'],
  [
    'a layer of many copies',
    sequential(
      layer('RepeatVector', { n: 1e9 }),
      layer('GlobalAveragePooling1D'),
      layer('Dense', { units: 2 }),
    ),
    'answers 4000000000 values for a sample',
  ],
])('refuses %s before memory is taken, and leaves nothing behind', async (_name, spec, message) => {
  const before = tf.memory().numBytes;
  await expect(compile(spec)).rejects.toMatchObject({
    code: 'badRequest',
    message: expect.stringContaining(message),
  });
  expect(tf.memory().numBytes).toBe(before);
});

it('runs no code of a topology', async () => {
  const lambda = sequential(layer('Lambda', { function: 'process.exit(3)' }), layer('Dense', { units: 2 }));
  await expect(compile(lambda)).rejects.toThrow('Unknown layer: Lambda');
});

it('builds what was checked, and loads nothing that a topology names beside it', async () => {
  const { topology } = sequential(layer('Dense', { units: 2 })) as { topology: Record<string, unknown> };
  const other = sequential(layer('GaussianNoise', { stddev: 1 }), layer('Dense', { units: 2 }));
  const weights = [{ paths: ['weights.bin'], weights: [] }];
  const smuggled = {
    ...topology,
    modelTopology: 'topology' in other ? other.topology : {},
    model_config: undefined,
    weightsManifest: weights,
    pathPrefix: 'http://127.0.0.1:1/',
  };
  const { tensors } = await compileModel(
    { kind: 'layers', topology: smuggled },
    ends,
    'softmaxCrossEntropy',
    1,
  );
  expect(tensors.map(({ shape }) => shape)).toEqual([[4, 2], [2]]);
});
