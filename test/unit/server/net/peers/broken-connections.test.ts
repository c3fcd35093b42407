import { expect, it } from 'vitest';
import { sha256 } from '../../../../../server/storage/blob-store.ts';
import { limits } from '../../../../../shared/base/limits.ts';
import {
  append,
  codeOf,
  connected,
  heartbeat,
  introduce,
  patience,
  signal,
  startNode,
} from './running-peers.ts';
import { startProxy } from './tcp-proxy.ts';

/** Short, so that the tests need not wait for long; nothing here depends on its being kept. */
const impatient = { electionTimeoutMs: 100 };

it('a cable that is unplugged without a word is noticed at both ends, and the nodes meet again', async () => {
  const [a, b] = [await startNode('a', impatient), await startNode('b', impatient)];
  const [toA, toB] = [await startProxy(a.peers.port), await startProxy(b.peers.port)];
  a.peers.setMembers({ b: toB.address });
  b.peers.setMembers({ a: toA.address });
  await connected(a, b);
  toA.unplug();
  toB.unplug();
  await expect.poll(() => a.peers.describe('b')?.isConnected, patience).toBe(false);
  await expect.poll(() => b.peers.describe('a')?.isConnected, patience).toBe(false);
  toA.plug();
  toB.plug();
  await connected(a, b);
  await expect
    .poll(() => {
      a.peers.send(heartbeat('a', 'b', 2));
      b.peers.send(heartbeat('b', 'a', 3));
      return [a.received.length, b.received.length].every((count) => count > 0);
    }, patience)
    .toBe(true);
});

it('blobs do not hang on a connection that died with the others', async () => {
  const [a, b] = [await startNode('a', impatient), await startNode('b', impatient)];
  const toB = await startProxy(b.peers.port);
  a.peers.setMembers({ b: toB.address });
  b.peers.setMembers({ a: a.address });
  await connected(a, b);
  const bytes = new Uint8Array(100);
  const hash = sha256(bytes);
  await a.peers.storeBlob('b', hash, bytes, 1, signal());
  toB.unplug();
  await expect.poll(() => a.peers.describe('b')?.isConnected, patience).toBe(false);
  toB.plugNew();
  await connected(a, b);
  // Silence alone would end it later than anybody here is willing to wait.
  const store = () =>
    codeOf(a.peers.storeBlob('b', hash, bytes, 1, AbortSignal.timeout(patience.timeout / 5)));
  await expect.poll(store, patience).toBe('undefined');
});

it('a cable that carries one direction only leaves the other alone', async () => {
  const [a, b] = [await startNode('a', impatient), await startNode('b', impatient)];
  const toB = await startProxy(b.peers.port);
  a.peers.setMembers({ b: toB.address });
  b.peers.setMembers({ a: a.address });
  await connected(a, b);
  toB.unplug();
  await expect.poll(() => a.peers.describe('b')?.isConnected, patience).toBe(false);
  b.peers.send(heartbeat('b', 'a', 4));
  await expect.poll(() => a.received, patience).toEqual([heartbeat('b', 'a', 4)]);
  // The connection that the other one opened takes what its own cannot.
  a.peers.send(heartbeat('a', 'b', 5));
  await expect.poll(() => b.received, patience).toEqual([heartbeat('a', 'b', 5)]);
});

it('what waits for a node that does not read is bounded, and the other nodes do not notice', async () => {
  const nodes = [await startNode('a'), await startNode('b'), await startNode('c')] as const;
  const [a, b, c] = nodes;
  const toB = await startProxy(b.peers.port);
  introduce(b, c);
  a.peers.setMembers({ b: toB.address, c: c.address });
  for (const node of [b, c]) node.peers.setMembers({ a: a.address });
  await expect.poll(() => a.peers.describe('b')?.isConnected, patience).toBe(true);
  await expect.poll(() => a.peers.describe('c')?.isConnected, patience).toBe(true);
  toB.unplug();
  const bytes = new Uint8Array(limits.commandBytesMax);
  const before = process.memoryUsage().arrayBuffers;
  // Far more than the network and the limit take together.
  for (let index = 1; index <= 200; index++) a.peers.send(append('a', 'b', bytes, index));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * limits.peerBufferedBytesMax);
  a.peers.send(heartbeat('a', 'c', 9));
  await expect.poll(() => c.received, patience).toContainEqual(heartbeat('a', 'c', 9));
  toB.plug();
  // Small messages were not dropped with the appends.
  a.peers.send(heartbeat('a', 'b', 9));
  await expect.poll(() => b.received.at(-1), patience).toEqual(heartbeat('a', 'b', 9));
  expect(b.received.length).toBeLessThan(200);
});
