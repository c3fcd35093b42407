/** What this browser can compute with, told without asking for a device: nothing is touched before Start. */
export type Capability = 'webgpu' | 'noWebGpu' | 'insecureOrigin' | 'none';

export interface BrowserFeatures {
  readonly isSecureContext: boolean;
  readonly hasWebGpu: boolean;
  readonly hasWebAssembly: boolean;
  readonly hasModuleWorkers: boolean;
}

export function detectCapability(features: BrowserFeatures): Capability {
  if (!features.hasWebAssembly || !features.hasModuleWorkers) return 'none';
  // Browsers hide WebGPU from pages that came over plain HTTP from another machine.
  if (!features.isSecureContext) return 'insecureOrigin';
  return features.hasWebGpu ? 'webgpu' : 'noWebGpu';
}

export function readBrowserFeatures(): BrowserFeatures {
  return {
    isSecureContext: globalThis.isSecureContext,
    hasWebGpu: 'gpu' in navigator,
    hasWebAssembly: typeof WebAssembly === 'object',
    hasModuleWorkers: typeof Worker === 'function',
  };
}
