import type { MessageInitShape } from '@bufbuild/protobuf';
import { asBlobHash, asLeaseId, asWorkerId } from '../../../shared/base/ids.ts';
import type { peerService, RelayAnswerMessage } from '../../../shared/protocol/peer-services.ts';
import { type Lease, unitKinds, type workerService } from '../../../shared/protocol/services.ts';
import { errorOf } from '../../../shared/protocol/status.ts';
import type { LeaseGrant } from '../../core/effect-values.ts';
import type { RelayedAnswer } from '../../runtime/edge/relay-messages.ts';
import { readChoice, readJobId } from '../fields.ts';
import { malformed, wholeNumber } from './wire-numbers.ts';

type Item = MessageInitShape<(typeof peerService)['method']['openRelay']['output']>;
type AnswerInit = NonNullable<Item['answers']>[number];

type LeaseInit = NonNullable<MessageInitShape<(typeof workerService)['method']['lease']['output']>['lease']>;

const roles = ['admin', 'worker', 'contributor', 'anonymous'] as const;

export function encodeRelayAnswer(answer: RelayedAnswer): AnswerInit {
  switch (answer.kind) {
    case 'answerRegistered': {
      const { call, workerId, role } = answer;
      return { call, answer: { case: 'registered', value: { workerId, role } } };
    }
    case 'answerLease': {
      const { call, lease, reason } = answer;
      const value = lease === undefined ? { reason } : { lease: encodeLease(lease), reason };
      return { call, answer: { case: 'lease', value } };
    }
    case 'answerAccepted':
      return { call: answer.call, answer: { case: 'accepted', value: {} } };
    case 'refuse': {
      const { call, code, message, field = '' } = answer;
      return { call, answer: { case: 'refused', value: { code, message, field } } };
    }
    case 'disconnect': {
      const { workerId, code, message } = answer;
      return { answer: { case: 'disconnect', value: { workerId, status: { code, message } } } };
    }
    case 'reduceOrder': {
      const { kind: _, call, ...value } = answer;
      return { call, answer: { case: 'reduce', value } };
    }
  }
}

/** @param epoch of the relay. @throws GradswarmError `malformedFrame` or `badRequest`. */
export function decodeRelayAnswer(message: RelayAnswerMessage, epoch: number): RelayedAnswer {
  const { answer } = message;
  const call = wholeNumber(message.call, 'call');
  switch (answer.case) {
    case 'registered': {
      const { workerId, role } = answer.value;
      const registered = { workerId: asWorkerId(workerId), role: readChoice(role, roles, 'role') };
      return { kind: 'answerRegistered', call, ...registered, epoch };
    }
    case 'lease': {
      const { lease, reason } = answer.value;
      return {
        kind: 'answerLease',
        call,
        reason,
        ...(lease === undefined ? {} : { lease: decodeLease(lease) }),
      };
    }
    case 'accepted':
      return { kind: 'answerAccepted', call };
    case 'refused': {
      const { code, message: text, field } = errorOf(answer.value);
      return { kind: 'refuse', call, code, message: text, ...(field === undefined ? {} : { field }) };
    }
    case 'disconnect': {
      const { workerId, status } = answer.value;
      const { code, message: text } = errorOf(status);
      return { kind: 'disconnect', workerId: asWorkerId(workerId), code, message: text };
    }
    case 'reduce': {
      const { $typeName: _, $unknown: __, jobId, leaseId, ...order } = answer.value;
      return { kind: 'reduceOrder', call, ...order, jobId: readJobId(jobId), leaseId: asLeaseId(leaseId) };
    }
    default:
      throw malformed('an answer that answers nothing');
  }
}

function encodeLease(grant: LeaseGrant): LeaseInit {
  return { ...grant, kind: unitKinds[grant.kind], deadlineMs: Math.max(0, Math.floor(grant.deadlineMs)) };
}

function decodeLease({ $typeName: _, $unknown: __, ...lease }: Lease): LeaseGrant {
  return {
    ...lease,
    kind: lease.kind === unitKinds.evaluate ? 'evaluate' : 'train',
    leaseId: asLeaseId(lease.leaseId),
    jobId: readJobId(lease.jobId),
    parametersHash: asBlobHash(lease.parametersHash),
  };
}
