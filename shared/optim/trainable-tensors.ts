import type { ParameterManifest, TensorEntry } from '../tensor/manifest.ts';

/** The tensors that an optimizer steps; the others carry their own change. */
export function trainableTensors(manifest: ParameterManifest): TensorEntry[] {
  return manifest.tensors.filter(({ role }) => role === 'trainable');
}
