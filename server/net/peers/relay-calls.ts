import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { peerService } from '../../../shared/protocol/peer-services.ts';
import type { RpcClient } from '../../../shared/protocol/rpc-client.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { RelayAnswers, RelayBatch, SumRequest } from '../../runtime/edge/relay-messages.ts';
import { createGate } from './gate.ts';
import type { Presence } from './presence.ts';
import { decodeRelayAnswer } from './relay-answers-codec.ts';
import { encodeRelayedCall } from './relay-calls-codec.ts';
import { wholeNumber } from './wire-numbers.ts';

export interface RelayCalls {
  openRelay(signal: AbortSignal): AsyncIterable<RelayAnswers>;
  relay(batch: RelayBatch, signal: AbortSignal): Promise<void>;
  collectSum(request: SumRequest, signal: AbortSignal): Promise<Uint8Array>;
}

const { openRelay, relay, collectSum } = peerService.method;

/** What is asked of one coordinator about relays, beside the blobs of the same connection. */
export function createRelayCalls(id: NodeId, connection: Presence<RpcClient>): RelayCalls {
  const gate = createGate(limits.relayPayloadCallsMax, limits.relayPayloadCallsWaitingMax);

  const clientNow = (): RpcClient => {
    if (connection.current !== undefined) return connection.current;
    throw new GradswarmError('unavailable', `node ${id} is not connected`);
  };

  return {
    async *openRelay(signal) {
      for await (const { message } of clientNow().stream(openRelay, {}, { signal, payloadBytesMax: 0 })) {
        const name = nameOf(message);
        yield { ...name, answers: message.answers.map((answer) => decodeRelayAnswer(answer, name.epoch)) };
      }
    },
    async relay({ epoch, session, events, payload }, signal) {
      const request = { epoch, session, calls: events.map(encodeRelayedCall) };
      if (payload === undefined) {
        const options = { signal, timeoutMs: limits.relayTimeoutMs, payloadBytesMax: 0 };
        await clientNow().unary(relay, request, options);
        return;
      }
      const options = { signal, timeoutMs: limits.peerBlobTimeoutMs, payload, payloadBytesMax: 0 };
      await gate.run(async () => clientNow().unary(relay, request, options), signal);
    },
    async collectSum({ units, ...request }, signal) {
      const options = { signal, timeoutMs: limits.edgeSumTimeoutMs };
      const { payload } = await clientNow().unary(collectSum, { ...request, units: [...units] }, options);
      return payload;
    },
  };
}

function nameOf({ epoch, session }: { readonly epoch: number; readonly session: number }) {
  return { epoch: wholeNumber(epoch, 'epoch'), session: wholeNumber(session, 'session') };
}
