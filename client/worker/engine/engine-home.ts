import type { KernelBackend } from '@tensorflow/tfjs-core';

/** What a home (browser or Node) brings for the engines; an engine whose part is absent cannot be opened there. */
export interface EngineHome {
  /** `navigator.gpu` in a browser, Dawn in Node; undefined where WebGPU is missing. */
  gpu(): Promise<GPU | undefined>;
  /** Why `gpu` is missing, for people. */
  readonly gpuMissingReason: string;
  /** Where the `.wasm` files of the WASM back end are: URL or path prefix with a trailing slash, or undefined. */
  readonly wasmPath: string | undefined;
  /**
   * Loads `@tensorflow/tfjs-node-gpu` and returns its back end; undefined in browsers.
   * @throws GradswarmError `unavailable` with the install line when it is absent.
   */
  readonly openTensorflow?: () => Promise<KernelBackend>;
}
