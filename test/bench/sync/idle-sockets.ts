import { setTimeout as pause } from 'node:timers/promises';
import { limits } from '../../../shared/base/limits.ts';
import { workerService } from '../../../shared/protocol/services.ts';
import type { Figure } from '../figure.ts';
import { openGrid } from '../grid.ts';
import { type CrowdWorker, joinAsWorker, keepAlive } from './crowd.ts';
import { residentBytes } from './process-usage.ts';

const sockets = 10_000;
/** So that the first thousand, which warm the program up, do not count. */
const warmSockets = 1_000;
const settleMs = 20_000;
/** Workers that join together while memory is measured. */
const groupSize = 100;

/** What registered workers that do nothing cost, and how long it takes when all come back at once. */
export async function idleSocketFigures(report: (figure: Figure) => void): Promise<void> {
  const grid = await openGrid('mnist');
  try {
    const join = (from: number, count: number): Promise<CrowdWorker[]> =>
      Promise.all(Array.from({ length: count }, (_, index) => joinAsWorker(grid, from + index)));
    const workers: CrowdWorker[] = [];
    const heartbeats = keepAlive(workers);
    const joinInGroups = async (until: number): Promise<void> => {
      while (workers.length < until) workers.push(...(await join(workers.length, groupSize)));
    };
    await joinInGroups(warmSockets);
    await pause(settleMs);
    const before = residentBytes(grid.processId);
    await joinInGroups(sockets);
    await pause(settleMs);
    const bytes = (residentBytes(grid.processId) - before) / (sockets - warmSockets);
    heartbeats.stop();
    await allAreThere(workers);
    for (const { client } of workers) client.close('storm');
    await Promise.all(workers.map(({ client }) => client.closed));
    const startMs = performance.now();
    await join(0, sockets);
    const seconds = (performance.now() - startMs) / 1_000;
    const beat = `a heartbeat each per ${limits.workerTimeoutMs / 2_000} s`;
    const conditions = `${sockets} registered workers, ${beat}, clients on the same two cores`;
    report({
      suite: 'sync',
      figure: 'memory of an idle authenticated socket',
      value: bytes / 1_000,
      unit: 'kB',
      target: { kind: 'atMost', value: 15 },
      runs: [bytes / 1_000],
      conditions,
    });
    report({
      suite: 'sync',
      figure: 'all of them come back at once',
      value: seconds,
      unit: 's',
      target: { kind: 'atMost', value: 5 },
      runs: [seconds],
      conditions,
    });
  } finally {
    await grid.close();
  }
}

/** What was measured were live sockets: a worker that the coordinator has given up would be refused. */
async function allAreThere(workers: readonly CrowdWorker[]): Promise<void> {
  await Promise.all(
    workers.map(({ client }) => client.unary(workerService.method.heartbeat, { samplesPerSecond: 0 })),
  );
}
