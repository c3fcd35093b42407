/** What a home (browser or Node) brings for the engines; an engine whose part is absent cannot be opened there. */
export interface EngineHome {
  /** `navigator.gpu` in a browser, Dawn in Node; undefined where WebGPU is missing. */
  gpu(): Promise<GPU | undefined>;
  /** Why `gpu` is missing and what to do about it, for people. */
  readonly gpuMissingReason: string;
  /** Address of `tfjs-backend-wasm-simd.wasm`; undefined where the back end finds it itself. */
  readonly wasmFile: string | undefined;
  /** Its `Math.exp` and the like are part of the determinism class of the cpu engine: "v8", "spidermonkey". */
  readonly scriptEngine: string;
  /**
   * Loads `@tensorflow/tfjs-node-gpu`, which registers the back end `tensorflow`; absent in browsers.
   * @throws GradswarmError `unavailable` with the install line when it is not installed.
   */
  readonly loadTensorflow?: () => Promise<void>;
  /** Undoes what opening a back end does to the process; absent where there is nothing to undo. */
  readonly contain?: <Result>(open: () => Promise<Result>) => Promise<Result>;
}
