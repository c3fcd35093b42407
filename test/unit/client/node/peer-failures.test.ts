import { RTCPeerConnection } from 'node-datachannel/polyfill';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openRingTransports } from '../../../../client/node/peer-connections.ts';
import type { PeerConnection } from '../../../../client/worker/ring/peers/peer-connection.ts';
import { createPeerTransport } from '../../../../client/worker/ring/peers/peer-transport.ts';
import type { RingNeighbours } from '../../../../client/worker/ring/ring-channel.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { openAt, Signals } from '../worker/ring/support/peer-members.ts';
import { ManualTimers } from '../worker/session/support/manual-timers.ts';
import { until } from '../worker/session/support/until.ts';

const names = ['a', 'b'];

/** Two members over real connections, and what ended their channels. */
class Pair {
  readonly timers = new ManualTimers();
  readonly stopping = new AbortController();
  readonly connections: RTCPeerConnection[] = [];
  readonly ends: string[] = [];
  readonly received: number[] = [];
  readonly signals: Signals;

  constructor(tamper?: Signals['tamper']) {
    this.signals = new Signals(tamper);
    onTestFinished(() => this.stopping.abort());
  }

  async open(name: string): Promise<RingNeighbours> {
    const openConnection = (): PeerConnection => {
      const connection = new RTCPeerConnection({ iceServers: [] });
      this.connections.push(connection);
      return connection as unknown as PeerConnection;
    };
    const transport = createPeerTransport(openConnection, this.timers);
    const neighbours = await openAt({ name, transport }, names, this.signals, this.stopping.signal);
    neighbours.toSuccessor.onClose = ({ code }) => this.ends.push(`${name} to ${code}`);
    neighbours.fromPredecessor.onClose = ({ code }) => this.ends.push(`${name} from ${code}`);
    neighbours.fromPredecessor.onMessage = ({ length }) => this.received.push(length);
    return neighbours;
  }

  async openBoth(): Promise<readonly [RingNeighbours, RingNeighbours]> {
    return Promise.all([this.open('a'), this.open('b')]);
  }
}

/** As the connection would name one more candidate of its own. */
function nameCandidate(connection: RTCPeerConnection | undefined): void {
  const candidate = { candidate: 'candidate:1 1 UDP 2114977791 192.0.2.2 54754 typ host', sdpMid: '0' };
  connection?.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate }));
}

const isAnswer = (text: string): boolean => text.includes('"kind":"answer"');

