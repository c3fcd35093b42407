import { GradswarmError } from '../base/errors.ts';
import type { Codec } from './codec.ts';
import { codecText } from './codec-spec.ts';

/** @throws GradswarmError `wrongLength` unless `payload` has the codec's exact size. */
export function checkPayloadLength(
  { spec, encodedBytes }: Pick<Codec, 'spec' | 'encodedBytes'>,
  payload: Uint8Array,
): void {
  if (payload.byteLength !== encodedBytes) {
    throw new GradswarmError(
      'wrongLength',
      `A ${codecText(spec)} payload of this job has ${encodedBytes} bytes; this one has ${payload.byteLength}.`,
      'payload',
    );
  }
}
