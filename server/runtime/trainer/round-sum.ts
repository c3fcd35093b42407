import { assert } from '../../../shared/base/assert.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import type { Codec } from '../../../shared/codec/codec.ts';
import { createCodecs } from '../../../shared/codec/codecs.ts';
import { gridWeightMax, mean } from '../../../shared/tensor/grid.ts';
import type { ParameterManifest } from '../../../shared/tensor/manifest.ts';
import type { ReduceOutcome } from '../ports.ts';

export interface Contribution {
  readonly codec: string;
  /** The unit's. */
  readonly seed: number;
  readonly weight: number;
  readonly normMax: number;
  readonly payload: Uint8Array;
}

/** The exact sum of one round's contributions. A payload is checked as a whole before any of it is added. */
export class RoundSum {
  readonly #length: number;
  readonly #codecs: (text: string) => Codec;
  /** Absent until something is added: whoever only follows needs no memory for it. */
  #accumulator: Float64Array | undefined;
  #weight = 0;

  constructor(manifest: ParameterManifest) {
    this.#length = manifest.length;
    this.#codecs = createCodecs(manifest);
  }

  get weight(): number {
    return this.#weight;
  }

  add(contribution: Contribution): ReduceOutcome {
    try {
      return { accepted: true, norm: this.#addChecked(contribution) };
    } catch (error) {
      if (!(error instanceof GradswarmError)) throw error;
      return { accepted: false, code: error.code, message: error.message };
    }
  }

  #addChecked({ codec: text, seed, weight, normMax, payload }: Contribution): number {
    if (!Number.isInteger(weight) || weight < 1 || this.#weight + weight > gridWeightMax) {
      throw new GradswarmError(
        'badRequest',
        `The weight ${weight} does not fit: a round holds whole weights up to ${gridWeightMax} in all.`,
        'weight',
      );
    }
    const codec = this.#codecs(text);
    const norm = Math.sqrt(codec.squaredNorm(payload, seed));
    if (norm > normMax) {
      throw new GradswarmError('normTooLarge', `The update's norm is ${norm}; the job allows ${normMax}.`);
    }
    this.#accumulator ??= new Float64Array(this.#length);
    codec.decodeAndAccumulate(payload, seed, this.#accumulator, weight);
    this.#weight += weight;
    return norm;
  }

  /** @param weight what the caller counted; it must agree. */
  mean(weight: number, into: Float32Array): void {
    assert(
      weight === this.#weight,
      `the round holds weight ${this.#weight}, the coordinator counted ${weight}`,
    );
    assert(this.#accumulator !== undefined, 'a round that is closed has contributions');
    mean(this.#accumulator, weight, into);
  }

  clear(): void {
    if (this.#weight > 0) this.#accumulator?.fill(0);
    this.#weight = 0;
  }

  /** Clears, and gives the memory back. */
  release(): void {
    this.#accumulator = undefined;
    this.#weight = 0;
  }
}
