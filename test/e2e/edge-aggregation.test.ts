import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { adminService } from '../../shared/protocol/services.ts';
import { createCloudsTraining } from './support/clouds-training.ts';
import { type CoordinatorCluster, startCluster } from './support/coordinator-cluster.ts';
import { type Running, startGradswarm } from './support/processes.ts';

const { begin, finish } = createCloudsTraining({
  hidden: [128],
  rounds: 12,
  unitsPerRound: 48,
  batchSize: 256,
  evaluation: { everyRounds: 6, samplesMax: 100 },
  checkpoint: { everyRounds: 4 },
  seed: 7,
});

/** A worker that is told of this coordinator alone. */
function workerOf(cluster: CoordinatorCluster, id: string, token: string): Running {
  const url = cluster.members.get(id)?.url ?? '';
  return startGradswarm(['worker', '--json', '--url', url, '--backend', 'wasm', '--name', `at-${id}`], {
    GRADSWARM_TOKEN: token,
  });
}

async function hashOfOneCoordinator(): Promise<string> {
  const alone = await startCluster({ ids: ['alone'] });
  const worker = workerOf(alone, 'alone', await begin(alone));
  const hash = await finish(alone);
  await worker.kill();
  await alone.kill('alone');
  return hash;
}

const unitsAccepted = async (cluster: CoordinatorCluster): Promise<ReadonlyMap<string, number>> =>
  cluster.ask(async (client) => {
    const { workers } = (await client.unary(adminService.method.listWorkers, {})).message;
    return new Map(workers.map(({ name, unitsAccepted: units }) => [name, units]));
  });

/** For each loss of a coordinator that the leader has logged, how many units it has freed. */
const losses = (leader: Running): readonly number[] =>
  [...leader.stderr().matchAll(/"unitsFreed":(\d+)/g)].map(([, units]) => Number(units));

/** Resolves when units of every one of these workers have counted. */
async function untilAllCount(cluster: CoordinatorCluster, names: readonly string[]): Promise<void> {
  for (;;) {
    const counted = await unitsAccepted(cluster);
    if (names.every((name) => (counted.get(name) ?? 0) > 0)) return;
    await requireRunning(cluster);
    await pause(20);
  }
}

async function requireRunning(cluster: CoordinatorCluster): Promise<number> {
  const { status } = await cluster.job('clouds');
  expect(status?.state).toBe('running');
  return status?.version ?? 0;
}

/** Resolves early in a round of which this worker alone computes: some of it has counted, and most is to come. */
async function untilEarlyInRound(cluster: CoordinatorCluster, name: string): Promise<void> {
  const countedBy = async (): Promise<number> => (await unitsAccepted(cluster)).get(name) ?? 0;
  const former = await requireRunning(cluster);
  let version = former;
  while (version === former) version = await requireRunning(cluster);
  const atStart = await countedBy();
  while ((await countedBy()) === atStart) await pause(5);
  expect(await requireRunning(cluster)).toBe(version);
}

it('gives the bits of one coordinator with workers on three, of which one is killed while it holds units', async () => {
  const expected = await hashOfOneCoordinator();
  const cluster = await startCluster({ ids: ['a', 'b', 'c'] });
  const token = await begin(cluster);
  const ids = [...cluster.members.keys()];
  const workers = new Map(ids.map((id) => [id, workerOf(cluster, id, token)]));

  const leaderId = await cluster.leader();
  const leader = cluster.members.get(leaderId)?.running;
  const [follower = ''] = ids.filter((id) => id !== leaderId);
  if (leader === undefined) throw new Error('there is a leader');
  // Nobody was redirected: every coordinator's worker gets units counted.
  await untilAllCount(
    cluster,
    ids.map((id) => `at-${id}`),
  );
  for (const [id, worker] of workers) if (id !== follower) await worker.kill();
  await untilEarlyInRound(cluster, `at-${follower}`);
  await cluster.kill(follower);
  while (losses(leader).length === 0) await pause(20);
  expect(losses(leader)[0]).toBeGreaterThan(0);

  await cluster.start(follower);
  for (const id of ids) workerOf(cluster, id, token);
  expect(await cluster.leader()).toBe(leaderId);
  expect(await finish(cluster)).toBe(expected);
});
