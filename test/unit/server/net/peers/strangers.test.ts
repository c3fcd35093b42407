import { createHash, createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { deriveKeys } from '../../../../../server/net/peers/credentials.ts';
import {
  decodeStep,
  encodeStep,
  identityMessage,
} from '../../../../../server/net/peers/handshake-messages.ts';
import { encodeMessage } from '../../../../../server/net/peers/message-codec.ts';
import { sealBytes } from '../../../../../server/net/peers/sealed-link.ts';
import { limits } from '../../../../../shared/base/limits.ts';
import { peerLanes, peerProtocolVersion } from '../../../../../shared/protocol/peer-services.ts';
import {
  clusterId,
  heartbeat,
  patience,
  type RunningNode,
  secret,
  startNode,
  words,
} from './running-peers.ts';

let node: RunningNode;
beforeEach(async () => {
  node = await startNode('a');
  node.peers.setMembers({ b: '127.0.0.1:1' });
});

/** Whoever knows the address, and nothing of this program. */
class Stranger {
  readonly socket: WebSocket;
  readonly messages: Uint8Array[] = [];
  readonly closed: Promise<string>;

  constructor(path = '/peer', options: object = {}) {
    this.socket = new WebSocket(`ws://${node.address}${path}`, options);
    this.socket.on('error', () => {});
    this.socket.on('message', (data: Buffer) => this.messages.push(Uint8Array.from(data)));
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve(`${code} ${reason}`));
    });
    onTestFinished(() => this.socket.terminate());
  }

  async open(): Promise<this> {
    await once(this.socket, 'open');
    return this;
  }

  async next(): Promise<Uint8Array> {
    await expect.poll(() => this.messages.length, patience).toBeGreaterThan(0);
    return this.messages.shift() as Uint8Array;
  }
}

const identity = { clusterId, nodeId: 'b', incarnation: 'bb'.repeat(8), run: 'cc'.repeat(8), clientUrl: '' };
const dialer = () => identityMessage(identity, randomBytes(32));
type HelloFields = { protocolVersion?: number; lane?: number; dialer?: object; expectedNodeId?: string };
const hello = (changes: HelloFields = {}): Uint8Array =>
  encodeStep({
    case: 'hello',
    value: {
      ...{
        protocolVersion: peerProtocolVersion,
        lane: peerLanes.control,
        dialer: dialer(),
        expectedNodeId: 'a',
      },
      ...(changes as object),
    },
  });

/** A coordinator by hand, up to its proof; returns the key of its frames. */
async function introduceByHand(stranger: Stranger): Promise<Uint8Array> {
  const greeting = hello();
  stranger.socket.send(greeting);
  const challenge = await stranger.next();
  const keys = deriveKeys(secret, new Uint8Array(0), { hello: greeting, challenge });
  stranger.socket.send(encodeStep({ case: 'proof', value: { proof: keys.proof('dialer') } }));
  expect(decodeStep(await stranger.next()).case).toBe('welcome');
  return keys.frameKey('dialer');
}

function seal(key: Uint8Array, count: number, body: Uint8Array): Uint8Array {
  const name = Buffer.from(identity.clusterId + identity.incarnation, 'hex');
  const number = Buffer.alloc(8);
  number.writeUInt32LE(count);
  const tag = createHmac('sha256', key).update(number).update(name).update(body).digest().subarray(0, 16);
  return Buffer.concat([name, tag, body]);
}

