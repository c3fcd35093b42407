import { expect, it, onTestFinished } from 'vitest';
import type { CallRef, Event } from '../../../../../server/core/events.ts';
import { createCallTable } from '../../../../../server/runtime/call-table.ts';
import { createRelayClient, type RelayClient } from '../../../../../server/runtime/edge/relay-client.ts';
import { createRelayHost } from '../../../../../server/runtime/edge/relay-host.ts';
import type { ReduceOrder } from '../../../../../server/runtime/edge/relay-messages.ts';
import { asBlobHash, asWorkerId, type WorkerId } from '../../../../../shared/base/ids.ts';
import { BenchCoordinator } from '../../core/bench-coordinator.ts';
import { codeOf, connected, introduce, patience, signal, startNode } from '../../net/peers/running-peers.ts';

const tokenHash = asBlobHash('ab'.repeat(32));
const evaluation = { everyRounds: 1, samplesMax: 0, batchSize: 1 };
const determinismClass = { engine: 'cpu', build: '1' };
const workerId = asWorkerId('w');

/** The core of a leader, and the host of its relays, on a real port. */
async function startLeader() {
  const bench = BenchCoordinator.withJob({ evaluation, unitsPerRound: 2 });
  const calls = createCallTable();
  const post = (event: Event): void => {
    for (const effect of bench.post(event)) if (!calls.settle(effect)) host.execute(effect);
  };
  const host = createRelayHost({
    epoch: () => bench.state.epoch,
    call(makeEvent) {
      const opened = calls.open();
      post(makeEvent(opened.call));
      return opened;
    },
    post,
    tokenOf: (hash) => (hash === tokenHash ? { tokenId: 't', role: 'worker' } : undefined),
  });
  const relays = {
    openRelay: host.open,
    relay: host.receive,
    collectSum: () => Promise.reject(new Error('none')),
  };
  const node = await startNode('a', { handlers: { relays } });
  return { bench, host, node, post };
}

async function startRelay({ isSummed = true } = {}) {
  const leader = await startLeader();
  const follower = await startNode('b');
  introduce(leader.node, follower);
  await connected(leader.node, follower);
  const told: string[] = [];
  const reduced: { readonly order: ReduceOrder; readonly bytes: number }[] = [];
  const client = createRelayClient({
    leader: () => 'a',
    peers: follower.peers,
    isSummed: () => isSummed,
    async reduce(_relay, order, payload) {
      reduced.push({ order, bytes: payload.byteLength });
      return { accepted: true, norm: 1 };
    },
    onEnded: () => told.push('ended'),
    onDisconnect: ({ workerId: id, code }) => told.push(`${id} ${code}`),
    onFatal: (error) => told.push(String(error)),
  });
  onTestFinished(() => client.close());
  await expect.poll(() => client.relay !== undefined, patience).toBe(true);
  return { ...leader, follower, client, told, reduced };
}

const registration = (id: WorkerId) => (call: CallRef) => ({
  kind: 'workerRegistered' as const,
  ...{ call, workerId: id, name: 'ada', home: 'node' as const, determinismClass, device: 'cpu' },
});

async function leaseOf(client: RelayClient) {
  const { answer } = client.call((call) => ({ kind: 'leaseRequested', call, workerId, pollMs: 1_000 }));
  const answered = await answer;
  if (answered.kind !== 'answerLease' || answered.lease === undefined) throw new Error('there is a unit');
  return answered.lease;
}

it('takes in workers of a follower, with the role that the leader knows', async () => {
  const { client, bench, host, told } = await startRelay();
  const known = client.call((call) => ({ ...registration(workerId)(call), tokenHash }));
  expect(await known.answer).toMatchObject({ kind: 'answerRegistered', workerId, role: 'worker', epoch: 5 });
  const anonymous = client.call(registration(asWorkerId('x')));
  expect(await anonymous.answer).toMatchObject({ role: 'anonymous' });
  const unknown = client.call((call) => ({
    ...registration(asWorkerId('y'))(call),
    tokenHash: asBlobHash('0'.repeat(64)),
  }));
  expect(await codeOf(unknown.answer)).toBe('unauthenticated');
  expect(bench.state.workers.get(workerId)).toMatchObject({ via: 'b', role: 'worker', name: 'ada' });
  host.dropToken('t');
  await expect.poll(() => told, patience).toEqual(['w unauthenticated']);
});

