import { expect, it } from 'vitest';
import { createNodeEngineHome } from '../../../../../client/node/engine-home.ts';
import { compileModel } from '../../../../../client/worker/model/model-compiler.ts';
import { createWorkerCore } from '../../../../../client/worker/worker-core.ts';
import { modelEnds } from '../../../../../shared/job/model-ends.ts';
import { FakeCoordinator } from './support/fake-coordinator.ts';
import { shardBytesByHash, smallDataset, smallDocument } from './support/small-job.ts';
import { until } from './support/until.ts';

it('learns on the cpu engine, with everything real but the coordinator', async () => {
  const { model, loss, seed } = smallDocument;
  const { tensors, initialParameters } = await compileModel(
    model,
    modelEnds(model, smallDataset, loss),
    loss,
    seed,
  );
  const coordinator = new FakeCoordinator(smallDocument, tensors, initialParameters);
  const core = createWorkerCore({
    urls: ['http://grid.test'],
    token: '',
    name: 'tester',
    home: 'node',
    backend: 'cpu',
    engineHome: createNodeEngineHome(),
    connect: async () => coordinator.connect(),
    onStatus: () => {},
    ports: {
      fetchBytes: async (url) => shardBytesByHash.get(url.split('/').at(-1) ?? '') ?? new Uint8Array(),
    },
  });
  core.start();
  await until(() => coordinator.version >= 120 || core.status().phase === 'failed');
  coordinator.evaluate();
  await until(() => coordinator.evaluations.length > 0 || core.status().phase === 'failed');
  await core.stop();
  expect(core.status()).toMatchObject({ phase: 'stopped', engine: 'cpu', unitsRefused: 0, lastError: '' });
  expect(coordinator.snapshots).toBe(1);
  const { lossSum, correct } = coordinator.evaluations[0] ?? { lossSum: Number.NaN, correct: 0 };
  const first = coordinator.contributions[0]?.loss ?? 0;
  expect(lossSum / 8).toBeLessThan(first / 2);
  expect(correct).toBeGreaterThanOrEqual(7);
});