describe('a stranger', () => {
  const raft = encodeMessage(heartbeat('b', 'a'));
  it.each<readonly [string, () => Uint8Array | string, RegExp]>([
    ['random bytes', () => randomBytes(64), /^4400 malformedFrame/],
    ['an empty message', () => new Uint8Array(0), /^4400 malformedFrame/],
    ['text', () => 'hello', /^4400 malformedFrame/],
    ['a message of Raft', () => raft, /^4400 malformedFrame/],
    ['a sealed message of Raft', () => seal(randomBytes(32), 0, raft), /^4400 malformedFrame/],
    [
      'a proof before anything else',
      () => encodeStep({ case: 'proof', value: { proof: new Uint8Array(32) } }),
      /^4400/,
    ],
    ['a handshake that is too large', () => new Uint8Array(limits.peerHandshakeBytesMax + 1), /^4400/],
    ['a frame that is too large', () => new Uint8Array(limits.peerFrameBytesMax + 1), /^(1009|1006) /],
    ['another version', () => hello({ protocolVersion: 99 }), /^4426 unsupportedProtocol.*version 99/],
    ['an unknown lane', () => hello({ lane: 9 }), /^4400/],
    ['no identity', () => encodeStep({ case: 'hello', value: { protocolVersion: 1, lane: 1 } }), /^4400/],
    ['a name that is none', () => hello({ dialer: { ...dialer(), nodeId: '../b' } }), /^4400/],
    ['a short nonce', () => hello({ dialer: { ...dialer(), nonce: new Uint8Array(8) } }), /^4400/],
    [
      'half an incarnation',
      () => hello({ dialer: { ...dialer(), incarnation: new Uint8Array(4) } }),
      /^4400/,
    ],
    ['half a cluster', () => hello({ dialer: { ...dialer(), clusterId: new Uint8Array(8) } }), /^4400/],
    ['an endless address', () => hello({ dialer: { ...dialer(), clientUrl: 'x'.repeat(600) } }), /^4400/],
  ])('that sends %s is cut off with a code', async (_, message, reason) => {
    const stranger = await new Stranger().open();
    stranger.socket.send(message());
    expect(await stranger.closed).toMatch(reason);
    expect(node.received).toEqual([]);
  });

  it('that has no secret gets no further than the proof, and hears no proof itself', async () => {
    const stranger = await new Stranger().open();
    stranger.socket.send(hello());
    const challenge = decodeStep(await stranger.next());
    expect(challenge.case).toBe('challenge');
    stranger.socket.send(
      encodeStep({ case: 'proof', value: { proof: createHash('sha256').update('?').digest() } }),
    );
    stranger.socket.send(raft);
    expect(await stranger.closed).toMatch(/^4401 unauthenticated: the cluster secrets differ/);
    expect(stranger.messages.map((bytes) => decodeStep(bytes).case)).toEqual(['refusal']);
    expect(node.received).toEqual([]);
  });

  it('that repeats what another said in its handshake gets no further either', async () => {
    const first = await new Stranger().open();
    const greeting = hello();
    first.socket.send(greeting);
    const keys = deriveKeys(secret, new Uint8Array(0), { hello: greeting, challenge: await first.next() });
    const proof = encodeStep({ case: 'proof', value: { proof: keys.proof('dialer') } });
    first.socket.send(proof);
    expect(decodeStep(await first.next()).case).toBe('welcome');
    const second = await new Stranger().open();
    second.socket.send(greeting);
    await second.next();
    second.socket.send(proof);
    expect(await second.closed).toMatch(/^4401 /);
  });

  it('that sends frames right behind its greeting is cut off', async () => {
    const stranger = await new Stranger().open();
    for (const message of [hello(), raft, raft]) stranger.socket.send(message);
    expect(await stranger.closed).toMatch(/^4400 /);
    expect(node.received).toEqual([]);
  });

  it('that says nothing is cut off, whether it got as far as a WebSocket or not', async () => {
    const stranger = await new Stranger().open();
    const socket = connect(node.peers.port, '127.0.0.1');
    socket.resume();
    const ended = once(socket, 'close');
    expect(await stranger.closed).toMatch(/^4503 unavailable: the handshake took longer/);
    await ended;
  }, 30_000);

  it('finds nothing else at this port', async () => {
    const elsewhere = new Stranger('/worker-socket');
    const page = new Stranger('/peer', { origin: 'https://example.com' });
    for (const stranger of [elsewhere, page]) expect(await stranger.closed).toMatch(/^1006/);
    const [response] = await once(get(`http://${node.address}/`), 'response');
    expect(response.statusCode).toBe(426);
  });

  it('cannot hold more than its share of connections, nor keep the node from closing', async () => {
    const count = limits.peerConnectionsPerAddressMax + 20;
    const sockets = Array.from({ length: count }, () => connect(node.peers.port, '127.0.0.1'));
    let ended = 0;
    for (const socket of sockets) {
      socket.on('error', () => {});
      socket.on('close', () => {
        ended += 1;
      });
      socket.resume();
    }
    await expect.poll(() => ended, patience).toBeGreaterThanOrEqual(20);
    await node.close();
    await expect.poll(() => ended, patience).toBe(count);
  });

  it('is told of once for each cause', async () => {
    for (let time = 0; time < 5; time++) {
      const stranger = await new Stranger().open();
      stranger.socket.send('hello');
      await stranger.closed;
    }
    expect(words(node).match(/was refused/g)).toHaveLength(1);
  });
});

describe('a coordinator that went mad', () => {
  const raft = encodeMessage(heartbeat('b', 'a', 6));

  it('is heard as long as it keeps to the protocol', async () => {
    const peer = await new Stranger().open();
    const key = await introduceByHand(peer);
    peer.socket.send(seal(key, 0, raft));
    peer.socket.send(seal(key, 1, raft));
    await expect
      .poll(() => node.received, patience)
      .toEqual([heartbeat('b', 'a', 6), heartbeat('b', 'a', 6)]);
  });

  it.each<readonly [string, (key: Uint8Array) => Uint8Array]>([
    ['an unsealed message', () => raft],
    ['a message sealed with another key', () => seal(randomBytes(32), 0, raft)],
    ['a message out of turn', (key) => seal(key, 1, raft)],
    ['a sealed message that is none', (key) => seal(key, 0, new Uint8Array(40))],
  ])('is cut off for %s', async (_, frame) => {
    const peer = await new Stranger().open();
    peer.socket.send(frame(await introduceByHand(peer)));
    expect(await peer.closed).toMatch(/^4400 malformedFrame/);
    expect(node.received).toEqual([]);
    await expect.poll(() => words(node), patience).toContain('a connection of node b ended: malformedFrame');
  });

  it.each([0, 16, 24, sealBytes - 1, sealBytes, sealBytes + raft.length - 1])(
    'never gets a frame in whose byte %i it changed after sealing',
    async (place) => {
      const peer = await new Stranger().open();
      const key = await introduceByHand(peer);
      const frame = seal(key, 0, raft);
      frame[place]! ^= 0x10;
      peer.socket.send(frame);
      peer.socket.send(seal(key, 1, raft));
      expect(await peer.closed).toMatch(/^4400 /);
      expect(node.received).toEqual([]);
    },
  );
});
