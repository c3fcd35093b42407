import { create, type DescMessage, type Message, toBinary } from '@bufbuild/protobuf';
import { GradswarmError } from '../base/errors.ts';
import type { FrameKind } from '../gen/gradswarm/v1/envelope_pb.ts';
import type { Checksum } from './checksum.ts';
import { encodeFrame, frameKinds } from './frame.ts';
import type { Link } from './link.ts';
import { drained, sendMessage } from './payload-out.ts';
import type { CallContext, EncodedReply, Reply, Route } from './rpc-handlers.ts';
import type { Timers } from './timers.ts';

export interface ReplyTarget {
  readonly link: Link;
  readonly call: number;
  readonly timers: Timers;
  readonly checksum: Checksum;
  readonly signal: AbortSignal;
}

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
  { method, handler }: Route<C>,
  request: Message,
  context: CallContext<C>,
  payload: Uint8Array,
  target: ReplyTarget,
): Promise<void> {
  const { link, call, timers, checksum, signal } = target;
  const send = (kind: FrameKind, reply: Reply<DescMessage>): Promise<void> => {
    if (signal.aborted) throw new GradswarmError('cancelled', 'the caller gave up');
    const { encoded, payload: bytes, checksum: sum } = encodeReply(method.output, reply, checksum);
    return sendMessage(link, { call, kind, message: encoded }, bytes, sum, timers, signal);
  };
  const answer = handler.answer(request, context, payload);
  if (!(Symbol.asyncIterator in answer)) return send(frameKinds.RESPONSE, await answer);
  for await (const item of answer) {
    await send(frameKinds.ITEM, item);
    await drained(link, timers, signal);
  }
  if (!signal.aborted) link.send(encodeFrame({ call, kind: frameKinds.END }));
}
