import { assert } from '../../../shared/base/assert.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { codecNamed } from '../../../shared/codec/codecs.ts';
import { gridWeightMax, mean } from '../../../shared/tensor/grid.ts';
import type { ReduceOutcome } from '../ports.ts';

export interface Contribution {
  readonly codec: string;
  readonly weight: number;
  readonly normMax: number;
  readonly payload: Uint8Array;
}

/** The exact sum of one round's contributions. A payload is checked as a whole before any of it is added. */
export class RoundSum {
  readonly #accumulator: Float64Array;
  #weight = 0;

  constructor(length: number) {
    this.#accumulator = new Float64Array(length);
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

  #addChecked({ codec: codecName, weight, normMax, payload }: Contribution): number {
    if (!Number.isInteger(weight) || weight < 1 || this.#weight + weight > gridWeightMax) {
      throw new GradswarmError(
        'badRequest',
        `The weight ${weight} does not fit: a round holds whole weights up to ${gridWeightMax} in all.`,
        'weight',
      );
    }
    const codec = codecNamed(codecName);
    const norm = Math.sqrt(codec.squaredNorm(payload, this.#accumulator.length));
    if (norm > normMax) {
      throw new GradswarmError('normTooLarge', `The update's norm is ${norm}; the job allows ${normMax}.`);
    }
    codec.decodeAndAccumulate(payload, this.#accumulator, weight);
    this.#weight += weight;
    return norm;
  }

  /** @param weight what the caller counted; it must agree. */
  mean(weight: number): Float32Array {
    assert(
      weight === this.#weight,
      `the round holds weight ${this.#weight}, the coordinator counted ${weight}`,
    );
    const aggregate = new Float32Array(this.#accumulator.length);
    mean(this.#accumulator, weight, aggregate);
    return aggregate;
  }

  clear(): void {
    this.#accumulator.fill(0);
    this.#weight = 0;
  }
}
