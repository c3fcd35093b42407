import { assert } from '../../../shared/base/assert.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import type { Codec } from '../../../shared/codec/codec.ts';
import { type CodecSpec, codecText } from '../../../shared/codec/codec-spec.ts';
import { createCodec } from '../../../shared/codec/codecs.ts';
import { createEncoder, type Encoded, type Encoder, residualDecay } from '../../../shared/codec/encoder.ts';
import { createResidual, type Residual } from '../../../shared/codec/residual.ts';
import type { ParameterManifest } from '../../../shared/tensor/manifest.ts';
import { chooseCodec } from './codec-choice.ts';

/** Weight of the newest unit's compute time in the mean. */
const newest = 0.3;

export interface EncodedUpdate extends Encoded {
  /** As the contribution's header names it. */
  readonly codec: string;
}

/**
 * What a worker sends the updates of one job with. Residuals live as long as this object, whatever connections come and
 * go: until the worker stops, or leaves the job for others. Then they are dropped.
 */
export interface JobEncoder {
  /**
   * @param finest text of the first codec of the job's list that may be used; empty for all
   * @param pace compute time of the unit, and what recent uploads reached
   * @throws GradswarmError `notFinite`, and then nothing is remembered.
   */
  encode(update: Float32Array, seed: number, finest: string, pace: MeasuredPace): EncodedUpdate;
}

export interface MeasuredPace {
  readonly computeMs: number;
  /** `undefined` before the first upload. */
  readonly bytesPerSecond: number | undefined;
}

/** @param specs the codecs that the job allows, the preferred one first */
export function createJobEncoder(specs: readonly CodecSpec[], manifest: ParameterManifest): JobEncoder {
  assert(specs.length > 0, 'a job allows a codec');
  const codecs = specs.map((spec) => createCodec(spec, manifest));
  const names = specs.map(codecText);
  const sizes = codecs.map(({ encodedBytes }) => encodedBytes);
  const encoderOf = createEncoders(codecs, manifest.length);
  let current = 0;
  let unitMs: number | undefined;
  return {
    encode(update, seed, finest, { computeMs, bytesPerSecond }) {
      unitMs = unitMs === undefined ? computeMs : unitMs + newest * (computeMs - unitMs);
      const measured = bytesPerSecond === undefined ? undefined : { bytesPerSecond, unitMs };
      const first = finest === '' ? 0 : names.indexOf(finest);
      if (first < 0) {
        throw new GradswarmError('wrongCodec', `The job does not list the codec "${finest}".`, 'codec');
      }
      current = first + chooseCodec(sizes.slice(first), Math.max(0, current - first), measured);
      const encoder = encoderOf(current);
      return { ...encoder.encode(update, seed), codec: codecText(encoder.codec.spec) };
    },
  };
}

/**
 * One encoder for each codec. All carry over one residual, so that a change of codec loses nothing, unbiased ones too if
 * others of the list are biased; a momentum stays with its codec.
 */
function createEncoders(codecs: readonly Codec[], length: number): (index: number) => Encoder {
  const encoders = new Map<Codec, Encoder>();
  const needResidual = codecs.some(({ isBiased }) => isBiased);
  let shared: Residual | undefined;
  const create = (codec: Codec): Encoder => {
    if (!needResidual || residualDecay(codec) !== 1) return createEncoder(codec);
    shared ??= createResidual(length);
    return createEncoder(codec, shared);
  };
  return (index) => {
    const codec = codecs[index];
    assert(codec !== undefined, 'the chosen codec is one of the job');
    const encoder = encoders.get(codec) ?? create(codec);
    encoders.set(codec, encoder);
    return encoder;
  };
}
