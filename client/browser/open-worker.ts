import { proxy, releaseProxy, transfer, wrap } from 'comlink';
import type { OpenedWorker } from './contribution.ts';
import type { BrowserWorkerApi } from './worker-api.ts';

/** Loads and starts the dedicated worker. Its script holds the network code and TensorFlow.js; the page's does not. */
export function openWorker(): OpenedWorker {
  const worker = new Worker(new URL('./worker-entry.ts', import.meta.url), {
    type: 'module',
    name: 'gradswarm',
  });
  const api = wrap<BrowserWorkerApi>(worker);
  let closePeers = (): void => {};
  /** What was said last about peers holds: it may be said while their code is still on its way. */
  let turn = 0;
  return {
    api,
    async allowPeers(isAllowed) {
      turn += 1;
      const mine = turn;
      closePeers();
      closePeers = () => {};
      if (!isAllowed) return api.lendPeers(undefined);
      // Its code comes when somebody has consented.
      const { servePagePeers } = await import('./peers/page-transport.ts');
      if (mine !== turn) return;
      const { port1, port2 } = new MessageChannel();
      closePeers = servePagePeers(port1);
      return api.lendPeers(transfer(port2, [port2]));
    },
    onStatus: (listener) => api.onStatus(proxy(listener)),
    onError(listener) {
      worker.addEventListener('error', (event) => {
        listener(
          event.message || 'The program for the work could not be loaded. Reload the page and try again.',
        );
      });
    },
    terminate() {
      turn += 1;
      closePeers();
      api[releaseProxy]();
      worker.terminate();
    },
  };
}
