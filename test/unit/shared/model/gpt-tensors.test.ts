import { expect, it } from 'vitest';
import { gptInitialParameters, gptTensors } from '../../../../shared/model/gpt-tensors.ts';
import type { GptSpec } from '../../../../shared/model/model-spec.ts';
import { createManifest } from '../../../../shared/tensor/manifest.ts';

const spec: GptSpec = { kind: 'gpt', layers: 2, heads: 2, width: 64, context: 16 };
const manifest = createManifest(gptTensors(spec, 65));
const values = gptInitialParameters(spec, 65, 1);

function tensor(name: string): Float32Array {
  const entry = manifest.tensors.find((candidate) => candidate.name === name);
  return values.subarray(entry?.offset, (entry?.offset ?? 0) + (entry?.length ?? 0));
}

function moments(sample: Float32Array): { mean: number; deviation: number } {
  const mean = sample.reduce((sum, value) => sum + value, 0) / sample.length;
  const variance = sample.reduce((sum, value) => sum + (value - mean) ** 2, 0) / sample.length;
  return { mean, deviation: Math.sqrt(variance) };
}

it.each([
  ['wte.weight', 0.02],
  ['h.0.attn.c_attn.weight', 0.02],
  ['h.1.mlp.c_proj.weight', 0.01],
])('%s begins normal, with the deviation of GPT-2', (name, deviation) => {
  const found = moments(tensor(name));
  expect(Math.abs(found.mean)).toBeLessThan(deviation / 10);
  expect(found.deviation).toBeGreaterThan(deviation * 0.95);
  expect(found.deviation).toBeLessThan(deviation * 1.05);
});

it('has gains of one, and the same values for the same seed only', () => {
  expect(tensor('h.1.ln_2.weight').every((value) => value === 1)).toBe(true);
  expect(gptInitialParameters(spec, 65, 1)).toEqual(values);
  expect(gptInitialParameters(spec, 65, 2)).not.toEqual(values);
});
