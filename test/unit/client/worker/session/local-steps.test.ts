import { afterEach, describe, expect, it } from 'vitest';
import type { JobDocument } from '../../../../../shared/job/job-document.ts';
import { createHarness, type Harness } from './support/harness.ts';

let open: Harness | undefined;
afterEach(async () => {
  open?.compute.release();
  await open?.core.stop();
  open = undefined;
});

/** Federated averaging: the outer step takes the mean of where the workers went. */
const document: Partial<JobDocument> = {
  localSteps: { steps: 5, optimizer: { kind: 'sgd', learningRate: 0.2 } },
  optimizer: { kind: 'sgd', learningRate: 1 },
};

describe.each([
  ['in its own thread', false],
  ['aside', true],
])('a worker that computes %s', (_, aside) => {
  it('makes the local steps of every unit, and evaluates what is published', async () => {
    open = createHarness({ aside, document });
    const { coordinator, core, until } = open;
    coordinator.evaluate();
    core.start();
    await until(() => coordinator.version >= 6 && coordinator.evaluations.length > 0);
    expect(coordinator.contributions.every(({ samples }) => samples === 40)).toBe(true);
    expect(coordinator.evaluations[0]).toMatchObject({ samples: 8 });
    expect(core.status()).toMatchObject({ unitsRefused: 0 });
    const [first, last] = [coordinator.contributions[0], coordinator.contributions.at(-1)];
    expect(last?.loss).toBeLessThan((first?.loss ?? 0) / 2);
  });

  it('stops between two steps', async () => {
    open = createHarness({ aside, document });
    const { coordinator, core, compute, until } = open;
    compute.hold();
    core.start();
    await compute.entered();
    const stopping = core.stop();
    compute.release();
    await stopping;
    await until(() => coordinator.leased.size === 0);
    expect(coordinator.contributions).toEqual([]);
  });
});
