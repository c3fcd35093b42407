import { createRandom, type Random } from '../base/random.ts';
import { createManifest, type TensorDeclaration } from '../tensor/manifest.ts';
import type { GptSpec } from './model-spec.ts';

/** Tensors of one block, by the names of GPT-2. Linear weights are [inputs, outputs]; there are no biases. */
function blockTensors(index: number, width: number): TensorDeclaration[] {
  const block = `h.${index}`;
  return [
    { name: `${block}.ln_1.weight`, shape: [width] },
    { name: `${block}.attn.c_attn.weight`, shape: [width, 3 * width] },
    { name: `${block}.attn.c_proj.weight`, shape: [width, width] },
    { name: `${block}.ln_2.weight`, shape: [width] },
    { name: `${block}.mlp.c_fc.weight`, shape: [width, 4 * width] },
    { name: `${block}.mlp.c_proj.weight`, shape: [4 * width, width] },
  ];
}

/**
 * Tensors of a decoder-only transformer in the form of nanoGPT without biases. `wte` is both the input embedding and,
 * transposed, the output projection.
 */
export function gptTensors(spec: GptSpec, vocabulary: number): TensorDeclaration[] {
  const { width, layers, context } = spec;
  return [
    { name: 'wte.weight', shape: [vocabulary, width] },
    { name: 'wpe.weight', shape: [context, width] },
    ...Array.from({ length: layers }, (_, index) => blockTensors(index, width)).flat(),
    { name: 'ln_f.weight', shape: [width] },
  ];
}

const standardDeviation = 0.02;

/**
 * GPT-2's initial values: normal with deviation 0.02, projections into the residual stream scaled by
 * 1 / sqrt(2 layers), gains of one. Uses + * / and sqrt only, so every engine gives the same bits.
 */
export function gptInitialParameters(spec: GptSpec, vocabulary: number, seed: number): Float32Array {
  const manifest = createManifest(gptTensors(spec, vocabulary));
  const values = new Float32Array(manifest.length);
  const random = createRandom(seed);
  for (const { name, offset, length } of manifest.tensors) {
    const tensor = values.subarray(offset, offset + length);
    if (name.includes('ln_')) {
      tensor.fill(1);
      continue;
    }
    const residual = name.endsWith('c_proj.weight');
    fillNormal(
      tensor,
      residual ? standardDeviation / Math.sqrt(2 * spec.layers) : standardDeviation,
      random.fork(name),
    );
  }
  return values;
}

/** Irwin and Hall: twelve uniform numbers less six have variance one, and are normal for every practical purpose. */
function fillNormal(target: Float32Array, deviation: number, random: Random): void {
  for (let index = 0; index < target.length; index++) {
    let sum = -6;
    for (let term = 0; term < 12; term++) sum += random.uint32() / 0x100000000;
    target[index] = sum * deviation;
  }
}
