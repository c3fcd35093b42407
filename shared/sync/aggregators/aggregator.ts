import type { AggregatorFunctionSpec, AggregatorKind } from './aggregator-spec.ts';

/**
 * The contributions of one round, in the order of their units, and what each weighs: whole numbers whose sum stays
 * within `gridWeightMax`. Vectors are finite and of one length; nobody writes to them.
 */
export interface Members {
  readonly vectors: readonly Float32Array[];
  readonly weights: readonly number[];
}

export type BuiltinKind = Exclude<AggregatorKind, 'custom'>;
export type BuiltinSpec<Kind extends BuiltinKind> = Extract<AggregatorFunctionSpec, { readonly kind: Kind }>;

/**
 * One function over vectors. It uses + - * / sqrt and comparisons only, in an order that the values alone fix, so every
 * engine and every order of the members gives the same bits.
 */
export interface AggregatorFunction<Kind extends BuiltinKind> {
  readonly kind: Kind;
  /** Members without which its promise does not hold. */
  membersMin(spec: BuiltinSpec<Kind>): number;
  /** `members` are as many as that at least; `target` has their length. */
  aggregate(spec: BuiltinSpec<Kind>, members: Members, target: Float32Array): void;
}

/** What an operator's own module exports. */
export interface CustomAggregator {
  /** 1 when absent. */
  readonly membersMin?: number;
  /** Writes every value of `target`. Vectors and weights come in the order of the units. */
  aggregate(vectors: readonly Float32Array[], weights: readonly number[], target: Float32Array): void;
}
