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

const control = (cluster: CoordinatorCluster, action: 'pause' | 'resume') =>
  cluster.ask((client) => client.unary(adminService.method.controlJob, { jobId: 'clouds', action }));

/** Resolves when units of every one of these workers have counted, beyond `before`. */
async function untilAllCount(
  cluster: CoordinatorCluster,
  names: readonly string[],
  before: ReadonlyMap<string, number> = new Map(),
): Promise<void> {
  for (;;) {
    const counted = await unitsAccepted(cluster);
    if (names.every((name) => (counted.get(name) ?? 0) > (before.get(name) ?? 0))) return;
    expect((await cluster.job('clouds')).status?.state, JSON.stringify([...counted])).not.toBe('finished');
    await pause(20);
  }
}

it('gives the bits of one coordinator with workers on three, of which one is killed while it holds units', async () => {
  const expected = await hashOfOneCoordinator();
  const cluster = await startCluster({ ids: ['a', 'b', 'c'] });
  const token = await begin(cluster);
  const ids = [...cluster.members.keys()];
  for (const id of ids) workerOf(cluster, id, token);

  const leaderId = await cluster.leader();
  const leader = cluster.members.get(leaderId)?.running;
  const [follower = ''] = ids.filter((id) => id !== leaderId);
  if (leader === undefined) throw new Error('there is a leader');
  // Nobody was redirected: every coordinator's worker gets units counted.
  await untilAllCount(
    cluster,
    ids.map((id) => `at-${id}`),
  );
  for (let attempt = 1; ; attempt++) {
    await cluster.kill(follower);
    while (losses(leader).length < attempt) await pause(20);
    if (losses(leader).some((units) => units > 0)) break;
    // Between two rounds it held nothing. The others would finish the job before it has started.
    await control(cluster, 'pause');
    await cluster.start(follower);
    const before = await unitsAccepted(cluster);
    await control(cluster, 'resume');
    await untilAllCount(cluster, [`at-${follower}`], before);
  }
  expect(await cluster.leader()).toBe(leaderId);
  expect(await finish(cluster)).toBe(expected);
});