describe('a channel between members', () => {
  it('delivers what was sent before it was open, whatever came first', async () => {
    const pair = new Pair();
    const first = await pair.open('a');
    for (const size of [1, 2, limits.ringMessageBytesMax]) first.toSuccessor.send(new Uint8Array(size));
    expect(first.toSuccessor.bufferedBytes).toBe(3 + limits.ringMessageBytesMax);
    await pair.open('b');
    await until(() => pair.received.length === 3);
    expect(pair.received).toEqual([1, 2, limits.ringMessageBytesMax]);
    expect(pair.ends).toEqual([]);
  });

  it('is unreachable when the successor never answers, and waits for a predecessor that never calls', async () => {
    const pair = new Pair();
    const { toSuccessor } = await pair.open('a');
    pair.timers.advance(limits.ringConnectTimeoutMs - 1);
    expect(pair.ends).toEqual([]);
    pair.timers.advance(1);
    expect(pair.ends).toEqual(['a to unreachable']);
    toSuccessor.send(new Uint8Array(8));
    expect(toSuccessor.bufferedBytes).toBe(0);
  });

  it('is unreachable when the answer is none, and refuses an offer that is none by its code', async () => {
    const broken = (from: string, _to: string, text: string): string =>
      from === 'b' && isAnswer(text) ? '{"kind":"answer","sdp":"v=0 and nothing"}' : text;
    const pair = new Pair(broken);
    await pair.openBoth();
    await until(() => pair.ends.includes('a to unreachable'));
    const other = new Pair((from, _to, text) =>
      from === 'a' && text.includes('"kind":"offer"') ? '{"kind":' : text,
    );
    await other.openBoth();
    await until(() => other.ends.includes('b from badRequest'));
  });

  it('refuses a second offer, an offer without end of candidates, and an answer that was not due', async () => {
    const pair = new Pair();
    await pair.open('b');
    const candidate = 'candidate:1 1 UDP 2114977791 192.0.2.2 54754 typ host';
    const text = JSON.stringify({ kind: 'candidate', of: 'offer', candidate, sdpMid: '0' });
    for (let count = 0; count <= limits.ringCandidatesMax; count++) pair.signals.put('b', 'a', text);
    expect(pair.ends).toEqual(['b from tooLarge']);

    const twice = new Pair((from, _to, sent) => (from === 'a' ? sent : undefined));
    await twice.openBoth();
    await until(() => twice.connections.length === 3);
    twice.signals.put('b', 'a', '{"kind":"offer","sdp":"v=0"}');
    expect(twice.ends).toEqual(['b from badRequest']);
  });

  it('takes no signals from whoever is no neighbour', async () => {
    const pair = new Pair();
    await pair.open('b');
    pair.signals.put('b', 'stranger', '{"kind":');
    pair.signals.put('b', 'stranger', '{"kind":"offer","sdp":"v=0"}');
    expect(pair.ends).toEqual([]);
    expect(pair.connections).toHaveLength(1);
  });

  it('is not ended by a candidate that comes late and cannot be signalled', async () => {
    let failures = 0;
    let isDown = false;
    const pair = new Pair((_from, _to, text) => {
      if (!isDown) return text;
      failures += 1;
      throw new Error('rate limited');
    });
    const [first] = await pair.openBoth();
    first.toSuccessor.send(new Uint8Array(1));
    await until(() => pair.received.length === 1);
    isDown = true;
    nameCandidate(pair.connections[0]);
    nameCandidate(pair.connections[0]);
    await until(() => failures === 2);
    first.toSuccessor.send(new Uint8Array(2));
    await until(() => pair.received.length === 2);
    expect(pair.ends).toEqual([]);
  });

  it('is unreachable when its offer cannot be signalled', async () => {
    const pair = new Pair(() => {
      throw new Error('rate limited');
    });
    await pair.open('a');
    await until(() => pair.ends.includes('a to unreachable'));
  });

  it('names no more candidates than its neighbour takes', async () => {
    const named: string[] = [];
    const pair = new Pair((from, _to, text) => {
      if (from === 'a' && text.includes('"of":"offer"')) named.push(text);
      return text;
    });
    const [first] = await pair.openBoth();
    first.toSuccessor.send(new Uint8Array(1));
    await until(() => pair.received.length === 1);
    for (let count = 0; count <= limits.ringCandidatesMax; count++) nameCandidate(pair.connections[0]);
    await until(() => named.length >= limits.ringCandidatesMax);
    first.toSuccessor.send(new Uint8Array(2));
    await until(() => pair.received.length === 2);
    expect(named).toHaveLength(limits.ringCandidatesMax);
    expect(pair.ends).toEqual([]);
  });

  it('ends for both with a message beyond the limit', async () => {
    const pair = new Pair();
    const [first] = await pair.openBoth();
    first.toSuccessor.send(new Uint8Array(limits.ringMessageBytesMax + 1));
    await until(() => pair.ends.includes('b from tooLarge'));
    await until(() => pair.ends.includes('a to unavailable'));
  });

  it('outlives its sender’s close until everything has arrived, and no longer than a while', async () => {
    const pair = new Pair();
    const [first, second] = await pair.openBoth();
    first.toSuccessor.send(new Uint8Array(1));
    await until(() => pair.received.length === 1);
    for (let count = 0; count < 50; count++) first.toSuccessor.send(new Uint8Array(60_000));
    first.toSuccessor.close();
    await until(() => pair.received.length === 51);
    expect(pair.ends).toEqual([]);
    second.fromPredecessor.onMessage = undefined;
    pair.timers.advance(limits.ringLingerMs);
    await until(() => pair.ends.includes('b from unavailable'));
  });

  it('closes with everything that belongs to it by the signal', async () => {
    const pair = new Pair();
    const [first] = await pair.openBoth();
    first.toSuccessor.send(new Uint8Array(1));
    await until(() => pair.received.length === 1);
    pair.stopping.abort();
    await until(() => pair.connections.every(({ connectionState }) => connectionState === 'closed'));
    expect(pair.ends).toEqual([]);
  });
});

it('is offered by a headless worker only where its operator has allowed it', async () => {
  const missing: string[] = [];
  expect(await openRingTransports(false, (message) => missing.push(message))).toEqual([]);
  const allowed = await openRingTransports(true, (message) => missing.push(message));
  expect(allowed.map(({ kind, isAllowed }) => [kind, isAllowed])).toEqual([['webrtc', true]]);
  expect(missing).toEqual([]);
});

it('is missed once and in words where the package is not installed, and the worker goes on', async () => {
  const missing: string[] = [];
  const none = await openRingTransports(
    true,
    (message) => missing.push(message),
    async () => undefined,
  );
  expect(none).toEqual([]);
  expect(missing).toHaveLength(1);
  expect(missing[0]).toContain('npm install --ignore-scripts=false node-datachannel');
});
