import { expect, it, onTestFinished } from 'vitest';
import { adminService } from '../../shared/protocol/services.ts';
import { startEtcd } from '../support/etcd.ts';
import { createCloudsTraining } from './support/clouds-training.ts';
import { type ClusterOptions, type CoordinatorCluster, startCluster } from './support/coordinator-cluster.ts';

const { rounds, begin, finish } = createCloudsTraining({
  hidden: [256, 256],
  rounds: 120,
  unitsPerRound: 4,
  batchSize: 512,
  evaluation: { everyRounds: 30, samplesMax: 100 },
  checkpoint: { everyRounds: 16 },
  seed: 11,
});

const control = (cluster: CoordinatorCluster, action: 'pause' | 'resume') =>
  cluster.ask((client) => client.unary(adminService.method.controlJob, { jobId: 'clouds', action }));

const versionOf = async (cluster: CoordinatorCluster): Promise<number> =>
  (await cluster.job('clouds')).status?.version ?? 0;

const reach = (cluster: CoordinatorCluster, round: number) =>
  cluster.untilJob('clouds', ({ status }) => (status?.version ?? 0) >= round);

let undisturbed: Promise<string> | undefined;
/** The bits of one coordinator and one worker whom nobody disturbs. */
function undisturbedHash(): Promise<string> {
  undisturbed ??= (async () => {
    const alone = await startCluster({ ids: ['alone'] });
    const worker = alone.startWorker(await begin(alone), '--backend', 'wasm');
    const hash = await finish(alone);
    await worker.kill();
    await alone.kill('alone');
    return hash;
  })();
  return undisturbed;
}

async function killLeadersWhileTraining(options: Omit<ClusterOptions, 'ids'>): Promise<void> {
  const expected = await undisturbedHash();
  const cluster = await startCluster({ ids: ['a', 'b', 'c'], ...options });
  const token = await begin(cluster);
  cluster.startWorker(token, '--backend', 'wasm', '--name', 'one');
  cluster.startWorker(token, '--backend', 'wasm', '--name', 'two');
  let killed: string | undefined;
  for (const round of [8, 38, 68]) {
    const { status } = await reach(cluster, round);
    expect(status?.version).toBeLessThan(rounds);
    if (killed !== undefined) {
      // The job would be over before a coordinator has started.
      await control(cluster, 'pause');
      await cluster.start(killed);
      await control(cluster, 'resume');
    }
    // The one that has just started may be needed for a majority at once.
    killed = await cluster.leader();
    await cluster.kill(killed);
    expect(await versionOf(cluster)).toBeGreaterThanOrEqual(status?.version ?? 0);
  }
  expect(await finish(cluster)).toBe(expected);
  expect((await cluster.status()).members).toHaveLength(3);
}

it('trains on to the same bits while its leader is killed three times', () => killLeadersWhileTraining({}));

it('does so, too, when its log is in etcd', async () => {
  const etcd = await startEtcd(1);
  onTestFinished(() => etcd.dispose());
  await killLeadersWhileTraining({ consensus: ['--consensus', 'etcd', '--etcd', etcd.endpoints.join(',')] });
});

it('grows from one to three, gives a dead member another, and lets its leader go, while it trains', async () => {
  const expected = await undisturbedHash();
  const cluster = await startCluster({ ids: ['a'] });
  const token = await begin(cluster);
  cluster.startWorker(token, '--backend', 'wasm', '--name', 'one');
  const peer = (id: string): string => cluster.members.get(id)?.peerAddress ?? '';

  for (const id of ['b', 'c']) {
    await cluster.start(id, '--join', peer('a'));
    await cluster.succeed('cluster', 'add', id, peer(id));
  }
  expect((await cluster.status()).members.map(({ role }) => role).sort()).toEqual([
    'follower',
    'follower',
    'leader',
  ]);

  await cluster.kill('b');
  cluster.wipe('b');
  await cluster.succeed('cluster', 'remove', 'b');
  await cluster.start('d', '--join', peer('c'));
  await cluster.succeed('cluster', 'add', 'd', peer('d'));

  await cluster.succeed('cluster', 'transfer', 'c');
  expect(await cluster.leader()).toBe('c');
  await cluster.succeed('cluster', 'remove', 'c');
  await cluster.kill('c');
  expect(['a', 'd']).toContain(await cluster.leader());
  expect((await cluster.status()).members.map(({ id }) => id)).toEqual(['a', 'd']);
  expect(await finish(cluster)).toBe(expected);
});
