import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ClusterView } from '../../../../shared/base/cluster-view.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';
import type { RpcClient } from '../../../../shared/protocol/rpc-client.ts';
import { adminService, workerService } from '../../../../shared/protocol/services.ts';
import { protocolVersion } from '../../../../shared/protocol/version.ts';
import { type RunningCoordinator, startCoordinator } from './running-coordinator.ts';

const worker = workerService.method;
const admin = adminService.method;
const coordinatorUrls = ['http://a.test/', 'http://b.test/'];
const leading: ClusterView = { isLeader: true, leaderUrl: 'http://b.test/', coordinatorUrls };
const following: ClusterView = { isLeader: false, leaderUrl: 'http://a.test/', coordinatorUrls };
const leaderless: ClusterView = { isLeader: false, leaderUrl: undefined, coordinatorUrls };
const registration = { protocolVersion, name: 'ada', home: 'node' };

let coordinator: RunningCoordinator;
beforeEach(async () => {
  coordinator = await startCoordinator();
});
afterEach(async () => {
  await coordinator.stop();
  expect(coordinator.defects).toEqual([]);
});

async function refusalOf(call: Promise<unknown>): Promise<GradswarmError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof GradswarmError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a worker', () => {
  test('is told all coordinators by the one that takes it in', async () => {
    coordinator.seeCluster(leading);
    const client = await coordinator.open('worker-socket');
    const { message } = await client.unary(worker.register, registration);
    expect(message.coordinators).toEqual(coordinatorUrls);
  });

  test('is sent to the leader, whatever its token is', async () => {
    coordinator.seeCluster(following);
    const client = await coordinator.open('worker-socket');
    const refusal = await refusalOf(
      client.unary(worker.register, { ...registration, token: 'unknown here' }),
    );
    expect(refusal).toMatchObject({ code: 'notLeader', redirectUrl: 'http://a.test/' });
    expect(refusal.message).toContain('http://a.test/ does');
  });

  test('is told when nobody leads', async () => {
    coordinator.seeCluster(leaderless);
    const client = await coordinator.open('worker-socket');
    const refusal = await refusalOf(client.unary(worker.register, registration));
    expect(refusal).toMatchObject({ code: 'notLeader', redirectUrl: undefined });
  });

  test('that is registered learns of the new leader from its next call', async () => {
    const client = await coordinator.open('worker-socket');
    await client.unary(worker.register, registration);
    coordinator.seeCluster(following);
    expect(await refusalOf(client.unary(worker.heartbeat, {}))).toMatchObject({
      code: 'notLeader',
      redirectUrl: 'http://a.test/',
    });
    expect(await refusalOf(client.unary(worker.lease, { pollMs: 20_000 }))).toMatchObject({
      code: 'notLeader',
    });
  });
});

describe('an admin', () => {
  test('signs in anywhere, and hears who leads', async () => {
    coordinator.seeCluster(following);
    const client = await coordinator.open('admin-socket');
    const { token } = await coordinator.createToken('admin');
    const { message } = await client.unary(admin.signIn, { protocolVersion, token });
    expect(message).toMatchObject({
      isLeader: false,
      leaderUrl: 'http://a.test/',
      coordinators: coordinatorUrls,
    });
  });

  test('is sent to the leader with everything that changes or must be current', async () => {
    const client = await coordinator.signIn();
    coordinator.seeCluster(following);
    const calls: (() => Promise<unknown>)[] = [
      () => client.unary(admin.submitJob, { documentJson: '{}' }),
      () => client.unary(admin.listJobs, {}),
      () => client.unary(admin.listWorkers, {}),
      () => client.unary(admin.listTokens, {}),
      () => client.unary(admin.createToken, { name: 'x', role: 'worker' }),
      () => client.unary(admin.clusterAdd, { id: 'c', address: 'c.test:1' }),
      () => client.unary(admin.clusterTransfer, {}),
      () => client.stream(admin.watchJob, { jobId: 'digits' })[Symbol.asyncIterator]().next(),
    ];
    for (const call of calls) {
      expect(await refusalOf(call())).toMatchObject({ code: 'notLeader', redirectUrl: 'http://a.test/' });
    }
  });

  test('sees the cluster from any of its members', async () => {
    const client = await coordinator.signIn();
    coordinator.seeCluster(following);
    const { message } = await client.unary(admin.clusterStatus, {});
    expect(message).toMatchObject({ clusterId: 'test', nodeId: 'main', consensus: 'single' });
    expect(message.members).toMatchObject([
      { id: 'main', role: 'leader', clientUrl: 'http://here.test/', isConnected: true, lag: 0 },
    ]);
    expect(message.commit).toBeGreaterThan(0);
  });

  test('is sent away when the leader steps down, so that a watch does not fall silent', async () => {
    const client = await coordinator.signIn();
    coordinator.leadershipLost();
    expect(await client.closed).toEqual({
      code: 4421,
      reason: 'notLeader: this coordinator leads no longer',
    });
  });

  const add = (id: string, address: string) => (client: RpcClient) =>
    client.unary(admin.clusterAdd, { id, address });
  const remove = (id: string) => (client: RpcClient) => client.unary(admin.clusterRemove, { id });
  const transfer = (to: string) => (client: RpcClient) => client.unary(admin.clusterTransfer, { to });
  const snapshot = (client: RpcClient) => client.unary(admin.clusterSnapshot, {});
  test.each<[string, (client: RpcClient) => Promise<unknown>, string, string | undefined, RegExp]>([
    ['a name in capitals', add('B', 'b.test:1'), 'badRequest', 'id', /a-z, 0-9 and "-", not "B"/],
    ['an address without a port', add('b', 'b.test'), 'badRequest', 'address', /host:port, not "b\.test"/],
    ['a listener for peers', add('b', 'b.test:1'), 'conflict', undefined, /--peer-listen.*--join/],
    ['such a member', remove('b'), 'notFound', 'id', /no coordinator is named "b"; there is only "main"/],
    [
      'another member to go on',
      remove('main'),
      'conflict',
      'id',
      /the only coordinator; add another one first/,
    ],
    ['a name without spaces', transfer('x y'), 'badRequest', 'to', /not "x y"/],
    ['another member to lead', transfer(''), 'conflict', undefined, /the only coordinator/],
    ['need of a snapshot', snapshot, 'conflict', undefined, /shortens its log by itself/],
  ])('of a cluster of one is told what is missing: %s', async (_, call, code, field, message) => {
    const refusal = await refusalOf(call(await coordinator.signIn()));
    expect(refusal).toMatchObject({ code, field });
    expect(refusal.message).toMatch(message);
  });
});
