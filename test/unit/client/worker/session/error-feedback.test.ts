import { afterEach, expect, it } from 'vitest';
import type { UnitRunner } from '../../../../../client/worker/compute/unit-runner.ts';
import type { CodecSpec } from '../../../../../shared/codec/codec-spec.ts';
import { createHarness, type Harness } from './support/harness.ts';
import { createPlainCompute, plainLength } from './support/plain-compute.ts';

/** The larger value is sent three times out of four, unless what was left out of the smaller one is forgotten. */
const gradient = new Float32Array(plainLength);
gradient.set([1, 0.3]);
/** The largest value of the whole vector. */
const largest: CodecSpec = { kind: 'topk', k: 1, valueBits: 8 };

function createRunner(): UnitRunner {
  let version: number | undefined;
  return {
    get version() {
      return version;
    },
    setParameters(next) {
      version = next;
    },
    train: async () => ({ update: gradient.slice(), loss: 1 }),
    evaluate: async () => ({ lossSum: 1, correct: 0 }),
    sampleTokens: async () => [],
    dispose() {},
  };
}

let open: Harness | undefined;

function createWorker(up: readonly CodecSpec[]): Harness {
  const compute = { ...createPlainCompute(false), createUnitRunner: async () => createRunner() };
  open = createHarness({ document: { codec: { up, down: { kind: 'float32' } } }, worker: { compute } });
  return open;
}

afterEach(async () => {
  await open?.core.stop();
  open = undefined;
});

it('carries what a codec leaves out over lost connections', async () => {
  const { coordinator, core, until } = createWorker([largest]);
  core.start();
  let counted = 0;
  await until(() => {
    // No connection lasts for long enough to make up for a start from nothing.
    if (coordinator.updates.length >= counted + 2) {
      counted = coordinator.updates.length;
      coordinator.drop();
    }
    return coordinator.updates.some((update) => update[1] !== 0);
  });
  expect(coordinator.registrations.length).toBeGreaterThan(1);
});

it('leaves nothing of refused contributions in what is carried', async () => {
  const { coordinator, core, until } = createWorker([largest]);
  coordinator.behaviour.refuseContribution = 'wrongRound';
  core.start();
  await until(() => core.status().unitsRefused >= 40);
  coordinator.behaviour.refuseContribution = undefined;
  await until(() => coordinator.updates.length >= 30);
  const updates = coordinator.updates.slice();
  for (const index of [0, 1]) {
    const sent = updates.reduce((sum, update) => sum + (update[index] ?? 0), 0);
    // Forty refused gradients would show.
    expect(Math.abs(sent - updates.length * (gradient[index] ?? 0))).toBeLessThan(5);
  }
});

it('shows the codec in use: the preferred one where nothing is in the way', async () => {
  const { coordinator, core, until } = createWorker([largest, { kind: 'int8' }]);
  expect(core.status().codec).toBe('');
  core.start();
  await until(() => coordinator.updates.length >= 3);
  expect(core.status().codec).toBe('topk/1/8');
  expect(coordinator.contributions.map(({ codec }) => codec)).toContain('topk/1/8');
});
