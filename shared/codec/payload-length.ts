import { GradswarmError } from '../base/errors.ts';
import type { Codec } from './codec.ts';

/** @throws GradswarmError `wrongLength` unless `payload` has the exact size for `length` values. */
export function checkPayloadLength(codec: Codec, payload: Uint8Array, length: number): void {
  const expected = codec.encodedBytes(length);
  if (payload.byteLength !== expected) {
    throw new GradswarmError(
      'wrongLength',
      `A ${codec.name} payload of ${length} values has ${expected} bytes; this one has ${payload.byteLength}.`,
      'payload',
    );
  }
}
