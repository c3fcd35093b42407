import { withAdmin } from '../../../client/cli/admin-client.ts';
import { loadPeerTransport } from '../../../client/node/peer-connections.ts';
import type { AuthoredJob } from '../../../shared/job/complete-job-document.ts';
import { adminService, type JobStatus } from '../../../shared/protocol/services.ts';
import { systemTimers } from '../../../shared/system/system-timers.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import type { Report } from '../figure.ts';
import { endProcess, type Grid, openGrid, startWorkerAt, untilStatus, untilWorkers } from '../grid.ts';

const memberCounts = [2, 4, 8] as const;
/** With 784 inputs and ten classes: 1,000,120 parameters. */
const hidden = 1_258;
const firstRound = 3;
const lastRound = 13;

type Way = 'server' | 'ring, relayed' | 'ring, data channels';

interface Measured {
  readonly hash: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly roundMs: number;
}

/** Its name is not part of its bits. Eight units a round, so that its bits are those of any number of members. */
function jobOf(name: string, way: Way, rounds = lastRound + 1): AuthoredJob {
  return {
    name,
    model: { kind: 'mlp', hidden: [hidden] },
    dataset: 'mnist',
    loss: 'softmaxCrossEntropy',
    optimizer: { kind: 'sgd', learningRate: 0.01 },
    strategy: { kind: way === 'server' ? 'parameterServerSynchronous' : 'ringAllReduce' },
    unitsPerRound: 8,
    batchSize: 8,
    codec: { up: 'int8', down: 'int8' },
    stop: { rounds },
    evaluation: { samplesMax: 0 },
    seed: 5,
  };
}

/** The same job under the parameter server and as a ring of 2, 4 and 8 workers; that all end with the same bits is checked. */
export async function ringFigures(report: Report): Promise<void> {
  const grid = await openGrid('mnist');
  const { hostname, port } = new URL(grid.url);
  const proxy = await TcpProxy.open({ target: { host: hostname, port: Number(port) }, seed: 1 });
  const hasChannels = (await loadPeerTransport(systemTimers)) !== undefined;
  if (!hasChannels) process.stderr.write('no data channels here: node-datachannel does not load\n');
  const hashes = new Set<string>();
  let jobs = 0;
  const measure = async (members: number, way: Way): Promise<void> => {
    jobs += 1;
    const measured = await train(grid, proxy, jobOf(`measured-${jobs}`, way));
    hashes.add(measured.hash);
    tell(report, members, way, measured);
  };
  try {
    for (const members of memberCounts) {
      await withWorkers(grid, proxy, members, [], async () => {
        await measure(members, 'server');
        await measure(members, 'ring, relayed');
      });
      if (!hasChannels) continue;
      await withWorkers(grid, proxy, members, ['--peer-connections'], () =>
        measure(members, 'ring, data channels'),
      );
    }
    if (hashes.size !== 1) throw new Error(`the ways end with different bits: ${[...hashes].join(', ')}`);
  } finally {
    await proxy.close();
    await grid.close();
  }
}

function tell(report: Report, members: number, way: Way, { bytesIn, bytesOut, roundMs }: Measured): void {
  const conditions = 'mlp of 1.0M parameters, int8 up and down, 8 units of 8 samples a round, wasm workers';
  const figure = (name: string, value: number, unit: string): void =>
    report({
      suite: 'sync',
      figure: `${members} workers, ${way}: ${name}`,
      value,
      unit,
      runs: [value],
      conditions,
    });
  figure('into the coordinator for a round', bytesIn / 1e6, 'MB');
  figure('out of the coordinator for a round', bytesOut / 1e6, 'MB');
  figure('time for a round', roundMs, 'ms');
}

async function withWorkers(
  grid: Grid,
  proxy: TcpProxy,
  count: number,
  flags: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  const url = `http://127.0.0.1:${proxy.port}/`;
  const workers = Array.from({ length: count }, (_, index) =>
    startWorkerAt(url, grid.admin.token ?? '', `member-${index}`, flags),
  );
  try {
    await withAdmin(grid.admin, (client) => untilWorkers(client, count));
    await warmUp(grid, proxy, count);
    await work();
  } finally {
    await Promise.all(workers.map(endProcess));
    await withAdmin(grid.admin, (client) => untilWorkers(client, 0));
  }
}

let warmUps = 0;

/** Resolves when workers have loaded the data, and the connections for it are closed: what is gone is not counted. */
async function warmUp(grid: Grid, proxy: TcpProxy, workers: number): Promise<void> {
  warmUps += 1;
  const job = jobOf(`warm-up-${warmUps}`, 'server', 4);
  await withAdmin(grid.admin, async (client) => {
    await client.unary(adminService.method.submitJob, { documentJson: JSON.stringify(job) });
    await untilStatus(client, job.name, ({ state }) => state === 'finished' && proxy.connections === workers);
  });
}

/** Runs the job to its end and counts, between two commits, what passes the sockets of all workers. */
function train(grid: Grid, proxy: TcpProxy, job: AuthoredJob): Promise<Measured> {
  return withAdmin(grid.admin, async (client) => {
    const until = (accept: (status: JobStatus) => boolean) => untilStatus(client, job.name, accept);
    const reach = async (round: number) => {
      const { version } = await until((status) => status.version >= round);
      const [bytesIn, bytesOut] = [proxy.deliveredBytes('toTarget'), proxy.deliveredBytes('toSource')];
      return { version, bytesIn, bytesOut, atMs: performance.now() };
    };
    await client.unary(adminService.method.submitJob, { documentJson: JSON.stringify(job) });
    const from = await reach(firstRound);
    const to = await reach(lastRound);
    const { parametersHash } = await until(({ state }) => state === 'finished');
    const rounds = to.version - from.version;
    return {
      hash: parametersHash,
      bytesIn: (to.bytesIn - from.bytesIn) / rounds,
      bytesOut: (to.bytesOut - from.bytesOut) / rounds,
      roundMs: (to.atMs - from.atMs) / rounds,
    };
  });
}
