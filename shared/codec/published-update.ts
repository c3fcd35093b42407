import { assert } from '../base/assert.ts';
import type { Codec } from './codec.ts';

/** What a codec that may go down is given as seed to decode: none of them looks at it. */
const noSeed = 0;

/**
 * How the coordinator's parameters reach the workers. A lossless codec carries the new vector itself. A lossy one
 * carries the encoded difference from the vector that the workers hold, and the coordinator applies the same bytes to
 * its own copy: what one round's rounding left out is part of the next round's difference, so errors never add up.
 */
export function encodeUpdate(
  codec: Codec,
  parameters: Float32Array,
  published: Float32Array,
  seed: number,
): Uint8Array {
  assert(parameters.length === published.length, 'parameters and published vector are of one length');
  if (codec.lossless) return codec.encode(parameters, seed);
  const difference = new Float32Array(parameters.length);
  for (let index = 0; index < difference.length; index++) {
    difference[index] = parameters[index]! - published[index]!;
  }
  return codec.encode(difference, seed);
}

/**
 * Advances `published` by one version; coordinator and workers run this very function. Throws before it writes.
 * @throws GradswarmError as `Codec.decode`.
 */
export function applyUpdate(codec: Codec, published: Float32Array, payload: Uint8Array): void {
  if (codec.lossless) {
    codec.decode(payload, noSeed, published);
    return;
  }
  const difference = new Float32Array(published.length);
  codec.decode(payload, noSeed, difference);
  for (let index = 0; index < published.length; index++) published[index]! += difference[index]!;
}
