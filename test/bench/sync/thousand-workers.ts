import { setTimeout as pause } from 'node:timers/promises';
import { withAdmin } from '../../../client/cli/admin-client.ts';
import { limits } from '../../../shared/base/limits.ts';
import { createRandom } from '../../../shared/base/random.ts';
import { createFlatCodec } from '../../../shared/codec/codecs.ts';
import type { RpcClient } from '../../../shared/protocol/rpc-client.ts';
import { adminService, type Lease, workerService } from '../../../shared/protocol/services.ts';
import { type Figure, percentile } from '../figure.ts';
import { type Grid, openGrid } from '../grid.ts';
import { type CrowdWorker, joinAsWorker } from './crowd.ts';
import { processorSeconds, residentBytes } from './process-usage.ts';

const workers = 1_000;
const unitMs = 30_000;
const measuredMs = 60_000;
/** With 784 inputs and ten classes: 273,490 parameters. */
const hidden = 344;

const job = {
  name: 'crowd',
  model: { kind: 'mlp', hidden: [hidden] },
  dataset: 'mnist',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'sgd', learningRate: 0.001 },
  unitsPerRound: 128,
  batchSize: 64,
  strategy: { kind: 'parameterServerAsynchronous', buffer: 128, stalenessMax: 64 },
  codec: { up: 'int8', down: 'int8' },
  stop: { rounds: 1_000_000 },
  evaluation: { samplesMax: 0 },
};

interface Crowd {
  readonly payload: Uint8Array;
  readonly manifestHash: string;
  readonly length: number;
  readonly leaseMs: number[];
  accepted: number;
  isMeasuring: boolean;
  isOver: boolean;
}

/** Workers that lease, wait as long as a slow machine computes, and hand in an update; nothing is computed. */
export async function thousandWorkersFigures(report: (figure: Figure) => void): Promise<void> {
  const grid = await openGrid('mnist');
  try {
    await withAdmin(grid.admin, (client) =>
      client.unary(adminService.method.submitJob, { documentJson: JSON.stringify(job) }),
    );
    const volunteers = await Promise.all(
      Array.from({ length: workers }, (_, index) => joinAsWorker(grid, index)),
    );
    const crowd = await prepare(volunteers[0]?.client);
    const done = volunteers.map((worker, index) => volunteer(worker, crowd, (unitMs * index) / workers));
    await pause(2 * unitMs);
    crowd.isMeasuring = true;
    const startedAtMs = performance.now();
    const before = processorSeconds(grid.processId);
    await pause(measuredMs);
    const seconds = (performance.now() - startedAtMs) / 1_000;
    const cores = (processorSeconds(grid.processId) - before) / seconds;
    crowd.isMeasuring = false;
    describe(crowd, grid, cores, seconds, report);
    crowd.isOver = true;
    for (const { client } of volunteers) client.close('done');
    await Promise.all(done);
  } finally {
    await grid.close();
  }
}

async function prepare(client: RpcClient | undefined): Promise<Crowd> {
  if (client === undefined) throw new Error('there are workers');
  const { message } = await client.unary(workerService.method.getJob, { jobId: job.name });
  const length = (message.manifest?.tensors ?? []).reduce(
    (sum, { shape }) => sum + shape.reduce((size, side) => size * side, 1),
    0,
  );
  const random = createRandom(1);
  const update = Float32Array.from({ length }, () => (random.unit() - 0.5) / 1_000);
  const payload = createFlatCodec({ kind: 'int8' }, length).encode(update, 1);
  const { manifestHash } = message;
  return { payload, manifestHash, length, leaseMs: [], accepted: 0, isMeasuring: false, isOver: false };
}

/** Until its connection is closed. */
async function volunteer(
  { client, heartbeatIntervalMs }: CrowdWorker,
  crowd: Crowd,
  delayMs: number,
): Promise<void> {
  const heartbeat = setInterval(() => {
    client.unary(workerService.method.heartbeat, { samplesPerSecond: 1 }).catch(() => {});
  }, heartbeatIntervalMs);
  try {
    await pause(delayMs);
    while (!crowd.isOver) {
      const askedAtMs = performance.now();
      const { message } = await client.unary(workerService.method.lease, {
        jobId: job.name,
        pollMs: limits.leasePollMs,
      });
      if (crowd.isMeasuring) crowd.leaseMs.push(performance.now() - askedAtMs);
      await pause(unitMs);
      if (message.lease !== undefined) await contribute(client, crowd, message.lease);
    }
  } catch (error) {
    if (!crowd.isOver) throw error;
  } finally {
    clearInterval(heartbeat);
  }
}

async function contribute(client: RpcClient, crowd: Crowd, lease: Lease): Promise<void> {
  const { leaseId, jobId, round, unit, version, epoch, sampleCount: samples } = lease;
  const { manifestHash, length, payload } = crowd;
  const determinismClass = { engine: 'cpu', build: 'crowd' };
  const figures = { manifestHash, codec: 'int8', length, samples, loss: 1, computeMs: unitMs };
  await client.unary(
    workerService.method.contribute,
    { leaseId, jobId, round, unit, version, epoch, determinismClass, ...figures },
    { payload },
  );
  if (crowd.isMeasuring) crowd.accepted += 1;
}

function describe(
  { leaseMs, payload, accepted }: Crowd,
  grid: Grid,
  cores: number,
  seconds: number,
  report: (figure: Figure) => void,
): void {
  const kilobytes = Math.round(payload.byteLength / 1_000);
  const conditions = `${workers} workers, ${kilobytes} kB each per ${unitMs / 1_000} s, ${(accepted / seconds).toFixed(1)} contributions/s, without downloads, workers on the same two cores`;
  const tell = (figure: string, value: number, unit: string): void =>
    report({
      suite: 'sync',
      figure: `${workers} workers: ${figure}`,
      value,
      unit,
      runs: [value],
      conditions,
    });
  tell('processor of the coordinator', cores, 'cores');
  tell('memory of the coordinator', residentBytes(grid.processId) / 2 ** 20, 'MiB');
  tell('lease latency, median', percentile(leaseMs, 0.5), 'ms');
  const p99 = percentile(leaseMs, 0.99);
  report({
    suite: 'sync',
    figure: `${workers} workers: lease latency, 99th percentile`,
    value: p99,
    unit: 'ms',
    target: { kind: 'atMost', value: 50 },
    runs: [p99],
    conditions,
  });
}
