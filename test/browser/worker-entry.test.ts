import { proxy, type Remote, wrap } from 'comlink';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BrowserWorkerApi } from '../../client/browser/worker-api.ts';
import type { WorkerStatus } from '../../client/worker/session/status.ts';
import { until } from '../unit/client/worker/session/support/until.ts';

let worker: Worker;
let api: Remote<BrowserWorkerApi>;

beforeEach(() => {
  worker = new Worker(new URL('../../client/browser/worker-entry.ts', import.meta.url), { type: 'module' });
  api = wrap<BrowserWorkerApi>(worker);
});

afterEach(() => worker.terminate());

describe('worker-entry', () => {
  it('tells the present status at once and every change after it', async () => {
    const statuses: WorkerStatus[] = [];
    await api.onStatus(proxy((status: WorkerStatus) => void statuses.push(status)));
    await until(() => statuses.length > 0);
    expect(statuses[0]?.phase).toBe('stopped');

    const options = { token: '', name: 'tab', backend: 'wasm', sampleText: false } as const;
    await api.start({ urls: ['http://127.0.0.1:1'], ...options });
    await until(() => statuses.some(({ phase, lastError }) => phase === 'connecting' && lastError !== ''));
    expect(statuses.at(-1)).toMatchObject({ engine: 'wasm', lastError: 'no connection to 127.0.0.1:1' });

    await api.stop();
    await until(() => statuses.at(-1)?.phase === 'stopped');
  });

  it('shows what cannot be started as a failure in words', async () => {
    const statuses: WorkerStatus[] = [];
    await api.onStatus(proxy((status: WorkerStatus) => void statuses.push(status)));
    await api.start({ urls: ['not an address'], token: '', name: 'tab', backend: 'cpu', sampleText: false });
    await until(() => statuses.at(-1)?.phase === 'failed');
    expect(statuses.at(-1)?.lastError).toContain('not an address');
  });
});
