import { expect, test } from 'vitest';
import { clipToNorm, trainableNorm } from '../../../../shared/optim/clip.ts';
import { createManifest } from '../../../../shared/tensor/manifest.ts';

const manifest = createManifest([
  { name: 'a', shape: [1] },
  { name: 'statistic', shape: [1], role: 'statistic' },
  { name: 'b', shape: [1] },
]);
const gradient = Float32Array.of(3, 100, 4);

test('the norm is over trainable tensors', () => {
  expect(trainableNorm(manifest, gradient)).toBe(5);
});

test('a short gradient is left as it is', () => {
  expect(clipToNorm(manifest, gradient, 5)).toBe(gradient);
});

test('a long one is scaled to the norm, in a copy, without its statistics', () => {
  expect(clipToNorm(manifest, gradient, 2.5)).toEqual(Float32Array.of(1.5, 100, 2));
  expect(gradient).toEqual(Float32Array.of(3, 100, 4));
});
