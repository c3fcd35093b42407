import { expect, it } from 'vitest';
import type { Message } from '../../../../../server/raft/message.ts';
import { limits } from '../../../../../shared/base/limits.ts';
import {
  append,
  connected,
  heartbeat,
  introduce,
  patience,
  type RunningNode,
  startNode,
  words,
} from './running-peers.ts';

/** Sends until it arrives: a message may be lost while connections come up. */
async function arrives(from: RunningNode, to: RunningNode, message: Message): Promise<void> {
  await expect
    .poll(() => {
      from.peers.send(message);
      return to.received.some((other) => JSON.stringify(other) === JSON.stringify(message));
    }, patience)
    .toBe(true);
}

it('two nodes meet, and each learns where the clients of the other go', async () => {
  const [a, b] = [await startNode('a'), await startNode('b')];
  introduce(a, b);
  await connected(a, b);
  a.peers.send(heartbeat('a', 'b', 7));
  b.peers.send(heartbeat('b', 'a', 8));
  await expect.poll(() => b.received, patience).toEqual([heartbeat('a', 'b', 7)]);
  await expect.poll(() => a.received, patience).toEqual([heartbeat('b', 'a', 8)]);
  expect(a.peers.describe('b')).toEqual({ id: 'b', isConnected: true, clientUrl: 'http://b.example:7077/' });
  expect(a.views.at(-1)).toEqual(a.peers.describe('b'));
  expect(a.peers.describe('a')).toBeUndefined();
  expect(words(a)).not.toContain('refused');
});

it('three nodes exchange every message in order, each with both others', async () => {
  const nodes = [await startNode('a'), await startNode('b'), await startNode('c')];
  introduce(...nodes);
  await connected(...nodes);
  const count = 500;
  for (let term = 1; term <= count; term++) {
    for (const from of nodes) {
      for (const to of nodes) if (from !== to) from.peers.send(heartbeat(from.id, to.id, term));
    }
  }
  for (const node of nodes) {
    await expect.poll(() => node.received.length, patience).toBe(2 * count);
    for (const from of nodes) {
      const terms = node.received.filter((message) => message.from === from.id).map(({ term }) => term);
      if (from !== node) expect(terms).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    }
  }
});

it('what is sent to nobody, to itself, or to a node that is away, is dropped', async () => {
  const a = await startNode('a');
  a.peers.setMembers({ a: a.address, b: '127.0.0.1:1' });
  for (const to of ['a', 'b', 'z']) a.peers.send(heartbeat('a', to));
  await expect.poll(() => words(a), patience).toContain('node b at 127.0.0.1:1 cannot be spoken to');
  expect(a.peers.describe('b')).toEqual({ id: 'b', isConnected: false, clientUrl: undefined });
  expect(a.received).toEqual([]);
});

it('a node that starts again under the same incarnation is met again, at once from both sides', async () => {
  const [a, first] = [await startNode('a'), await startNode('b')];
  introduce(a, first);
  await connected(a, first);
  const listen = { host: '127.0.0.1', port: first.peers.port };
  await first.close();
  await expect.poll(() => a.peers.describe('b')?.isConnected, patience).toBe(false);
  expect(a.views.some(({ isConnected }) => !isConnected)).toBe(true);
  const second = await startNode('b', { incarnation: first.incarnation, listen });
  introduce(a, second);
  await connected(a, second);
  await arrives(a, second, heartbeat('a', 'b', 2));
  await arrives(second, a, heartbeat('b', 'a', 3));
});

it('a node follows another to a new address', async () => {
  const [a, first] = [await startNode('a'), await startNode('b')];
  introduce(a, first);
  await connected(a, first);
  await first.close();
  const second = await startNode('b', { incarnation: first.incarnation });
  introduce(a, second);
  await connected(a, second);
  await arrives(a, second, heartbeat('a', 'b', 2));
});

it('a member that is removed is cut off, and comes back as a new one', async () => {
  const [a, b] = [await startNode('a'), await startNode('b')];
  introduce(a, b);
  await connected(a, b);
  a.peers.setMembers({ a: a.address });
  expect(a.peers.describe('b')).toBeUndefined();
  await expect.poll(() => b.peers.describe('a')?.isConnected, patience).toBe(false);
  await expect
    .poll(() => words(b), patience)
    .toContain('node b is not a member of the cluster as node a knows it');
  b.peers.send(heartbeat('b', 'a'));
  introduce(a, b);
  await connected(a, b);
  await arrives(b, a, heartbeat('b', 'a', 2));
  expect(a.received).not.toContainEqual(heartbeat('b', 'a'));
});

it('an address that is none is told, and harms nobody else', async () => {
  const [a, b] = [await startNode('a'), await startNode('b')];
  a.peers.setMembers({ b: b.address, c: 'not an address' });
  b.peers.setMembers({ a: a.address });
  await connected(a, b);
  expect(words(a)).toContain('node c cannot be reached: its address "not an address" is not host:port');
});

it('a large append passes, and one that fits nowhere is told once', async () => {
  const [a, b] = [await startNode('a'), await startNode('b')];
  introduce(a, b);
  await connected(a, b);
  const command = new Uint8Array(limits.commandBytesMax).fill(7);
  a.peers.send(append('a', 'b', command));
  await expect.poll(() => b.received.length, patience).toBe(1);
  const [message] = b.received;
  const body = message?.kind === 'append' ? message.entries[0]?.body : undefined;
  expect(body?.kind === 'command' && Buffer.compare(body.bytes, command)).toBe(0);
  for (let time = 0; time < 3; time++)
    a.peers.send(append('a', 'b', new Uint8Array(limits.peerMessageBytesMax + 1)));
  expect(a.notices.filter(({ level }) => level === 'error')).toHaveLength(1);
});

it('a handler that fails is told of, and the connection goes on', async () => {
  const a = await startNode('a');
  let calls = 0;
  const onMessage = (): void => {
    calls += 1;
    throw new Error('defect');
  };
  const b = await startNode('b', { handlers: { onMessage } });
  introduce(a, b);
  await connected(a, b);
  a.peers.send(heartbeat('a', 'b'));
  a.peers.send(heartbeat('a', 'b'));
  await expect.poll(() => calls, patience).toBe(2);
  expect(b.defects).toHaveLength(2);
});

it('nothing is delivered, sent or opened after the end', async () => {
  const [a, b] = [await startNode('a'), await startNode('b')];
  introduce(a, b);
  await connected(a, b);
  await a.close();
  a.peers.send(heartbeat('a', 'b'));
  introduce(a, b);
  expect(a.peers.describe('b')).toBeUndefined();
  expect(b.received).toEqual([]);
});

it('a port that is taken is said with the remedy', async () => {
  const a = await startNode('a');
  await expect(startNode('b', { listen: { host: '127.0.0.1', port: a.peers.port } })).rejects.toMatchObject({
    code: 'portInUse',
    field: '--peer-listen',
  });
});
