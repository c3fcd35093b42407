import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RpcClient } from '../../../../shared/protocol/rpc-client.ts';
import { workerService } from '../../../../shared/protocol/services.ts';
import { protocolVersion } from '../../../../shared/protocol/version.ts';
import { type RunningCoordinator, startCoordinator } from './running-coordinator.ts';

const { method } = workerService;
const ring = { jobId: 'digits', epoch: 1, round: 0, ringId: 1, ringEpoch: 1 };
const sumHash = 'a'.repeat(64);
let coordinator: RunningCoordinator;
let client: RpcClient;

beforeEach(async () => {
  coordinator = await startCoordinator();
  await coordinator.submit({ strategy: { kind: 'ringAllReduce' } });
  const { token } = await coordinator.createToken('worker');
  client = await coordinator.open('worker-socket');
  const who = { protocolVersion, token, name: 'a', home: 'node', ringChannels: ['relay', 'pigeon'] };
  await client.unary(method.register, who);
});
afterEach(() => coordinator.stop());

it('knows the channels of a worker that it can use', () => {
  const [worker] = [...coordinator.runtime.state.workers.values()];
  expect(worker?.ringChannels).toEqual(['relay']);
});

it('names servers for direct channels to those who offer some', async () => {
  const { token } = await coordinator.createToken('worker');
  const register = async (ringChannels: string[]) => {
    const opened = await coordinator.open('worker-socket');
    const who = { protocolVersion, token, name: 'b', home: 'node', ringChannels };
    return (await opened.unary(method.register, who)).message.iceServers;
  };
  expect(await register(['relay'])).toEqual([]);
  const turn = { urls: ['turn:turn.test'], username: 'grid', credential: 'secret' };
  expect(await register(['relay', 'webrtc'])).toMatchObject([turn]);
});

it('names them with the heartbeat that offers direct channels, too, and with no other', async () => {
  const beat = async (kinds?: string[]) => {
    const named = kinds === undefined ? {} : { ringChannels: { kinds } };
    return (await client.unary(method.heartbeat, named)).message.iceServers;
  };
  expect(await beat(['relay', 'webrtc'])).toMatchObject([{ username: 'grid', credential: 'secret' }]);
  expect(await beat()).toEqual([]);
  expect(await beat(['relay'])).toEqual([]);
});

it('hears of given and withdrawn consent with a heartbeat, and keeps what one does not speak of', async () => {
  const offered = () => [...coordinator.runtime.state.workers.values()][0]?.ringChannels;
  await client.unary(method.heartbeat, { ringChannels: { kinds: ['relay', 'webrtc', 'pigeon'] } });
  expect(offered()).toEqual(['relay', 'webrtc']);
  await client.unary(method.heartbeat, {});
  expect(offered()).toEqual(['relay', 'webrtc']);
  await client.unary(method.heartbeat, { ringChannels: { kinds: ['relay'] } });
  expect(offered()).toEqual(['relay']);
});

it.each<[string, () => Promise<unknown>, string]>([
  [
    'messages of a ring that is not under way',
    () => client.unary(method.relayRing, { ring, to: 'b' }, { payload: new Uint8Array(8) }),
    'staleRing',
  ],
  [
    'more messages than one call may carry',
    () => client.unary(method.relayRing, { ring, to: 'b' }, { payload: new Uint8Array(1_048_577) }),
    'tooLarge',
  ],
  ['signals in it', () => client.unary(method.signalRing, { ring, to: 'b', text: 'x' }), 'staleRing'],
  ['a call without a ring', () => client.unary(method.relayRing, { to: 'b' }), 'badRequest'],
  ['a report that nobody asked for', () => client.unary(method.reportRing, { ring, sumHash }), 'staleRing'],
  ['a hash that is none', () => client.unary(method.reportRing, { ring, sumHash: 'x' }), 'badRequest'],
  [
    'a failure that is no code',
    () => client.unary(method.reportRing, { ring, failure: 'oops' }),
    'badRequest',
  ],
  [
    'a sum that nobody asked for',
    () => client.unary(method.uploadRing, { ring, sumHash }, { payload: new Uint8Array(2) }),
    'staleRing',
  ],
  [
    'a sum that is too large for the job',
    () => client.unary(method.uploadRing, { ring, sumHash }, { payload: new Uint8Array(24) }),
    'tooLarge',
  ],
])('refuses %s', async (_, call, code) => {
  await expect(call()).rejects.toMatchObject({ code });
  expect(coordinator.defects).toEqual([]);
});
