import { describe, expect, it } from 'vitest';
import {
  adapterBuild,
  adapterInWords,
  isSoftwareAdapter,
} from '../../../../../client/worker/engine/webgpu-adapter.ts';

const swiftshader = { vendor: 'google', architecture: 'swiftshader', device: '', description: '' };
const nvidia = { vendor: 'nvidia', architecture: 'ada-lovelace', device: '', description: '' };
const named = { ...nvidia, device: '0x2684', description: 'NVIDIA GeForce RTX 4090' };

describe('an adapter', () => {
  it.each([
    [swiftshader, true],
    [{ vendor: 'mesa', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' }, true],
    [{ vendor: 'microsoft', description: 'Microsoft Basic Render Driver' }, true],
    [{ ...nvidia, isFallbackAdapter: true }, true],
    [nvidia, false],
    [named, false],
    [{ vendor: 'apple', architecture: 'metal-3' }, false],
    [{ vendor: 'qualcomm', architecture: 'adreno-7xx', description: '' }, false],
  ])('%j is emulated: %s', (info, expected) => {
    expect(isSoftwareAdapter(info)).toBe(expected);
  });

  it('is described to people by the best name it has', () => {
    expect(adapterInWords(named)).toBe('NVIDIA GeForce RTX 4090');
    expect(adapterInWords(nvidia)).toBe('nvidia ada-lovelace');
    expect(adapterInWords(swiftshader)).toBe('google swiftshader (emulated on the CPU)');
    expect(adapterInWords({})).toBe('a GPU that does not tell its name');
  });

  it('is told apart in the determinism class by all that it says', () => {
    expect(adapterBuild(named)).toBe('nvidia ada-lovelace 0x2684 NVIDIA GeForce RTX 4090');
    expect(adapterBuild({})).toBe('unnamed');
  });
});
