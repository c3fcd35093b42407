import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { peerService } from '../../../shared/protocol/peer-services.ts';
import type { ServiceHandlers } from '../../../shared/protocol/rpc-handlers.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { RelayHandlers } from '../../runtime/peers.ts';
import { readJobId } from '../fields.ts';
import { encodeRelayAnswer } from './relay-answers-codec.ts';
import { decodeRelayedCall } from './relay-calls-codec.ts';
import { wholeNumber } from './wire-numbers.ts';

type Handlers = Pick<ServiceHandlers<typeof peerService, NodeId>, 'openRelay' | 'relay' | 'collectSum'>;

/** Without `relays` every call is refused. */
export function createRelayHandlers(relays: RelayHandlers | undefined): Handlers {
  const handlers = (): RelayHandlers => {
    if (relays !== undefined) return relays;
    throw new GradswarmError('unavailable', 'this coordinator takes part in no relays');
  };
  return {
    openRelay: {
      async *answer(_, { connection: from, signal }) {
        for await (const { epoch, session, answers } of handlers().openRelay(from, signal)) {
          yield { message: { epoch, session, answers: answers.map(encodeRelayAnswer) } };
        }
      },
    },
    relay: {
      payloadBytesMax: ({ calls }) =>
        calls.length === 1 && calls[0]?.asked.case === 'contribute' ? limits.payloadBytesMax : 0,
      answer({ epoch, session, calls }, { connection: from }, payload) {
        if (calls.length > limits.relayBatchMax) {
          throw new GradswarmError('badRequest', `at most ${limits.relayBatchMax} calls`, 'calls');
        }
        const whole = payload.byteLength > 0 ? { payload } : {};
        handlers().relay(from, { epoch, session, events: calls.map(decodeRelayedCall), ...whole });
        return { message: {} };
      },
    },
    collectSum: {
      async answer({ epoch, session, jobId, serial, units, weight }, { connection: from }) {
        if (units.length > limits.unitsPerRoundMax) {
          throw new GradswarmError('badRequest', `at most ${limits.unitsPerRoundMax} units`, 'units');
        }
        const name = { epoch: wholeNumber(epoch, 'epoch'), session: wholeNumber(session, 'session') };
        const request = { ...name, jobId: readJobId(jobId), serial, units, weight };
        return { message: {}, payload: await handlers().collectSum(from, request) };
      },
    },
  };
}
