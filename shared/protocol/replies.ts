import { create, type DescMessage, toBinary } from '@bufbuild/protobuf';
import { GradswarmError } from '../base/errors.ts';
import type { FrameKind } from '../gen/gradswarm/v1/envelope_pb.ts';
import type { Checksum } from './checksum.ts';
import { encodeFrame, frameKinds } from './frame.ts';
import type { Link } from './link.ts';
import { drained, sendMessage } from './payload-out.ts';
import type { EncodedReply, Reply } from './rpc-handlers.ts';
import type { ServerCall } from './server-call.ts';
import type { Timers } from './timers.ts';

const empty: Uint8Array = new Uint8Array(0);

/** Encodes an answer so that it can be sent to many. */
export function encodeReply<O extends DescMessage>(
  schema: O,
  reply: Reply<O>,
  checksum: Checksum,
): EncodedReply {
  if ('encoded' in reply) return reply;
  const payload = reply.payload ?? empty;
  return {
    encoded: toBinary(schema, create(schema, reply.message)),
    payload,
    checksum: payload.length > 0 ? checksum(payload) : 0,
  };
}

/** Runs the handler and sends what it answers. A stream is asked for its next item when the link has room for it. */
export async function sendReplies<C>(
  call: ServerCall<C>,
  payload: Uint8Array,
  link: Link,
  timers: Timers,
  checksum: Checksum,
): Promise<void> {
  const answer = call.route.handler.answer(call.request, call, payload);
  if (!(Symbol.asyncIterator in answer)) {
    return sendReply(call, frameKinds.RESPONSE, await answer, link, timers, checksum);
  }
  for await (const item of answer) {
    await sendReply(call, frameKinds.ITEM, item, link, timers, checksum);
    await drained(link, timers, call);
  }
  if (!call.aborted) link.send(encodeFrame({ call: call.id, kind: frameKinds.END }));
}

function sendReply<C>(
  call: ServerCall<C>,
  kind: FrameKind,
  reply: Reply<DescMessage>,
  link: Link,
  timers: Timers,
  checksum: Checksum,
): Promise<void> {
  if (call.aborted) throw new GradswarmError('cancelled', 'the caller gave up');
  const { encoded, payload, checksum: sum } = encodeReply(call.route.method.output, reply, checksum);
  return sendMessage(link, { call: call.id, kind, message: encoded }, payload, sum, timers, call);
}
