import { afterEach, describe, expect, it } from 'vitest';
import { createHarness, type Harness, type HarnessOptions } from './support/harness.ts';

let open: Harness | undefined;

function startWorker(options?: HarnessOptions): Harness {
  open = createHarness(options);
  open.core.start();
  return open;
}

afterEach(async () => {
  open?.compute.release();
  await open?.core.stop();
  open = undefined;
});

describe.each([
  ['in its own thread', false],
  ['aside', true],
])('computing %s', (_, aside) => {
  const start = (options?: HarnessOptions): Harness => startWorker({ ...options, aside });

  describe('a worker', () => {
    it('trains round after round on the deltas, with one snapshot', async () => {
      const { coordinator, core, until } = start();
      await until(() => coordinator.version >= 20);
      expect(coordinator.snapshots).toBe(1);
      expect(
        coordinator.contributions.every(
          ({ samples, codec, length }) => samples === 8 && codec === 'int8' && length === 300,
        ),
      ).toBe(true);
      expect(coordinator.released).toEqual([]);
      const { loss, round } = core.status();
      expect(loss).toBeLessThan(0.2);
      expect(round).toBeGreaterThan(0);
    });

    it('registers with all that the coordinator has to know, and shows what people want to see', async () => {
      const { coordinator, core, until } = start();
      await until(() => coordinator.heartbeats >= 2 && core.status().unitsAccepted >= 8);
      expect(coordinator.registrations[0]).toMatchObject({
        protocolVersion: 1,
        token: 'secret',
        name: 'tester',
        home: 'node',
        determinismClass: { engine: 'cpu', build: 'by hand' },
        device: 'a test',
        previousWorkerId: '',
      });
      expect(core.status().samplesPerSecond).toBeGreaterThan(0);
      expect(core.status()).toMatchObject({
        phase: 'computing',
        jobTitle: 'Which is larger?',
        jobOwner: 'the tests',
        accuracy: 0.5,
        unitsRefused: 0,
        engine: 'cpu',
        device: 'a test',
        lastError: '',
      });
      expect(core.status().bytesSent).toBeGreaterThan(1_000);
    });

    it('evaluates units of the test split', async () => {
      const { coordinator, until } = start();
      await until(() => coordinator.version >= 1);
      coordinator.evaluate();
      await until(() => coordinator.evaluations.length > 0);
      expect(coordinator.evaluations[0]).toMatchObject({ unit: 0, samples: 8, lossSum: 4, correct: 8 });
    });

    it('says why it waits, and goes on when the job does', async () => {
      const harness = createHarness();
      open = harness;
      harness.coordinator.behaviour.pauseReason = 'the job is paused';
      harness.core.start();
      await harness.until(() => harness.core.status().phaseText === 'waiting for work: the job is paused');
      harness.coordinator.resume();
      await harness.until(() => harness.coordinator.version >= 1);
    });
  });

  describe('parameters', () => {
    it('are fetched anew when an update does not come', async () => {
      const { coordinator, until } = start();
      await until(() => coordinator.version >= 1);
      coordinator.behaviour.withholdUpdates = true;
      const { version, snapshots } = coordinator;
      await until(() => coordinator.version >= version + 3);
      expect(coordinator.snapshots).toBeGreaterThan(snapshots);
    });

    it('are fetched anew when their hash is not the announced one, and nothing wrong is handed in', async () => {
      const harness = createHarness();
      open = harness;
      const { coordinator } = harness;
      harness.core.start();
      await harness.until(() => coordinator.version >= 2);
      const { snapshots } = coordinator;
      coordinator.behaviour.falseHash = '0'.repeat(64);
      await harness.until(() => coordinator.snapshots >= snapshots + 2);
      const { contributions } = coordinator;
      const before = contributions.length;
      coordinator.behaviour.falseHash = undefined;
      await harness.until(() => contributions.length > before + 4);
      // Every counted contribution was computed from the version that it names.
      expect(coordinator.released.length).toBeGreaterThan(0);
    });

    it('of a stale lease are not computed from: the lease goes back', async () => {
      const { coordinator, until } = start();
      await until(() => coordinator.version >= 2);
      coordinator.behaviour.leaseVersionShift = -1;
      const before = coordinator.released.length;
      await until(() => coordinator.released.length > before);
      coordinator.behaviour.leaseVersionShift = 0;
      const { version } = coordinator;
      await until(() => coordinator.version > version + 2);
    });
  });

  describe('refusals', () => {
    it('that may pass are counted, and the worker goes on', async () => {
      const { coordinator, core, until } = start();
      await until(() => coordinator.version >= 1);
      coordinator.behaviour.refuseContribution = 'leaseExpired';
      await until(() => core.status().unitsRefused >= 3);
      coordinator.behaviour.refuseContribution = undefined;
      const { version } = coordinator;
      await until(() => coordinator.version > version + 2);
      expect(core.status().lastError).toBe('refused: leaseExpired');
    });

    it.each(['unavailable', 'rateLimited'] as const)('by %s tell nothing of the uplink', async (code) => {
      const harness = createHarness({ aside });
      open = harness;
      const { coordinator, core, until } = harness;
      coordinator.behaviour.refuseContribution = code;
      core.start();
      await until(() => coordinator.registrations.length >= 3);
      coordinator.behaviour.refuseContribution = undefined;
      await until(() => coordinator.contributions.length > 0);
      expect(coordinator.contributions[0]?.uplinkBytesPerSecond).toBe(0);
    });

    it('of a unit that another worker handed in first are no error', async () => {
      const { coordinator, core, until } = start();
      await until(() => coordinator.version >= 1);
      coordinator.behaviour.refuseContribution = 'duplicate';
      await until(() => core.status().unitsRefused >= 3);
      expect(core.status().lastError).toBe('');
    });

    it('that need a person stop the worker with a plain message', async () => {
      const { coordinator, core, until } = start();
      await until(() => coordinator.version >= 1);
      coordinator.behaviour.refuseContribution = 'quarantined';
      await core.ended;
      expect(core.status()).toMatchObject({ phase: 'failed', lastError: 'refused: quarantined' });
    });

    it('of every value in a row stop the worker', async () => {
      const { coordinator, core, until } = start();
      await until(() => coordinator.version >= 1);
      coordinator.behaviour.refuseContribution = 'normTooLarge';
      await core.ended;
      expect(core.status().lastError).toMatch(/updates in a row were refused: refused: normTooLarge/);
    });

    it('of the token are not tried again', async () => {
      const harness = createHarness();
      harness.coordinator.behaviour.refuseRegister = 'unauthenticated';
      harness.core.start();
      await harness.core.ended;
      expect(harness.coordinator.registrations.length).toBe(1);
      expect(harness.core.status()).toMatchObject({ phase: 'failed', lastError: 'refused: unauthenticated' });
      expect(harness.compute.closed()).toBe(true);
    });
  });

  describe('connections', () => {
    it('are made again after a loss, with the former id and without a new download or compilation', async () => {
      const { coordinator, until } = start();
      await until(() => coordinator.version >= 2);
      coordinator.drop();
      const { version } = coordinator;
      await until(() => coordinator.version >= version + 3);
      expect(coordinator.registrations.length).toBe(2);
      expect(coordinator.registrations[1]?.previousWorkerId).toBe('worker-1');
    });

    it('are tried with every address in turn', async () => {
      const { coordinator, tried, until } = start({
        worker: { urls: ['http://dead.test', 'http://alive.test/grid'] },
        dead: ['http://dead.test/'],
      });
      await until(() => coordinator.version >= 1);
      expect(tried).toEqual(['http://dead.test/', 'http://alive.test/grid/']);
    });

    it('that a busy coordinator refuses are tried again', async () => {
      const harness = createHarness();
      open = harness;
      harness.coordinator.behaviour.refuseRegister = 'unavailable';
      harness.core.start();
      await harness.until(() => harness.coordinator.registrations.length >= 3);
      harness.coordinator.behaviour.refuseRegister = undefined;
      await harness.until(() => harness.coordinator.version >= 1);
    });
  });

  describe('stopping', () => {
    it('in the middle of a unit gives back every lease and hands nothing in', async () => {
      const { coordinator, compute, core, until } = start();
      await until(() => coordinator.version >= 1);
      compute.hold();
      await compute.entered();
      await until(() => coordinator.leased.size > 0);
      const stopped = core.stop();
      await until(() => coordinator.leased.size === 0);
      const { length } = coordinator.contributions;
      compute.release();
      await stopped;
      expect(coordinator.contributions.length).toBe(length);
      expect(core.status().phase).toBe('stopped');
      expect(compute.closed()).toBe(true);
    });

    it('is possible while there is no connection', async () => {
      const { core, tried, until } = start({ dead: ['http://alpha.test/'] });
      await until(() => tried.length >= 2);
      await core.stop();
      expect(core.status().phase).toBe('stopped');
    });

    it('may be followed by another start', async () => {
      const { coordinator, core, until } = start();
      await until(() => coordinator.version >= 1);
      await core.stop();
      const { version } = coordinator;
      core.start();
      await until(() => coordinator.version > version);
    });
  });

  describe('the device', () => {
    it('that fails a unit gets the model anew, and the unit goes back', async () => {
      const { coordinator, compute, core, until } = start();
      await until(() => coordinator.version >= 1);
      compute.failUnits(1);
      await until(() => coordinator.released.length === 1);
      const { version } = coordinator;
      await until(() => coordinator.version >= version + 2);
      expect(compute.runners()).toBe(2);
      expect(core.status().lastError).toBe('the kernel is broken');
    });

    it('that computes wrong is not used', async () => {
      const harness = createHarness();
      harness.compute.failSelfTest();
      harness.core.start();
      await harness.core.ended;
      expect(harness.core.status()).toMatchObject({ phase: 'failed', lastError: 'gradient off by 3e-1' });
      expect(harness.coordinator.contributions).toEqual([]);
      await harness.until(() => harness.coordinator.leased.size === 0);
    });

    it('that fails unit after unit stops the worker, which gives the leases back', async () => {
      const { coordinator, compute, core, until } = start();
      await until(() => coordinator.version >= 1);
      compute.failUnits(1_000);
      await core.ended;
      expect(core.status().lastError).toBe(
        '5 units in a row could not be computed. The last error: the kernel is broken',
      );
      await until(() => coordinator.leased.size === 0);
    });
  });

  describe('leases', () => {
    it('whose time is over before the unit is done are not handed in', async () => {
      const { coordinator, compute, core, until } = start();
      await until(() => coordinator.version >= 1);
      coordinator.behaviour.leaseDeadlineMs = 200;
      await until(() => coordinator.version >= 3);
      compute.hold();
      await compute.entered();
      const { length } = coordinator.contributions;
      await new Promise((resolve) => setTimeout(resolve, 20));
      coordinator.behaviour.leaseDeadlineMs = 60_000;
      compute.release();
      // On a busy machine the coordinator may have refused an earlier unit, which is no error of the worker.
      await until(() => core.status().lastError === 'The unit took longer than its lease.');
      expect(core.status().unitsRefused).toBeGreaterThanOrEqual(1);
      expect(coordinator.contributions.length).toBeLessThanOrEqual(length + 1);
    });
  });
});

it('builds no runner anew under the unit that it computes, when the result before cannot be handed in', async () => {
  const harness = createHarness({
    aside: true,
    document: { unitsPerRound: 100 },
    // The result is encoded once the next unit is under way.
    worker: { ports: { breathe: () => harness.compute.entered() } },
  });
  open = harness;
  const { coordinator, compute, core, until } = harness;
  compute.spoilUnit();
  core.start();
  await until(() => coordinator.released.length === 1);
  expect(compute.runners()).toBe(1);
  compute.release();
  await until(() => coordinator.contributions.length >= 3);
  expect(compute.runners()).toBe(2);
  expect(compute.disposedInUse()).toBe(0);
  expect(core.status().lastError).toMatch(/The vector holds NaN/);
});
