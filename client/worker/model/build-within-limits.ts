import type { Tensor } from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';

interface Weight {
  dispose(): void;
}

/** The part of a layer that the published types protect. */
interface WeightMaker {
  addWeight(name: string, shape: readonly number[], ...others: unknown[]): Weight;
}

/**
 * Builds a model whose layers make their weights before `build` returns its promise, and counts every weight before
 * memory is taken for it. A model that cannot be built leaves no weight behind.
 * @throws GradswarmError `badRequest` for a model of more than `limits.parametersMax` parameters
 */
export async function buildWithinLimits<Model>(build: () => Promise<Model>): Promise<Model> {
  const maker = tfl.layers.Layer.prototype as unknown as WeightMaker;
  const { addWeight } = maker;
  const weights: Weight[] = [];
  let parameters = 0;
  maker.addWeight = function (this: WeightMaker, name, shape, ...others) {
    parameters += shape.reduce((product, size) => product * size, 1);
    if (!(parameters <= limits.parametersMax)) refuse(`The model has ${parameters} parameters or more`);
    const weight = addWeight.call(this, name, shape, ...others);
    weights.push(weight);
    return weight;
  };
  let building: Promise<Model>;
  try {
    building = build();
  } finally {
    maker.addWeight = addWeight;
  }
  try {
    return await building;
  } catch (error) {
    for (const weight of weights) weight.dispose();
    throw error;
  }
}

/**
 * Looks at the sizes of what layers answer for one sample, which are known before anything is computed.
 * @throws GradswarmError `badRequest` naming the layer
 */
export function checkAnswerSizes(layers: readonly tfl.layers.Layer[]): void {
  for (const { name, inboundNodes } of layers) {
    for (const { outputTensors } of inboundNodes) {
      for (const { shape } of outputTensors as readonly Pick<Tensor, 'shape'>[]) {
        const values = shape.reduce((product, size) => product * (size ?? 1), 1);
        if (!(values <= limits.parametersMax))
          refuse(`Layer "${name}" answers ${values} values for a sample`);
      }
    }
  }
}

function refuse(what: string): never {
  throw new GradswarmError('badRequest', `${what}; at most ${limits.parametersMax} are allowed.`, 'model');
}
