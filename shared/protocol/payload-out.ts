import type { MessageInitShape } from '@bufbuild/protobuf';
import { GradswarmError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { EnvelopeSchema } from '../gen/gradswarm/v1/envelope_pb.ts';
import { encodeFrame, frameKinds } from './frame.ts';
import type { Link } from './link.ts';
import type { Timers } from './timers.ts';

/** What ends the sending: an `AbortSignal`, or the call itself. */
export interface Ending {
  readonly aborted: boolean;
}

/** Resolves once the link holds no more than `limits.bufferedBytesMax`. @throws GradswarmError `cancelled`. */
export async function drained(link: Link, timers: Timers, ending: Ending): Promise<void> {
  while (link.bufferedBytes > limits.bufferedBytesMax) {
    checkEnding(ending);
    await new Promise<void>((resolve) => timers.after(limits.bufferedPollMs, resolve));
  }
  checkEnding(ending);
}

/**
 * Sends `envelope` with the beginning of `payload`, then CHUNK frames with the rest, pausing while the link is full.
 * A message without payload leaves before the function returns.
 */
export async function sendMessage(
  link: Link,
  envelope: MessageInitShape<typeof EnvelopeSchema> & { readonly call: number },
  payload: Uint8Array,
  checksum: number,
  timers: Timers,
  ending: Ending,
): Promise<void> {
  if (payload.length === 0) {
    link.send(encodeFrame(envelope));
    return;
  }
  const chunkBytes = limits.frameChunkBytesMax;
  await drained(link, timers, ending);
  const head = { ...envelope, payloadBytes: payload.length, payloadChecksum: checksum };
  link.send(encodeFrame(head, payload.subarray(0, chunkBytes)));
  for (let offset = chunkBytes; offset < payload.length; offset += chunkBytes) {
    await drained(link, timers, ending);
    const chunk = { call: envelope.call, kind: frameKinds.CHUNK, payloadOffset: offset };
    link.send(encodeFrame(chunk, payload.subarray(offset, offset + chunkBytes)));
  }
}

function checkEnding(ending: Ending): void {
  if (ending.aborted) throw new GradswarmError('cancelled', 'the call ended before its payload was sent');
}
