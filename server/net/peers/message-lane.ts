import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Link } from '../../../shared/protocol/link.ts';
import { closeCodeOf, closeReasonOf } from '../../../shared/protocol/status.ts';
import type { NodeId } from '../../raft/cluster-configuration.ts';
import type { Message } from '../../raft/message.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import type { Notices } from './notices.ts';
import { malformed } from './wire-numbers.ts';

/** Drops the message when too much waits already: large ones first, so that heartbeats still get through. */
export function sendMessage(link: Link, message: Message, notices: Notices): void {
  const { peerBufferedBytesMax } = limits;
  const bytesMax = message.kind === 'append' ? peerBufferedBytesMax / 2 : peerBufferedBytesMax;
  if (link.bufferedBytes > bytesMax) return;
  const frame = encodeOrTell(message, notices);
  if (frame) link.send(frame);
}

/** A message that fits nowhere is a defect of whoever made it: Raft would repeat it for ever. */
export function encodeOrTell(message: Message, notices: Notices): Uint8Array | undefined {
  try {
    return encodeMessage(message);
  } catch (error) {
    if (!(error instanceof GradswarmError)) throw error;
    notices.tell('messages', { level: 'error', message: `${error.message}; it was not sent` });
    return undefined;
  }
}

/** From now on `onMessage` gets what comes; the link is closed after anything that is no message. */
export function receiveMessages(
  link: Link,
  from: NodeId,
  to: NodeId,
  onMessage: (message: Message) => void,
): void {
  link.onMessage = (body) => {
    let message: Message;
    try {
      message = decodeMessage(body, from, to);
      if (message.kind === 'snapshotChunk') throw malformed('a chunk of a snapshot in the way of heartbeats');
    } catch (error) {
      link.onMessage = undefined;
      const failure = error instanceof GradswarmError ? error : malformed(String(error));
      link.close(closeCodeOf(failure.code), closeReasonOf(failure));
      return;
    }
    onMessage(message);
  };
}
