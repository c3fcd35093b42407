import type { MessageInitShape } from '@bufbuild/protobuf';
import { GradswarmError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { EnvelopeSchema } from '../gen/gradswarm/v1/envelope_pb.ts';
import { encodeFrame, frameKinds } from './frame.ts';
import type { Link } from './link.ts';
import type { Timers } from './timers.ts';

/** Resolves once the link holds no more than `limits.bufferedBytesMax`. @throws GradswarmError `cancelled`. */
export async function drained(link: Link, timers: Timers, signal: AbortSignal): Promise<void> {
  while (link.bufferedBytes > limits.bufferedBytesMax) {
    checkSignal(signal);
    await new Promise<void>((resolve) => timers.after(limits.bufferedPollMs, resolve));
  }
  checkSignal(signal);
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
  signal: AbortSignal,
): Promise<void> {
  if (payload.length === 0) {
    link.send(encodeFrame(envelope));
    return;
  }
  const chunkBytes = limits.frameChunkBytesMax;
  await drained(link, timers, signal);
  const head = { ...envelope, payloadBytes: payload.length, payloadChecksum: checksum };
  link.send(encodeFrame(head, payload.subarray(0, chunkBytes)));
  for (let offset = chunkBytes; offset < payload.length; offset += chunkBytes) {
    await drained(link, timers, signal);
    const chunk = { call: envelope.call, kind: frameKinds.CHUNK, payloadOffset: offset };
    link.send(encodeFrame(chunk, payload.subarray(offset, offset + chunkBytes)));
  }
}

function checkSignal(signal: AbortSignal): void {
  if (signal.aborted) throw new GradswarmError('cancelled', 'the call ended before its payload was sent');
}
