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

/** Units that the coordinators' losses have freed, as the leader has logged them. */
const unitsFreed = (leader: Running): number =>
  [...leader.stderr().matchAll(/"unitsFreed":(\d+)/g)].reduce((sum, [, units]) => sum + Number(units), 0);

it('gives the bits of one coordinator with workers on three, of which one is killed while it holds units', async () => {
  const expected = await hashOfOneCoordinator();
  const cluster = await startCluster({ ids: ['a', 'b', 'c'] });
  const token = await begin(cluster);
  for (const id of cluster.members.keys()) workerOf(cluster, id, token);

  const leaderId = await cluster.leader();
  const leader = cluster.members.get(leaderId)?.running;
  const [follower = ''] = [...cluster.members.keys()].filter((id) => id !== leaderId);
  // Nobody was redirected: every coordinator's worker gets units counted.
  for (let counted = await unitsAccepted(cluster); ; counted = await unitsAccepted(cluster)) {
    if ([...cluster.members.keys()].every((id) => (counted.get(`at-${id}`) ?? 0) > 0)) break;
    await pause(50);
  }
  if (leader === undefined) throw new Error('there is a leader');
  // Between two rounds it holds nothing: then it is killed again.
  while (unitsFreed(leader) === 0) {
    if (cluster.members.get(follower)?.running.process.exitCode !== null) await cluster.start(follower);
    await cluster.kill(follower);
    await pause(300);
  }
  expect(await cluster.leader()).toBe(leaderId);
  expect(await finish(cluster)).toBe(expected);
});
