import simdUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import type { EngineHome } from '../worker/engine/engine-home.ts';

/** For a page or a Web Worker. Only the SIMD build is shipped: our kernels need it, and share its memory. */
export function createBrowserEngineHome(): EngineHome {
  return {
    gpu: async () => navigator.gpu,
    gpuMissingReason: globalThis.isSecureContext
      ? 'This browser has no WebGPU: update it, or use the wasm engine.'
      : 'Browsers give WebGPU to secure pages only: open this one over https, or use the wasm engine.',
    wasmFile: simdUrl,
    scriptEngine: scriptEngineOf(navigator.userAgent),
  };
}

/** The engine and its version decide how `Math.exp` rounds. */
function scriptEngineOf(userAgent: string): string {
  const named = /(Firefox|Chrome|Version)\/([\d.]+)/.exec(userAgent);
  const engines: Readonly<Record<string, string>> = {
    Firefox: 'spidermonkey',
    Chrome: 'v8',
    Version: 'javascriptcore',
  };
  return named === null ? userAgent : `${engines[named[1] ?? ''] ?? 'unknown'} ${named[2]}`;
}
