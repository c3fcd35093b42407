import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { GradswarmError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { type Envelope, EnvelopeSchema, FrameKind } from '../gen/gradswarm/v1/envelope_pb.ts';

/**
 * One WebSocket message: `[u32 little-endian header length][Envelope][zero padding to a multiple of 8][payload]`.
 * Bulk bytes stay out of protobuf, so they are neither copied by it nor misaligned.
 */
export interface Frame {
  readonly envelope: Envelope;
  /** A view into the frame, at an offset that is a multiple of 8 from the frame's first byte. */
  readonly payload: Uint8Array;
}

export const frameKinds = FrameKind;

const prefixBytes = 4;
const empty: Uint8Array = new Uint8Array(0);
const decodeOptions = { readUnknownFields: false } as const;

function payloadStart(headerBytes: number): number {
  return (prefixBytes + headerBytes + 7) & ~7;
}

/** @throws GradswarmError `tooLarge` when header or payload exceed their limits. */
export function encodeFrame(envelope: MessageInitShape<typeof EnvelopeSchema>, payload = empty): Uint8Array {
  checkLength('frame payload', payload.length, limits.frameChunkBytesMax);
  return joinFrame(toBinary(EnvelopeSchema, create(EnvelopeSchema, envelope)), [payload]);
}

/** Copies nothing. @throws GradswarmError `tooLarge` or `malformedFrame`. */
export function decodeFrame(bytes: Uint8Array): Frame {
  checkLength('frame', bytes.length, limits.frameBytesMax);
  const { header, payload } = splitFrame(bytes);
  checkLength('frame payload', payload.length, limits.frameChunkBytesMax);
  return { envelope: decodeEnvelope(header), payload };
}

/** The layout alone, for any header. @throws GradswarmError `tooLarge`. */
export function joinFrame(header: Uint8Array, payloads: readonly Uint8Array[]): Uint8Array {
  checkLength('frame header', header.length, limits.frameHeaderBytesMax);
  const start = payloadStart(header.length);
  const bytes = new Uint8Array(payloads.reduce((sum, payload) => sum + payload.length, start));
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(header, prefixBytes);
  let offset = start;
  for (const payload of payloads) {
    bytes.set(payload, offset);
    offset += payload.length;
  }
  return bytes;
}

/** Copies nothing; how long the frame may be is for the caller to check. @throws GradswarmError as `decodeFrame`. */
export function splitFrame(bytes: Uint8Array): {
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
} {
  if (bytes.length < prefixBytes) throw malformed(`${bytes.length} bytes cannot hold a header length`);
  const headerBytes = new DataView(bytes.buffer, bytes.byteOffset, prefixBytes).getUint32(0, true);
  checkLength('frame header', headerBytes, limits.frameHeaderBytesMax);
  const start = payloadStart(headerBytes);
  if (bytes.length < start) {
    throw malformed(`the header takes ${start} bytes with its padding, the frame has ${bytes.length}`);
  }
  for (let index = prefixBytes + headerBytes; index < start; index++) {
    if (bytes[index] !== 0) throw malformed('the padding after the header is not zero');
  }
  return { header: bytes.subarray(prefixBytes, prefixBytes + headerBytes), payload: bytes.subarray(start) };
}

function decodeEnvelope(header: Uint8Array): Envelope {
  let envelope: Envelope;
  try {
    envelope = fromBinary(EnvelopeSchema, header, decodeOptions);
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : 'the header is not an Envelope');
  }
  if (envelope.call === 0) throw malformed('call 0 is not a call');
  return envelope;
}

function checkLength(what: string, bytes: number, bytesMax: number): void {
  if (bytes > bytesMax)
    throw new GradswarmError('tooLarge', `${what} of ${bytes} bytes; at most ${bytesMax}`);
}

function malformed(detail: string): GradswarmError {
  return new GradswarmError('malformedFrame', `malformed frame: ${detail}`);
}
