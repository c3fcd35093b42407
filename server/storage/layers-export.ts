import type { ParameterManifest } from '../../shared/tensor/manifest.ts';

export const layersModelFile = 'model.json';
export const layersWeightsFile = 'weights.bin';

/**
 * The `model.json` of a TensorFlow.js layers model: `tf.loadLayersModel` reads it, with the flat vector's bytes beside
 * it as `weights.bin`. Weights are matched by name, so tensors bear the names of the layers' own weights.
 */
export function layersModelJson(
  manifest: ParameterManifest,
  topology: { readonly [key: string]: unknown },
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const weights = manifest.tensors.map(({ name, shape }) => ({ name, shape, dtype: 'float32' }));
  const document = {
    format: 'layers-model',
    generatedBy: 'Gradswarm',
    convertedBy: null,
    modelTopology: topology,
    userDefinedMetadata: metadata,
    weightsManifest: [{ paths: [layersWeightsFile], weights }],
  };
  return new TextEncoder().encode(JSON.stringify(document));
}
