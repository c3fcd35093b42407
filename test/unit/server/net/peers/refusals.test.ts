import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { discoverClusterId } from '../../../../../server/net/peers/discover-cluster-id.ts';
import { openPeerPins } from '../../../../../server/storage/peer-pins.ts';
import {
  clusterId,
  codeOf,
  connected,
  heartbeat,
  introduce,
  memoryPins,
  patience,
  secret,
  signal,
  startNode,
  words,
} from './running-peers.ts';

const warnings = (node: Parameters<typeof words>[0]): readonly string[] =>
  node.notices.filter(({ level }) => level === 'warn').map(({ message }) => message);

it('another secret is refused by both, in words, once and not with every attempt', async () => {
  const [a, b] = [
    await startNode('a'),
    await startNode('b', { secret: 'quite another secret of a cluster' }),
  ];
  introduce(a, b);
  for (const node of [a, b]) {
    await expect.poll(() => words(node), patience).toMatch(/was refused: the cluster secrets differ/);
    await expect.poll(() => words(node), patience).toMatch(/cannot be spoken to: the cluster secrets differ/);
  }
  const told = warnings(a).length;
  // Several attempts later.
  const { port } = b.peers;
  await b.close();
  const again = await startNode('b', {
    secret: 'quite another secret of a cluster',
    listen: { host: '127.0.0.1', port },
  });
  again.peers.setMembers({ a: a.address });
  await expect.poll(() => words(again), patience).toContain('the cluster secrets differ');
  expect(warnings(a)).toHaveLength(told);
  a.peers.send(heartbeat('a', 'b'));
  expect([...a.received, ...b.received, ...again.received]).toEqual([]);
});

it('another cluster is refused in words, after the secret was found to agree', async () => {
  const [a, b] = [await startNode('a'), await startNode('b', { clusterId: 'c2'.repeat(16) })];
  introduce(a, b);
  const expected =
    /the peer lists differ, or this data folder belongs to another cluster \(node . is of cluster c[12]c/;
  for (const node of [a, b]) await expect.poll(() => words(node), patience).toMatch(expected);
  expect(a.peers.describe('b')?.isConnected).toBe(false);
});

it('a node that was wiped is refused until it was removed and added again', async () => {
  const [pinsOfA, pinsOfC] = [memoryPins(), memoryPins()];
  const [a, c] = [await startNode('a', { pins: pinsOfA }), await startNode('c', { pins: pinsOfC })];
  const first = await startNode('b');
  introduce(a, first, c);
  await connected(a, first, c);
  expect(pinsOfA.all.get('b')).toBe(first.incarnation);
  const listen = { host: '127.0.0.1', port: first.peers.port };
  await first.close();
  const wiped = await startNode('b', { listen });
  introduce(a, wiped, c);
  const expected =
    'node b was wiped or replaced; remove it and add it again as a new learner with `gradswarm cluster remove/add`';
  for (const node of [a, wiped, c]) await expect.poll(() => words(node), patience).toContain(expected);
  wiped.peers.send(heartbeat('b', 'a'));
  expect(a.peers.describe('b')?.isConnected).toBe(false);
  expect(a.received).toEqual([]);
  introduce(a, c);
  introduce(a, wiped, c);
  await connected(a, wiped, c);
  expect(pinsOfA.all.get('b')).toBe(wiped.incarnation);
});

it('a node that was wiped while the other was away is refused as well', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gradswarm-peers-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [a, b] = [await startNode('a', { pins: openPeerPins(folder) }), await startNode('b')];
  introduce(a, b);
  await connected(a, b);
  await a.close();
  await b.close();
  const again = await startNode('a', { incarnation: a.incarnation, pins: openPeerPins(folder) });
  const wiped = await startNode('b');
  introduce(again, wiped);
  for (const node of [again, wiped]) {
    await expect.poll(() => words(node), patience).toContain('node b was wiped or replaced');
  }
  expect(again.peers.describe('b')?.isConnected).toBe(false);
});

it('the pin is stored before anything of a node is handed on, and no pin means no entry', async () => {
  const pins = memoryPins();
  const seen: (string | undefined)[] = [];
  const a = await startNode('a', { pins, handlers: { onMessage: () => void seen.push(pins.pinned('b')) } });
  const b = await startNode('b');
  introduce(a, b);
  await connected(b, a);
  b.peers.send(heartbeat('b', 'a'));
  await expect.poll(() => seen, patience).toEqual([b.incarnation]);

  const full = new Error('no space left');
  const unable = {
    ...memoryPins(),
    pin: () => {
      throw full;
    },
  };
  const c = await startNode('c', { pins: unable });
  introduce(b, c);
  await expect.poll(() => c.defects, patience).toContain(full);
  expect(c.peers.describe('b')?.isConnected).toBe(false);
  expect(b.peers.describe('c')?.isConnected).toBe(false);
});

