import { afterEach, describe, expect, it } from 'vitest';
import { createBrowserEngineHome } from '../../client/browser/engine-home.ts';
import { compileModel } from '../../client/worker/model/model-compiler.ts';
import { createWorkerCore, type WorkerCore } from '../../client/worker/worker-core.ts';
import { modelEnds } from '../../shared/job/model-ends.ts';
import { FakeCoordinator } from '../unit/client/worker/session/support/fake-coordinator.ts';
import {
  shardBytesByHash,
  smallDataset,
  smallDocument,
} from '../unit/client/worker/session/support/small-job.ts';
import { until } from '../unit/client/worker/session/support/until.ts';

let core: WorkerCore | undefined;

afterEach(() => core?.stop());

async function createCoordinator(): Promise<FakeCoordinator> {
  const { model, loss, seed } = smallDocument;
  const ends = modelEnds(model, smallDataset, loss);
  const { tensors, initialParameters } = await compileModel(model, ends, loss, seed);
  return new FakeCoordinator(smallDocument, tensors, initialParameters);
}

describe.each(['webgpu', 'wasm'] as const)('a worker in the browser on %s', (backend) => {
  it('passes the self-test, trains and evaluates', async () => {
    const coordinator = await createCoordinator();
    core = createWorkerCore({
      urls: ['http://grid.test'],
      token: '',
      name: 'tab',
      home: 'browser',
      backend,
      engineHome: createBrowserEngineHome(),
      connect: async () => coordinator.connect(),
      onStatus: () => {},
      ports: {
        fetchBytes: async (url) => shardBytesByHash.get(url.split('/').at(-1) ?? '') ?? new Uint8Array(),
      },
    });
    const { status } = core;
    core.start();
    await until(() => coordinator.version >= 4 || status().phase === 'failed');
    coordinator.evaluate();
    await until(() => coordinator.evaluations.length > 0 || status().phase === 'failed');
    await core.stop();
    expect(status()).toMatchObject({ phase: 'stopped', engine: backend, unitsRefused: 0, lastError: '' });
    expect(coordinator.registrations[0]).toMatchObject({
      home: 'browser',
      determinismClass: { engine: backend },
    });
    expect(coordinator.snapshots).toBe(1);
  });
});
