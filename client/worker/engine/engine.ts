/** What computes: a TensorFlow.js back end with its device. */
export type EngineName = 'webgpu' | 'tensorflow' | 'wasm' | 'cpu';

export type EngineChoice = 'auto' | EngineName;

export const engineChoices: readonly EngineChoice[] = ['auto', 'webgpu', 'tensorflow', 'wasm', 'cpu'];

/** Two engines of one class give the same bits for the same unit. */
export interface DeterminismClass {
  readonly engine: EngineName;
  /** Version of the worker core and its kernels, and for webgpu the adapter. */
  readonly build: string;
}

/** An opened engine. A process or Web Worker has one: TensorFlow.js keeps its current back end in a global. */
export interface Engine {
  readonly name: EngineName;
  readonly determinismClass: DeterminismClass;
  /** For people: "NVIDIA RTX 4090", "WebAssembly on the CPU". */
  readonly deviceInWords: string;
  /** Whether a WebGPU adapter is emulated on the CPU. */
  readonly software: boolean;
  /** Whether the calling thread is free while a unit is computed. */
  readonly computesAside: boolean;
  /**
   * Makes this engine's back end the current one of TensorFlow.js. Call it before every synchronous stretch of tensor
   * work: others in the process may have chosen another.
   */
  enter(): void;
  /** Whether the device is gone; nothing computes until `rebuild` has resolved. */
  isLost(): boolean;
  /** Calls back whenever the device is lost, with the reason. Returns the removal of the listener. */
  onLost(listener: (reason: string) => void): () => void;
  /** The oldest error that the device reported outside any call since the last call of this, in words. */
  takeError(): string | undefined;
  /**
   * Opens the device again; every tensor of the old one is gone.
   * @throws GradswarmError `unavailable` when there is no device now.
   */
  rebuild(): Promise<void>;
  close(): Promise<void>;
}
