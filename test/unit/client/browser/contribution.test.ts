import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { createContribution, type OpenedWorker } from '../../../../client/browser/contribution.ts';
import { initialStatus, type WorkerStatus } from '../../../../client/worker/session/status.ts';
import { until } from '../worker/session/support/until.ts';

const options = {
  urls: ['http://localhost/'],
  token: '',
  name: '',
  backend: 'auto',
  sampleText: true,
} as const;

/** A worker that the test speaks for. */
class TestWorker implements OpenedWorker {
  tell: (status: Partial<WorkerStatus>) => void = () => {};
  break: (message: string) => void = () => {};
  isTerminated = false;
  readonly peers: boolean[] = [];
  readonly api = {
    start: async () => this.onStart(),
    stop: async () => {},
  };
  onPeers: () => Promise<void> = async () => {};
  readonly onStart: () => void;

  constructor(onStart: () => void = () => {}) {
    this.onStart = onStart;
  }

  async onStatus(listener: (status: WorkerStatus) => void): Promise<void> {
    this.tell = (status) => listener({ ...initialStatus, ...status });
    this.tell({});
  }

  async allowPeers(isAllowed: boolean): Promise<void> {
    this.peers.push(isAllowed);
    await this.onPeers();
  }

  onError(listener: (message: string) => void): void {
    this.break = listener;
  }

  terminate(): void {
    this.isTerminated = true;
  }
}

describe('a contribution', () => {
  it('lets its worker connect to others while a person allows it, and not before', async () => {
    const allowsPeers = signal(false);
    const worker = new TestWorker();
    const contribution = createContribution(() => worker, allowsPeers);
    await contribution.start(options);
    expect(worker.peers).toEqual([]);
    allowsPeers.value = true;
    allowsPeers.value = false;
    expect(worker.peers).toEqual([true, false]);
  });

  it('lets its worker connect from the start where a person has allowed it before', async () => {
    const order: string[] = [];
    const worker = new TestWorker(() => order.push(`start after ${worker.peers.join()}`));
    await createContribution(() => worker, signal(true)).start(options);
    expect(order).toEqual(['start after true']);
  });

  it('goes on without connections to others where their code does not load', async () => {
    const worker = new TestWorker();
    worker.onPeers = () => Promise.reject(new Error('no network'));
    const allowsPeers = signal(true);
    const contribution = createContribution(() => worker, allowsPeers);
    await contribution.start(options);
    await until(() => contribution.status.value.lastError === 'no network');
    expect(contribution.status.value.phase).toBe('starting');
    expect(worker.isTerminated).toBe(false);
  });

  it('begins with its work while the code of connections to others is on its way', async () => {
    const worker = new TestWorker();
    worker.onPeers = () => new Promise(() => {});
    let hasStarted = false;
    const contribution = createContribution(
      () => Object.assign(worker, { onStart: () => (hasStarted = true) }),
      signal(true),
    );
    await contribution.start(options);
    expect(hasStarted).toBe(true);
  });

  it('takes no failure of a worker that it has ended for one of the next', async () => {
    const workers: TestWorker[] = [];
    let giveUp = (_: Error): void => {};
    const contribution = createContribution(() => {
      const worker = new TestWorker();
      if (workers.length === 0)
        worker.onPeers = () =>
          new Promise((_, reject) => {
            giveUp = reject;
          });
      workers.push(worker);
      return worker;
    }, signal(true));
    await contribution.start(options);
    await contribution.stop();
    await contribution.start(options);
    giveUp(new Error('of the first'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(contribution.status.value).toMatchObject({ phase: 'starting', lastError: '' });
    expect(workers.map(({ isTerminated }) => isTerminated)).toEqual([true, false]);
  });

  it('has no worker before start and none after stop', async () => {
    const workers: TestWorker[] = [];
    const contribution = createContribution(() => {
      const worker = new TestWorker();
      workers.push(worker);
      return worker;
    }, signal(false));
    expect(workers).toEqual([]);
    await contribution.start(options);
    await contribution.start(options);
    expect(workers).toHaveLength(1);
    expect(contribution.status.value.phase).toBe('starting');
    workers[0]?.tell({
      phase: 'computing',
      jobId: 'j',
      round: 1,
      loss: 2,
      unitsAccepted: 4,
      samplesPerSecond: 9,
    });
    workers[0]?.tell({
      phase: 'computing',
      jobId: 'j',
      round: 2,
      loss: 1,
      unitsAccepted: 5,
      samplesPerSecond: 9,
    });
    await contribution.stop();
    expect(workers[0]?.isTerminated).toBe(true);
    expect(contribution.status.value).toMatchObject({
      phase: 'stopped',
      unitsAccepted: 5,
      samplesPerSecond: 0,
    });
    expect(contribution.lossHistory.value.points).toEqual([
      { round: 1, loss: 2 },
      { round: 2, loss: 1 },
    ]);
    workers[0]?.tell({ phase: 'computing' });
    expect(contribution.isActive.value).toBe(false);
  });

  it('tells why it cannot start, and can be started again', async () => {
    let isBroken = true;
    const contribution = createContribution(
      () =>
        new TestWorker(() => {
          if (isBroken) throw new Error('no memory');
        }),
      signal(false),
    );
    await contribution.start(options);
    expect(contribution.status.value).toMatchObject({ phase: 'failed', lastError: 'no memory' });
    isBroken = false;
    await contribution.start(options);
    expect(contribution.isActive.value).toBe(true);
  });

  it('ends a worker that breaks', async () => {
    const worker = new TestWorker();
    const contribution = createContribution(() => worker, signal(false));
    await contribution.start(options);
    worker.break('out of memory');
    expect(contribution.status.value).toMatchObject({ phase: 'failed', lastError: 'out of memory' });
    expect(worker.isTerminated).toBe(true);
    await contribution.stop();
    expect(contribution.status.value.phase).toBe('failed');
  });
});
