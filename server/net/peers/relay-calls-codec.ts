import type { MessageInitShape } from '@bufbuild/protobuf';
import { asBlobHash, asLeaseId, asWorkerId, isBlobHash } from '../../../shared/base/ids.ts';
import type { peerService, RelayedCallMessage } from '../../../shared/protocol/peer-services.ts';
import { errorOf } from '../../../shared/protocol/status.ts';
import type { ContributionReduced } from '../../core/events.ts';
import type { RelayedContribution, RelayedEvent } from '../../runtime/edge/relay-messages.ts';
import { readChoice, readJobId } from '../fields.ts';
import { malformed, wholeNumber } from './wire-numbers.ts';

type Request = MessageInitShape<(typeof peerService)['method']['relay']['input']>;
type CallInit = NonNullable<Request['calls']>[number];

const nothing = new Uint8Array(0);

export function encodeRelayedCall(event: RelayedEvent): CallInit {
  switch (event.kind) {
    case 'workerRegistered': {
      const { call, workerId, tokenHash = '', name, home, determinismClass, device } = event;
      const value = { tokenHash, name, home, determinismClass, device };
      return { call, workerId, asked: { case: 'register', value } };
    }
    case 'workerLeft':
      return { workerId: event.workerId, asked: { case: 'left', value: {} } };
    case 'heartbeat': {
      const { workerId, samplesPerSecond } = event;
      return { workerId, asked: { case: 'heartbeat', value: { samplesPerSecond } } };
    }
    case 'leaseRequested': {
      const { call, workerId, jobId = '', pollMs } = event;
      return { call, workerId, asked: { case: 'lease', value: { jobId, pollMs } } };
    }
    case 'leasesReleased': {
      const { workerId, leaseIds } = event;
      return { workerId, asked: { case: 'release', value: { leaseIds: [...leaseIds] } } };
    }
    case 'callAbandoned':
      return { call: event.call, asked: { case: 'abandoned', value: {} } };
    case 'contributionReceived': {
      const { kind: _, call, workerId, keptBytes = 0, payload: __, ...value } = event;
      return { call, workerId, keptBytes, asked: { case: 'contribute', value } };
    }
    case 'evaluationReported': {
      const { kind: _, call, workerId, ...value } = event;
      return { call, workerId, asked: { case: 'evaluation', value } };
    }
    case 'contributionReduced': {
      const { jobId, round, unit, leaseId, outcome } = event;
      const norm = outcome.accepted ? outcome.norm : 0;
      const refused = outcome.accepted ? {} : { refused: { code: outcome.code, message: outcome.message } };
      return { asked: { case: 'reduced', value: { jobId, round, unit, leaseId, norm, ...refused } } };
    }
  }
}

/** @throws GradswarmError `malformedFrame` or `badRequest`. */
export function decodeRelayedCall(message: RelayedCallMessage): RelayedEvent {
  const { asked } = message;
  const call = wholeNumber(message.call, 'call');
  const workerId = asWorkerId(message.workerId);
  switch (asked.case) {
    case 'register':
      return decodeRegistration(message, asked.value);
    case 'left':
      return { kind: 'workerLeft', workerId };
    case 'heartbeat':
      return { kind: 'heartbeat', workerId, samplesPerSecond: asked.value.samplesPerSecond };
    case 'lease': {
      const { jobId, pollMs } = asked.value;
      const wanted = jobId === '' ? {} : { jobId: readJobId(jobId) };
      return { kind: 'leaseRequested', call, workerId, ...wanted, pollMs };
    }
    case 'release':
      return { kind: 'leasesReleased', workerId, leaseIds: asked.value.leaseIds.map(asLeaseId) };
    case 'abandoned':
      return { kind: 'callAbandoned', call };
    case 'contribute':
      return decodeContribution(message, asked.value);
    case 'evaluation': {
      const { $typeName: _, $unknown: __, determinismClass, ...report } = asked.value;
      return {
        kind: 'evaluationReported',
        ...report,
        ...{ call, workerId, leaseId: asLeaseId(report.leaseId), jobId: readJobId(report.jobId) },
        determinismClass: classOf(determinismClass),
      };
    }
    case 'reduced':
      return decodeOutcome(asked.value);
    default:
      throw malformed('a relayed call that asks nothing');
  }
}

type Asked = RelayedCallMessage['asked'];
type ValueOf<Case extends string> =
  Extract<Asked, { case: Case }> extends { value: infer Value } ? Value : never;

function decodeRegistration(
  { call, workerId }: RelayedCallMessage,
  { tokenHash, name, home, determinismClass, device }: ValueOf<'register'>,
): RelayedEvent {
  if (tokenHash !== '' && !isBlobHash(tokenHash)) throw malformed('the hash of a token has 64 digits');
  return {
    kind: 'workerRegistered',
    call: wholeNumber(call, 'call'),
    workerId: asWorkerId(workerId),
    ...(tokenHash === '' ? {} : { tokenHash: asBlobHash(tokenHash) }),
    name,
    home: readChoice(home, ['browser', 'node'], 'home'),
    determinismClass: classOf(determinismClass),
    device,
  };
}

function decodeContribution(
  { call, workerId, keptBytes }: RelayedCallMessage,
  { $typeName: _, $unknown: __, determinismClass, ...header }: ValueOf<'contribute'>,
): RelayedContribution {
  return {
    kind: 'contributionReceived',
    ...header,
    call: wholeNumber(call, 'call'),
    workerId: asWorkerId(workerId),
    leaseId: asLeaseId(header.leaseId),
    jobId: readJobId(header.jobId),
    determinismClass: classOf(determinismClass),
    payload: nothing,
    ...(keptBytes === 0 ? {} : { keptBytes }),
  };
}

function decodeOutcome({
  jobId,
  round,
  unit,
  leaseId,
  norm,
  refused,
}: ValueOf<'reduced'>): ContributionReduced {
  const place = { jobId: readJobId(jobId), round, unit, leaseId: asLeaseId(leaseId) };
  if (refused === undefined)
    return { kind: 'contributionReduced', ...place, outcome: { accepted: true, norm } };
  const { code, message } = errorOf(refused);
  return { kind: 'contributionReduced', ...place, outcome: { accepted: false, code, message } };
}

function classOf(value: { readonly engine: string; readonly build: string } | undefined) {
  return { engine: value?.engine ?? '', build: value?.build ?? '' };
}
