import { expose } from 'comlink';
import { openWebSocketLink, webSocketUrl } from '../web/websocket-link.ts';
import { openCacheStorage } from '../worker/data/shard-store.ts';
import { initialStatus, type WorkerStatus } from '../worker/session/status.ts';
import { createWorkerCore, type WorkerCore } from '../worker/worker-core.ts';
import { createBrowserEngineHome } from './engine-home.ts';
import { createBridgedTransport } from './peers/bridged-transport.ts';
import type { BrowserWorkerApi, BrowserWorkerOptions } from './worker-api.ts';

type Listener = (status: WorkerStatus) => void;

/** The dedicated Web Worker in which all training happens. Its owner is the page, by way of comlink. */
const listeners = new Set<Listener>();
const peers = createBridgedTransport();
let core: WorkerCore | undefined;

function createCore(options: BrowserWorkerOptions): WorkerCore {
  return createWorkerCore({
    ...options,
    home: 'browser',
    engineHome: createBrowserEngineHome(),
    connect: (url, signal) => openWebSocketLink(webSocketUrl(url, 'worker-socket'), signal),
    onStatus: (status) => {
      for (const listener of listeners) listener(status);
    },
    ports: { shardStore: openCacheStorage(), ringTransports: [peers] },
  });
}

const api: BrowserWorkerApi = {
  async start(options) {
    await core?.stop();
    core = createCore(options);
    core.start();
  },
  async stop() {
    await core?.stop();
  },
  async lendPeers(port) {
    peers.lend(port);
  },
  async onStatus(listener) {
    listeners.add(listener);
    listener(core?.status() ?? initialStatus);
  },
};

expose(api);
