import { assert } from '../../../shared/base/assert.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Codec } from '../../../shared/codec/codec.ts';
import { createCodecs } from '../../../shared/codec/codecs.ts';
import type { AggregatorSpec } from '../../../shared/sync/aggregators/aggregator-spec.ts';
import { aggregate } from '../../../shared/sync/aggregators/aggregators.ts';
import { isBounded } from '../../../shared/tensor/kernels.ts';
import type { ParameterManifest } from '../../../shared/tensor/manifest.ts';
import type { Contribution, PartialSum, ReduceOutcome } from '../ports.ts';
import { checkNorm, checkWeight, outcomeOf } from './check-contribution.ts';
import { type CustomAggregators, customAggregator } from './custom-aggregators.ts';
import type { OpenRound } from './open-round.ts';

interface Member {
  readonly unit: number;
  readonly weight: number;
  readonly vector: Float32Array;
}

/**
 * Every contribution of one round, decoded, for aggregators that a sum is not enough for. They are handed over in the
 * order of their units, so the order of arrival never matters.
 */
export class RoundVectors implements OpenRound {
  readonly #manifest: ParameterManifest;
  readonly #spec: AggregatorSpec;
  readonly #customs: CustomAggregators;
  readonly #bytesMax: number;
  readonly #codecs: (text: string) => Codec;
  #members: Member[] = [];
  /** Vectors of the last round, to be written over. */
  #spare: Float32Array[] = [];
  #weight = 0;

  constructor(
    manifest: ParameterManifest,
    spec: AggregatorSpec,
    customs: CustomAggregators,
    bytesMax: number = limits.roundVectorsBytesMax,
  ) {
    this.#bytesMax = bytesMax;
    this.#manifest = manifest;
    this.#spec = spec;
    this.#customs = customs;
    this.#codecs = createCodecs(manifest);
  }

  get weight(): number {
    return this.#weight;
  }

  add(contribution: Contribution): ReduceOutcome {
    return outcomeOf(() => this.#addChecked(contribution));
  }

  #addChecked({ unit, codec: text, seed, weight, normMax, payload }: Contribution): number {
    assert(!this.#members.some((member) => member.unit === unit), `unit ${unit} counts once`);
    checkWeight(weight, this.#weight);
    const codec = this.#codecs(text);
    const norm = checkNorm(codec.squaredNorm(payload, seed), normMax);
    this.#requireRoom();
    const vector = this.#spare.pop() ?? new Float32Array(this.#manifest.length);
    codec.decode(payload, seed, vector);
    this.#members.push({ unit, weight, vector });
    this.#weight += weight;
    return norm;
  }

  /** Jobs are refused that would not fit; this holds whatever a job was submitted under. */
  #requireRoom(): void {
    const bytes = 4 * this.#manifest.length * (this.#members.length + 1);
    if (bytes <= this.#bytesMax) return;
    const message = `The round's vectors would take ${bytes} bytes, more than ${this.#bytesMax}.`;
    throw new GradswarmError('tooLarge', message, 'aggregator');
  }

  /** The vectors of a sum are gone: this aggregator cannot use it. @throws GradswarmError `badRequest`. */
  merge(_partial: PartialSum): void {
    throw new GradswarmError(
      'badRequest',
      `The aggregator ${nameOf(this.#spec)} needs every vector; a partial sum holds none.`,
    );
  }

  aggregate(weight: number, into: Float32Array, seed: number): void {
    assert(
      weight === this.#weight,
      `the round holds weight ${this.#weight}, the coordinator counted ${weight}`,
    );
    const sorted = this.#members.toSorted((left, right) => left.unit - right.unit);
    const members = {
      vectors: sorted.map(({ vector }) => vector),
      weights: sorted.map((member) => member.weight),
    };
    aggregate(this.#spec, members, seed, into, customAggregator(this.#spec, this.#customs));
    if (isBounded(into, Number.POSITIVE_INFINITY)) return;
    throw new GradswarmError(
      'notFinite',
      `The aggregator ${nameOf(this.#spec)} gave values that are not finite.`,
    );
  }

  clear(): void {
    for (const { vector } of this.#members) this.#spare.push(vector);
    this.#members = [];
    this.#weight = 0;
  }

  release(): void {
    this.clear();
    this.#spare = [];
  }
}

function nameOf(spec: AggregatorSpec): string {
  return spec.kind === 'custom' ? spec.name : spec.kind;
}
