import * as tf from '@tensorflow/tfjs-core';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { modelTopology } from '../../../shared/model/catalogue.ts';
import { gptInitialParameters, gptTensors } from '../../../shared/model/gpt-tensors.ts';
import type { LayersTopology } from '../../../shared/model/layers-topology.ts';
import type { LossName, ModelEnds, ModelSpec } from '../../../shared/model/model-spec.ts';
import { seedInitializers } from '../../../shared/model/prepare-topology.ts';
import { createManifest, type TensorDeclaration } from '../../../shared/tensor/manifest.ts';
import { openCpuBackend } from '../engine/cpu-engine.ts';
import { buildLayersModel, createLayersNetwork } from './layers-network.ts';
import type { Network } from './network.ts';

export interface CompiledModel {
  readonly tensors: readonly TensorDeclaration[];
  /** Seeded: the same spec, ends and seed give the same bits. */
  readonly initialParameters: Float32Array;
  /** The complete TensorFlow.js layers topology, for models that have one. */
  readonly layersTopology?: { readonly [key: string]: unknown };
}

/**
 * Names the tensors of a model and draws their initial values, on the CPU back end.
 * @throws GradswarmError `badRequest` with the field, when the model cannot be built or does not fit the loss.
 */
export async function compileModel(
  spec: ModelSpec,
  ends: ModelEnds,
  loss: LossName,
  seed: number,
): Promise<CompiledModel> {
  const topology = modelTopology(spec, ends, loss);
  if (topology !== undefined) return compileLayers(topology, ends, loss, seed);
  if (spec.kind !== 'gpt')
    throw new GradswarmError('badRequest', `No model is called ${spec.kind}.`, 'model.kind');
  const tensors = gptTensors(spec, ends.outputSize);
  requireWithinLimits(tensors);
  return { tensors, initialParameters: gptInitialParameters(spec, ends.outputSize, seed) };
}

async function compileLayers(
  prepared: LayersTopology,
  ends: ModelEnds,
  loss: LossName,
  seed: number,
): Promise<CompiledModel> {
  const topology = seedInitializers(await completeTopology(prepared), seed);
  await openCpuBackend();
  const network = await createLayersNetwork(topology, ends, loss);
  try {
    const tensors = network.tensors.map(({ name, role, variable }) => ({
      name,
      role,
      shape: variable.shape,
    }));
    requireWithinLimits(tensors);
    const initialParameters = readParameters(network);
    tryOut(network);
    return { tensors, initialParameters, layersTopology: topology };
  } finally {
    await openCpuBackend();
    network.dispose();
  }
}

/** Fills in what the author left out, initialisers above all: TensorFlow.js knows the defaults of its layers. */
async function completeTopology(topology: LayersTopology): Promise<LayersTopology> {
  await openCpuBackend();
  const model = await buildLayersModel(topology);
  try {
    return JSON.parse(model.toJSON(null) as string) as LayersTopology;
  } finally {
    model.dispose();
  }
}

function requireWithinLimits(tensors: readonly TensorDeclaration[]): void {
  const names = new Set(tensors.map(({ name }) => name));
  const { length } = createManifest(tensors);
  const refuse = (message: string): never => {
    throw new GradswarmError('badRequest', message, 'model');
  };
  if (tensors.length === 0) refuse('The model has no parameters to train.');
  if (names.size < tensors.length)
    refuse('Two tensors of the model have one name; give layers distinct names.');
  if (tensors.length > limits.tensorsMax) {
    refuse(`The model has ${tensors.length} tensors; at most ${limits.tensorsMax} are allowed.`);
  }
  if (length > limits.parametersMax) {
    refuse(`The model has ${length} parameters; at most ${limits.parametersMax} are allowed.`);
  }
}

/** One sample of zeros in training mode finds layers that build but do not run. */
function tryOut(network: Network): void {
  try {
    tf.tidy(() => {
      const sample = tf.zeros([1, ...network.inputShape], network.inputType);
      network.forward(sample, { training: true, seed: 0 });
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GradswarmError('badRequest', `The model does not run on a sample: ${reason}`, 'model.topology');
  }
}

function readParameters({ tensors }: Network): Float32Array {
  const manifest = createManifest(tensors.map(({ name, variable }) => ({ name, shape: variable.shape })));
  const values = new Float32Array(manifest.length);
  manifest.tensors.forEach(({ offset }, index) => {
    const tensor = tensors[index];
    if (tensor !== undefined) values.set(tensor.variable.dataSync() as Float32Array, offset);
  });
  return values;
}
