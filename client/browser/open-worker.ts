import { proxy, releaseProxy, wrap } from 'comlink';
import type { OpenedWorker } from './contribution.ts';
import type { BrowserWorkerApi } from './worker-api.ts';

/** Loads and starts the dedicated worker. Its script holds the network code and TensorFlow.js; the page's does not. */
export function openWorker(): OpenedWorker {
  const worker = new Worker(new URL('./worker-entry.ts', import.meta.url), {
    type: 'module',
    name: 'gradswarm',
  });
  const api = wrap<BrowserWorkerApi>(worker);
  return {
    api,
    onStatus: (listener) => api.onStatus(proxy(listener)),
    onError(listener) {
      worker.addEventListener('error', (event) => {
        listener(
          event.message || 'The program for the work could not be loaded. Reload the page and try again.',
        );
      });
    },
    terminate() {
      api[releaseProxy]();
      worker.terminate();
    },
  };
}
