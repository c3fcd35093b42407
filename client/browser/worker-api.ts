import type { WorkerStatus } from '../worker/session/status.ts';

export type BrowserBackend = 'auto' | 'webgpu' | 'wasm' | 'cpu';

export interface BrowserWorkerOptions {
  /** Base addresses of coordinators, such as `https://grid.example.org/`; the leader among them is found. */
  readonly urls: readonly string[];
  /** Empty for an anonymous contributor. */
  readonly token: string;
  /** Shown to the admin. */
  readonly name: string;
  readonly backend: BrowserBackend;
  /** Draw text from language models now and then, for `WorkerStatus.sampledText`. */
  readonly sampleText: boolean;
  /** Serve only this job; any job when absent. */
  readonly jobId?: string;
}

/**
 * What `worker-entry.ts` exposes through comlink. The page makes it with
 * `Comlink.wrap<BrowserWorkerApi>(new Worker(new URL('./worker-entry.ts', import.meta.url), { type: 'module' }))`.
 * Tensors never cross this boundary.
 */
export interface BrowserWorkerApi {
  /** Resolves once the worker runs; failures after that, and a failed start, show in the status as phase `failed`. */
  start(options: BrowserWorkerOptions): Promise<void>;
  /** Gives leases back, closes the connection, and resolves when nothing runs any more. */
  stop(): Promise<void>;
  /**
   * Lends the page's peer connections, by the port at whose other end `servePagePeers` is; undefined takes them back. The
   * worker offers them to the coordinator for as long as it has them.
   */
  lendPeers(port: MessagePort | undefined): Promise<void>;
  /** Pass `Comlink.proxy(listener)`. Called with the present status at once, then at most four times a second. */
  onStatus(listener: (status: WorkerStatus) => void): Promise<void>;
}
