import type { Codec } from './codec.ts';
import { createResidual, type Residual } from './residual.ts';

/** One contribution on its way. */
export interface Encoded {
  readonly payload: Uint8Array;
  /**
   * Tells what became of it: `true` when it was acknowledged, `false` when it was refused or nothing was heard. The
   * first call holds. Until then the payload is reckoned to be counted.
   */
  settle(isCounted: boolean): void;
}

/** What a worker encodes the updates of one job with. It keeps what its codec has to remember from one to the next. */
export interface Encoder {
  readonly codec: Codec;
  /** Several may be on their way at once. @throws GradswarmError `notFinite`, and then nothing is remembered. */
  encode(update: Float32Array, seed: number): Encoded;
}

/** What one encoding with `codec` leaves of the carried values: all of them, but for codecs that keep a momentum. */
export function residualDecay({ spec }: Codec): number {
  return spec.kind === 'demo' ? spec.momentum : 1;
}

/**
 * With a residual, what is sent and what is carried add up to the updates that were counted, within float32 rounding.
 * @param residual shared by encoders of one job; by default a biased codec has its own, and others need none
 */
export function createEncoder(codec: Codec, residual?: Residual): Encoder {
  const encode = codec.startEncoding?.() ?? codec.encode;
  if (!residual && !codec.isBiased) {
    return { codec, encode: (update, seed) => ({ payload: encode(update, seed), settle: () => {} }) };
  }
  let carried = residual;
  return {
    codec,
    encode(update, seed) {
      carried ??= createResidual(update.length, residualDecay(codec));
      const payload = encode(carried.plus(update), seed);
      const decoded = carried.array();
      codec.decode(payload, seed, decoded);
      const departure = carried.leave(update, decoded);
      return { payload, settle: departure.settle };
    },
  };
}
