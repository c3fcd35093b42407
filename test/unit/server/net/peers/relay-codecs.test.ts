import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, it, test } from 'vitest';
import { decodeRelayAnswer, encodeRelayAnswer } from '../../../../../server/net/peers/relay-answers-codec.ts';
import { decodeRelayedCall, encodeRelayedCall } from '../../../../../server/net/peers/relay-calls-codec.ts';
import type { RelayedAnswer, RelayedEvent } from '../../../../../server/runtime/edge/relay-messages.ts';
import { asBlobHash, asJobId, asLeaseId, asWorkerId } from '../../../../../shared/base/ids.ts';
import { peerService } from '../../../../../shared/protocol/peer-services.ts';

const workerId = asWorkerId('w');
const jobId = asJobId('job');
const leaseId = asLeaseId('l');
const determinismClass = { engine: 'cpu', build: '1' };
const place = { jobId, round: 3, unit: 2, leaseId };
const nothing = new Uint8Array(0);

const header = {
  ...{
    call: 7,
    workerId,
    leaseId,
    jobId,
    round: 3,
    unit: 2,
    version: 3,
    epoch: 5,
    manifestHash: 'm',
    codec: 'int8',
  },
  ...{ length: 9, samples: 4, loss: Number.NaN, computeMs: 1, determinismClass },
};

const events: readonly RelayedEvent[] = [
  {
    kind: 'workerRegistered',
    call: 1,
    workerId,
    name: 'ada',
    home: 'browser',
    determinismClass,
    device: 'd',
  },
  {
    kind: 'workerRegistered',
    ...{
      call: 2,
      workerId,
      name: '',
      home: 'node',
      determinismClass,
      device: '',
      tokenHash: asBlobHash('ab'.repeat(32)),
    },
  },
  { kind: 'workerLeft', workerId },
  { kind: 'heartbeat', workerId, samplesPerSecond: 0.5 },
  { kind: 'leaseRequested', call: 3, workerId, pollMs: 10 },
  { kind: 'leaseRequested', call: 4, workerId, pollMs: 10, jobId },
  { kind: 'leasesReleased', workerId, leaseIds: [leaseId] },
  { kind: 'callAbandoned', call: 5 },
  { kind: 'contributionReceived', ...header, payload: nothing },
  { kind: 'contributionReceived', ...header, payload: nothing, keptBytes: 12 },
  {
    kind: 'evaluationReported',
    ...{
      call: 6,
      workerId,
      leaseId,
      jobId,
      version: 3,
      unit: 1,
      epoch: 5,
      samples: 2,
      lossSum: 1.5,
      correct: 2,
    },
    determinismClass,
  },
  { kind: 'contributionReduced', ...place, outcome: { accepted: true, norm: 2 } },
  { kind: 'contributionReduced', ...place, outcome: { accepted: false, code: 'notFinite', message: 'NaN' } },
];

test.each(events)('the event $kind is read as it was written', (event) => {
  const { input } = peerService.method.relay;
  const bytes = toBinary(input, create(input, { calls: [encodeRelayedCall(event)] }));
  const [message] = fromBinary(input, bytes).calls;
  if (message === undefined) throw new Error('one call was sent');
  expect(decodeRelayedCall(message)).toMatchObject(event);
});

const answers: readonly RelayedAnswer[] = [
  { kind: 'answerRegistered', call: 1, workerId, role: 'anonymous', epoch: 5 },
  { kind: 'answerLease', call: 2, reason: 'none' },
  { kind: 'answerAccepted', call: 3 },
  { kind: 'refuse', call: 4, code: 'duplicate', message: 'twice', field: 'unit' },
  { kind: 'refuse', call: 5, code: 'wrongRound', message: 'closed' },
  { kind: 'disconnect', workerId, code: 'quarantined', message: 'later' },
  {
    kind: 'reduceOrder',
    call: 6,
    ...place,
    serial: 8,
    codec: 'int8',
    seed: 0xffff_ffff,
    weight: 1,
    normMax: 10,
  },
];

test.each(answers)('the answer $kind is read as it was written', (answer) => {
  const { output } = peerService.method.openRelay;
  const bytes = toBinary(output, create(output, { answers: [encodeRelayAnswer(answer)] }));
  const [message] = fromBinary(output, bytes).answers;
  if (message === undefined) throw new Error('one answer was sent');
  expect(decodeRelayAnswer(message, 5)).toEqual(answer);
});

it('refuses a call that asks nothing, or whose number is none', () => {
  const { input } = peerService.method.relay;
  const [empty, odd] = create(input, {
    calls: [{ call: 1 }, { call: 0.5, asked: { case: 'abandoned', value: {} } }],
  }).calls;
  if (empty === undefined || odd === undefined) throw new Error('two calls were made');
  expect(() => decodeRelayedCall(empty)).toThrow('asks nothing');
  expect(() => decodeRelayedCall(odd)).toThrow('not a whole number');
});