it('leaves the payload at the follower, and answers when the follower has summed it', async () => {
  const { client, bench, reduced } = await startRelay();
  await client.call((call) => ({ ...registration(workerId)(call), tokenHash })).answer;
  const lease = await leaseOf(client);
  const { call: _, ...contribution } = bench.contribution('w', lease, { workerId });
  const { answer } = client.call((call) => ({ ...contribution, call }));
  expect(await answer).toMatchObject({ kind: 'answerAccepted' });
  const { leaseId, jobId, round, unit } = lease;
  expect(reduced).toMatchObject([{ bytes: 12, order: { leaseId, jobId, round, unit, weight: 1 } }]);
  expect(bench.run.round?.counted).toMatchObject([{ heldAt: 'b' }]);
  expect(bench.state.workers.get(workerId)?.bytesReceived).toBe(12);
});

it('sends the payload along where the leader needs every vector', async () => {
  const { client, bench, reduced } = await startRelay({ isSummed: false });
  await client.call((call) => ({ ...registration(workerId)(call), tokenHash })).answer;
  const { call: _, ...contribution } = bench.contribution('w', await leaseOf(client), { workerId });
  client.call((call) => ({ ...contribution, call })).answer.catch(() => {});
  await expect.poll(() => bench.run.round?.reducing.size, patience).toBe(1);
  const [reduce] = bench.take('reduce');
  expect(reduce?.payload.byteLength).toBe(12);
  expect(reduce?.edge).toBeUndefined();
  expect(reduced).toEqual([]);
});

it('passes on that a caller gave up, and that a worker left', async () => {
  const { client, bench } = await startRelay();
  await client.call((call) => ({ ...registration(workerId)(call), tokenHash })).answer;
  for (const _ of [1, 2]) await leaseOf(client);
  const waiting = client.call((call) => ({ kind: 'leaseRequested', call, workerId, pollMs: 20_000 }));
  client.post({ kind: 'callAbandoned', call: waiting.call });
  expect(await codeOf(waiting.answer)).toBe('cancelled');
  client.post({ kind: 'workerLeft', workerId });
  await expect.poll(() => bench.state.workers.has(workerId), patience).toBe(false);
  expect(bench.run.round?.pool.freeCount).toBe(2);
});

it('refuses what is of another relay, and ends with the leadership', async () => {
  const { client, bench, host, follower, post, told } = await startRelay();
  await client.call((call) => ({ ...registration(workerId)(call), tokenHash })).answer;
  const { epoch = 0, session = 0 } = client.relay ?? {};
  for (const name of [
    { epoch, session: session + 1 },
    { epoch: epoch - 1, session },
  ]) {
    expect(await codeOf(follower.peers.relay('a', { ...name, events: [] }, signal()))).toBe('staleEpoch');
  }
  const waiting = client.call((call) => ({
    kind: 'leaseRequested',
    call,
    workerId: asWorkerId('?'),
    pollMs: 20_000,
  }));
  expect(await codeOf(waiting.answer)).toBe('notRegistered');
  post({ kind: 'lostLeadership' });
  host.endAll();
  await expect.poll(() => told.at(-1), patience).toBe('ended');
  expect(client.relay).toBeUndefined();
  const late = client.call((call) => ({ kind: 'leaseRequested', call, workerId, pollMs: 1 }));
  expect(await codeOf(late.answer)).toBe('unavailable');
  // The next leadership opens a relay of its own.
  bench.epoch = 6;
  post({ kind: 'becameLeader', epoch: 6 });
  await expect.poll(() => client.relay?.epoch, patience).toBe(6);
});

it('tells the core when the follower is gone', async () => {
  const { client, bench, follower } = await startRelay();
  await client.call((call) => ({ ...registration(workerId)(call), tokenHash })).answer;
  const lease = await leaseOf(client);
  const { call: _, ...contribution } = bench.contribution('w', lease, { workerId });
  await client.call((call) => ({ ...contribution, call })).answer;
  expect(bench.run.round?.weight).toBe(1);
  await follower.close();
  await expect.poll(() => bench.run.round?.weight, patience).toBe(0);
  expect(bench.state.workers.size).toBe(0);
  expect(bench.run.round?.pool.freeCount).toBe(2);
});
