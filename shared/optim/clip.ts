import { squaredNorm } from '../tensor/kernels.ts';
import type { ParameterManifest } from '../tensor/manifest.ts';
import { trainableTensors } from './trainable-tensors.ts';

/** L2 norm over all trainable tensors, summed in the order of the manifest. */
export function trainableNorm(manifest: ParameterManifest, gradient: Float32Array): number {
  let sum = 0;
  for (const { offset, length } of trainableTensors(manifest)) {
    sum += squaredNorm(gradient, offset, offset + length);
  }
  return Math.sqrt(sum);
}

/**
 * The gradient, scaled down to the norm `clipNorm` when it is longer (Pascanu et al. 2013). Statistic tensors neither
 * count nor shrink. The argument is left alone.
 */
export function clipToNorm(
  manifest: ParameterManifest,
  gradient: Float32Array,
  clipNorm: number,
): Float32Array {
  const norm = trainableNorm(manifest, gradient);
  if (!(norm > clipNorm)) return gradient;
  const scale = clipNorm / norm;
  const clipped = gradient.slice();
  for (const { offset, length } of trainableTensors(manifest)) {
    for (let index = offset; index < offset + length; index++) clipped[index] = clipped[index]! * scale;
  }
  return clipped;
}
