import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { AuthoredJob } from '../../shared/job/complete-job-document.ts';
import { adminService } from '../../shared/protocol/services.ts';
import { type CloudsTraining, createCloudsTraining } from './support/clouds-training.ts';
import { type CoordinatorCluster, startCluster } from './support/coordinator-cluster.ts';
import { type Running, startGradswarm } from './support/processes.ts';

/** The same job and seed, however its rounds are run. */
function trainingUnder(strategy: NonNullable<AuthoredJob['strategy']>): CloudsTraining {
  return createCloudsTraining({
    name: strategy.kind === 'ringAllReduce' ? 'ring' : 'server',
    hidden: [128],
    rounds: 6,
    unitsPerRound: 24,
    batchSize: 64,
    evaluation: { everyRounds: 4, samplesMax: 100 },
    seed: 7,
    strategy,
  });
}

/** Starts workers, each of which is told of one coordinator alone, and resolves when all are there. */
async function startWorkers(
  cluster: CoordinatorCluster,
  homes: Readonly<Record<string, string>>,
): Promise<readonly Running[]> {
  const token = await cluster.createToken('worker');
  const workers = Object.entries(homes).map(([name, id]) => {
    const url = cluster.members.get(id)?.url ?? '';
    const flags = ['--json', '--url', url, '--backend', 'wasm', '--name', name];
    return startGradswarm(['worker', ...flags], { GRADSWARM_TOKEN: token });
  });
  while ((await workersOf(cluster)).length < workers.length) await pause(20);
  return workers;
}

const workersOf = (cluster: CoordinatorCluster) =>
  cluster.ask(async (client) => (await client.unary(adminService.method.listWorkers, {})).message.workers);

/** Payload bytes that the coordinators took from workers. */
async function bytesReceived(cluster: CoordinatorCluster): Promise<number> {
  return (await workersOf(cluster)).reduce((sum, worker) => sum + worker.bytesReceived, 0);
}

const server = trainingUnder({ kind: 'parameterServerSynchronous' });
const ring = trainingUnder({ kind: 'ringAllReduce' });

it('parameter server, ring, and aggregation at the edge of three coordinators end with one SHA-256', async () => {
  const alone = await startCluster({ ids: ['alone'] });
  const two = await startWorkers(alone, { one: 'alone', two: 'alone' });
  await server.begin(alone);
  const byServer = await server.finish(alone);
  const serverBytes = await bytesReceived(alone);
  await ring.begin(alone);
  const byRing = await ring.finish(alone);
  // Sums went around between the workers, and one of each round came here.
  expect((await bytesReceived(alone)) - serverBytes).toBeLessThan(serverBytes / 2);
  await Promise.all(two.map((worker) => worker.kill()));
  await alone.kill('alone');

  const cluster = await startCluster({ ids: ['a', 'b', 'c'] });
  await startWorkers(cluster, { atA: 'a', atB: 'b', atC: 'c' });
  await server.begin(cluster);
  const byEdge = await server.finish(cluster);
  // Nobody was redirected to the leader.
  const counted = (await workersOf(cluster)).map(({ name, unitsAccepted }) => [name, unitsAccepted > 0]);
  expect(Object.fromEntries(counted)).toEqual({ atA: true, atB: true, atC: true });
  expect({ byRing, byEdge }).toEqual({ byRing: byServer, byEdge: byServer });
});
