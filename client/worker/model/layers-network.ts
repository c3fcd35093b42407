import type { Tensor } from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { mixSeed } from '../../../shared/base/random.ts';
import type { LayersTopology } from '../../../shared/model/layers-topology.ts';
import type { LossName, ModelEnds } from '../../../shared/model/model-spec.ts';
import { outputActivation, withoutOutputActivation } from '../../../shared/model/output-layer.ts';
import { buildWithinLimits, checkAnswerSizes } from './build-within-limits.ts';
import { installChainedOperations } from './chained-operations.ts';
import type { Network, NetworkTensor } from './network.ts';

const field = 'model.topology';

/** The part of a dropout layer that the published types leave out. */
interface Seeded {
  seed: number | undefined;
}

/** Where containers and wrappers keep the layers inside them. */
interface LayerParts {
  readonly layers?: readonly tfl.layers.Layer[];
  readonly layer?: tfl.layers.Layer;
  readonly forwardLayer?: tfl.layers.Layer;
  readonly backwardLayer?: tfl.layers.Layer;
}

/** A layer variable's tensor, which the published types protect; its gradient is asked for by identity. */
interface VariableHolder {
  readonly val: NetworkTensor['variable'];
}

/**
 * Builds the topology with whatever initial values its initialisers draw, and answers in logits.
 * @throws GradswarmError `badRequest` when it cannot be built, or does not fit the ends or the loss.
 */
export async function createLayersNetwork(
  topology: LayersTopology,
  ends: ModelEnds,
  loss: LossName,
): Promise<Network> {
  const model = await buildLayersModel(inLogits(topology, loss));
  try {
    checkEnds(model, ends);
  } catch (error) {
    model.dispose();
    throw error;
  }
  const dropouts = layersWithin(model).filter((layer) => 'seed' in layer && 'rate' in layer);
  const regularized = model as unknown as { calculateLosses(): Tensor[] };
  return {
    tensors: layersTensors(model),
    inputType: model.inputs[0]?.dtype === 'int32' ? 'int32' : 'float32',
    inputShape: ends.inputShape,
    forward(x, { training, seed }) {
      dropouts.forEach((layer, index) => {
        (layer as unknown as Seeded).seed = mixSeed(seed, index);
      });
      return model.apply(x, { training }) as Tensor;
    },
    penalties: () => regularized.calculateLosses(),
    dispose: () => void model.dispose(),
  };
}

/** The layers of a model, those inside wrappers and nested models included. */
function layersWithin(layer: tfl.layers.Layer): tfl.layers.Layer[] {
  const { layers = [], layer: wrapped, forwardLayer, backwardLayer } = layer as unknown as LayerParts;
  const parts = [...layers, wrapped, forwardLayer, backwardLayer].filter((part) => part !== undefined);
  return [layer, ...parts.flatMap(layersWithin)];
}

/**
 * Builds from class and configuration alone: other entries would name weights to load from an address, or another
 * topology that nobody has checked.
 * @throws GradswarmError `badRequest` with the reason that TensorFlow.js gives.
 */
export async function buildLayersModel({ class_name, config }: LayersTopology): Promise<tfl.LayersModel> {
  installChainedOperations();
  const modelTopology = { class_name, config } as never;
  try {
    return await buildWithinLimits(async () => {
      const model = await tfl.models.modelFromJSON({ modelTopology });
      checkAnswerSizes(layersWithin(model));
      return model;
    });
  } catch (error) {
    if (error instanceof GradswarmError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new GradswarmError('badRequest', `model.topology cannot be built: ${reason}`, field);
  }
}

/** Training works on logits: a closing softmax or sigmoid is part of the loss. */
function inLogits(topology: LayersTopology, loss: LossName): LayersTopology {
  if (loss === 'meanSquaredError') return topology;
  const wanted = loss === 'softmaxCrossEntropy' ? 'softmax' : 'sigmoid';
  const other = wanted === 'softmax' ? 'sigmoid' : 'softmax';
  if (outputActivation(topology) === other) {
    throw new GradswarmError(
      'badRequest',
      `The model ends in ${other}, but loss ${loss} needs ${wanted} or no activation at the output.`,
      field,
    );
  }
  return withoutOutputActivation(topology, wanted);
}

function checkEnds(model: tfl.LayersModel, ends: ModelEnds): void {
  const refuse = (message: string): never => {
    throw new GradswarmError('badRequest', message, field);
  };
  const [input, output] = [model.inputs[0], model.outputs[0]];
  if (model.inputs.length !== 1 || input === undefined) {
    refuse(`The model has ${model.inputs.length} inputs; it needs exactly one.`);
  }
  if (model.outputs.length !== 1 || output === undefined) {
    refuse(`The model has ${model.outputs.length} outputs; it needs exactly one.`);
  }
  const reads = input?.shape.slice(1) ?? [];
  const given = ends.inputShape;
  if (reads.length !== given.length || reads.some((size, index) => size !== null && size !== given[index])) {
    refuse(
      `The model reads samples of shape [${reads.join(', ')}], but the data set gives [${given.join(', ')}]: ` +
        'change the inputShape of the first layer, or begin with a Reshape or Flatten layer.',
    );
  }
  const answers = output?.shape.slice(1) ?? [];
  const { outputSize, predictionsPerSample = 1 } = ends;
  const perSample = answers.reduce<number>((product, size) => product * (size ?? Number.NaN), 1);
  if (answers.at(-1) !== outputSize || perSample !== outputSize * predictionsPerSample) {
    const needed =
      predictionsPerSample === 1 ? `[${outputSize}]` : `[${predictionsPerSample}, ${outputSize}]`;
    refuse(
      `The model answers with [${answers.join(', ')}], but the data set and loss need ${needed}: ` +
        `give the last layer ${outputSize} units, and no axis too many or too few.`,
    );
  }
}

function layersTensors(model: tfl.LayersModel): NetworkTensor[] {
  const trainable = new Set(model.trainableWeights);
  return model.weights.map((weight) => ({
    name: weight.originalName,
    role: trainable.has(weight) ? 'trainable' : 'statistic',
    variable: (weight as unknown as VariableHolder).val,
  }));
}
