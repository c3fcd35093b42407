import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { AuthoredJob } from '../../shared/job/complete-job-document.ts';
import { adminService } from '../../shared/protocol/services.ts';
import { type CoordinatorCluster, startCluster } from './support/coordinator-cluster.ts';
import { type Running, startGradswarm } from './support/processes.ts';
import { cloudsCsv } from './support/tables.ts';

const rounds = 12;
const unitsPerRound = 48;

const job: AuthoredJob = {
  name: 'clouds',
  model: { kind: 'mlp', hidden: [128] },
  dataset: 'clouds',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'adamw', learningRate: 0.003 },
  unitsPerRound,
  batchSize: 256,
  codec: { up: 'int8', down: 'int8' },
  stop: { rounds },
  evaluation: { everyRounds: 6, samplesMax: 100 },
  checkpoint: { everyRounds: 4 },
  seed: 7,
};

async function begin(cluster: CoordinatorCluster): Promise<string> {
  const csv = join(cluster.folder, 'clouds.csv');
  writeFileSync(csv, cloudsCsv(2_000));
  await cluster.succeed('dataset', 'import', 'clouds', '--csv', csv, '--target', 'class');
  await cluster.submit(job);
  return cluster.createToken('worker');
}

/** A worker that is told of this coordinator alone. */
function workerOf(cluster: CoordinatorCluster, id: string, token: string): Running {
  const url = cluster.members.get(id)?.url ?? '';
  return startGradswarm(['worker', '--json', '--url', url, '--backend', 'wasm', '--name', `at-${id}`], {
    GRADSWARM_TOKEN: token,
  });
}

async function finish(cluster: CoordinatorCluster): Promise<string> {
  const { status, unitsCounted } = await cluster.untilJob(
    'clouds',
    ({ status: now }) => now?.state === 'finished',
  );
  expect(status?.version).toBe(rounds);
  expect(unitsCounted).toBe(rounds * unitsPerRound);
  return status?.parametersHash ?? '';
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
