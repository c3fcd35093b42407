import { describe, expect, it } from 'vitest';
import { detectCapability } from '../../../../client/browser/capability.ts';
import { adviseOn, describeEngine } from '../../../../client/browser/engine-words.ts';

const modern = { isSecureContext: true, hasWebGpu: true, hasWebAssembly: true, hasModuleWorkers: true };

describe('detectCapability', () => {
  it.each([
    [{}, 'webgpu'],
    [{ hasWebGpu: false }, 'noWebGpu'],
    [{ isSecureContext: false, hasWebGpu: false }, 'insecureOrigin'],
    [{ hasWebAssembly: false }, 'none'],
    [{ hasModuleWorkers: false, isSecureContext: false }, 'none'],
  ] as const)('%j is %s', (missing, capability) => {
    expect(detectCapability({ ...modern, ...missing })).toBe(capability);
  });
});

describe('words', () => {
  it('name the part of the machine', () => {
    expect(describeEngine('webgpu', 'NVIDIA RTX 4090')).toBe('your graphics card: NVIDIA RTX 4090');
    expect(describeEngine('wasm', 'WebAssembly on the CPU')).toBe('your processor (WebAssembly)');
    expect(describeEngine('quantum', '')).toBe('quantum');
  });

  it('tell the admin how to make the origin secure', () => {
    const advice = adviseOn('insecureOrigin')?.text;
    for (const option of ['--tls self-signed', '--tls-cert', '--tls-key']) expect(advice).toContain(option);
    expect(adviseOn('webgpu')).toBeUndefined();
  });
});
