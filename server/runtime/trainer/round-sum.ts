import { assert } from '../../../shared/base/assert.ts';
import type { Codec } from '../../../shared/codec/codec.ts';
import { createCodecs } from '../../../shared/codec/codecs.ts';
import { mean } from '../../../shared/tensor/grid.ts';
import type { ParameterManifest } from '../../../shared/tensor/manifest.ts';
import { packSums, unpackSums } from '../../../shared/tensor/packed-sums.ts';
import type { Contribution, PartialSum, ReduceOutcome } from '../ports.ts';
import { checkNorm, checkWeight, outcomeOf } from './check-contribution.ts';
import type { OpenRound } from './open-round.ts';
import { HeldSum } from './sum/held-sum.ts';
import type { Reducers } from './sum/reducers.ts';

/** The exact sum of one round's contributions. A payload is checked as a whole before any of it is added. */
export class RoundSum implements OpenRound {
  readonly #length: number;
  readonly #codecs: (text: string) => Codec;
  readonly #sum: HeldSum;
  #weight = 0;

  constructor(manifest: ParameterManifest, reducers?: Reducers) {
    this.#length = manifest.length;
    this.#codecs = createCodecs(manifest);
    this.#sum = new HeldSum(manifest.length, reducers);
  }

  get weight(): number {
    return this.#weight;
  }

  add(contribution: Contribution): ReduceOutcome {
    return outcomeOf(() => this.#addChecked(contribution));
  }

  #addChecked({ codec: text, seed, weight, normMax, payload }: Contribution): number {
    checkWeight(weight, this.#weight);
    const codec = this.#codecs(text);
    const checked = this.#sum.check(codec, payload, seed);
    const norm = checkNorm(checked.squaredNorm, normMax);
    this.#sum.add(codec, payload, seed, weight, checked);
    this.#weight += weight;
    return norm;
  }

  merge({ weight, bytes }: PartialSum): void {
    checkWeight(weight, this.#weight);
    const sums = new Float64Array(this.#length);
    unpackSums(bytes, sums, weight);
    this.#sum.merge(sums);
    this.#weight += weight;
  }

  /** What was summed so far, for another coordinator to merge. */
  packed(): PartialSum {
    return { weight: this.#weight, bytes: packSums(this.#sum.total()) };
  }

  aggregate(weight: number, into: Float32Array): void {
    assert(
      weight === this.#weight,
      `the round holds weight ${this.#weight}, the coordinator counted ${weight}`,
    );
    mean(this.#sum.total(), weight, into);
  }

  clear(): void {
    this.#sum.clear();
    this.#weight = 0;
  }

  release(): void {
    this.#sum.release();
    this.#weight = 0;
  }
}