it('two nodes of one name are told from each other', async () => {
  const [first, second] = [await startNode('a'), await startNode('a')];
  const b = await startNode('b');
  b.peers.setMembers({ a: first.address });
  first.peers.setMembers({ b: b.address });
  await connected(first, b);
  second.peers.setMembers({ b: b.address, c: first.address });
  await expect
    .poll(() => words(second), patience)
    .toContain('two nodes are called a; give one of them another --id');
  await expect.poll(() => words(second), patience).toContain('node a was wiped or replaced');
  expect(b.peers.describe('a')?.isConnected).toBe(true);
});

it('two processes with copies of one data folder are told, and the first one stays', async () => {
  const a = await startNode('a');
  const first = await startNode('b');
  introduce(a, first);
  await connected(a, first);
  const copy = await startNode('b', { incarnation: first.incarnation });
  copy.peers.setMembers({ a: a.address });
  const expected = 'two processes run as node b, each with a copy of the same data folder; stop one of them';
  await expect.poll(() => words(copy), patience).toContain(expected);
  await expect.poll(() => words(a), patience).toContain(expected);
  first.peers.send(heartbeat('b', 'a', 5));
  await expect.poll(() => a.received, patience).toEqual([heartbeat('b', 'a', 5)]);
});

it('an address that leads elsewhere is told, also when it leads home', async () => {
  const [a, b] = [await startNode('a'), await startNode('b')];
  a.peers.setMembers({ c: b.address, d: a.address });
  b.peers.setMembers({ a: a.address });
  await expect
    .poll(() => words(a), patience)
    .toContain('node c was expected at the address of node b; correct the addresses');
  await expect.poll(() => words(a), patience).toContain('node a was led to itself when it looked for node d');
});

it('who is no member is refused, and let in as soon as it is one', async () => {
  const [a, joining] = [await startNode('a'), await startNode('d')];
  joining.peers.setMembers({ a: a.address });
  await expect.poll(() => words(joining), patience).toMatch(/node d is not a member.*gradswarm cluster add/);
  await expect
    .poll(() => words(a), patience)
    .toMatch(/node d at 127\.0\.0\.1 was refused: node d is not a member/);
  expect(a.received).toEqual([]);
  a.peers.setMembers({ d: joining.address });
  await connected(a, joining);
});

it('who waits to be added and knows nobody lets the cluster in, and answers over the connection it was given', async () => {
  const [a, b] = [await startNode('a'), await startNode('b')];
  const joining = await startNode('d', { waitsToBeAdded: true });
  const stranger = await startNode('z', { clusterId: 'c2'.repeat(16) });
  for (const node of [a, b, stranger])
    node.peers.setMembers({ a: a.address, b: b.address, d: joining.address });
  joining.peers.setMembers({});
  await connected(a, b);
  await expect.poll(() => a.peers.describe('d')?.isConnected, patience).toBe(true);
  a.peers.send(heartbeat('a', 'd', 3));
  await expect.poll(() => joining.received, patience).toEqual([heartbeat('a', 'd', 3)]);
  joining.peers.send(heartbeat('d', 'a', 4));
  await expect.poll(() => a.received, patience).toContainEqual(heartbeat('d', 'a', 4));
  joining.peers.setMembers({ a: a.address });
  await expect.poll(() => b.peers.describe('d')?.isConnected, patience).toBe(false);
  await expect
    .poll(() => words(b), patience)
    .toMatch(/node b is not a member of the cluster as node d knows it/);
  await expect.poll(() => words(stranger), patience).toContain('belongs to another cluster');
});

it('a node that joins learns the id of the cluster from any member, if it knows the secret', async () => {
  const a = await startNode('a');
  const question = { nodeId: 'd', address: a.address, secret };
  expect(await discoverClusterId(question, signal())).toBe(clusterId);
  expect(
    await codeOf(discoverClusterId({ ...question, secret: randomBytes(8).toString('hex') }, signal())),
  ).toBe('unauthenticated');
  expect(await codeOf(discoverClusterId({ ...question, address: '127.0.0.1:1' }, signal()))).toBe(
    'unavailable',
  );
  expect(await codeOf(discoverClusterId(question, AbortSignal.abort()))).toBe('unavailable');
  expect(await codeOf(discoverClusterId({ ...question, secret: 'short' }, signal()))).toBe('badRequest');
});

it('a secret that can be guessed is refused at the start', async () => {
  expect(await codeOf(startNode('a', { secret: '' }))).toBe('badRequest');
});
