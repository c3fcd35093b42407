/**
 * How the contributions of one round become one vector, as a job says it. `faulty` and `trim` are numbers of members,
 * not fractions, so that a bound either holds or does not.
 */
export type AggregatorSpec = AggregatorFunctionSpec & { readonly before?: MixingSpec };

export type AggregatorFunctionSpec =
  /** Weighted as the strategy weighs: in a synchronous round all alike. */
  | { readonly kind: 'mean' }
  /** As `mean`, and by what the coordinator has measured of whoever computed the unit. */
  | { readonly kind: 'weightedMean' }
  /** In every coordinate, the mean without the `trim` smallest and the `trim` largest values. */
  | { readonly kind: 'trimmedMean'; readonly trim: number }
  | { readonly kind: 'median' }
  | { readonly kind: 'geometricMedian' }
  | { readonly kind: 'krum'; readonly faulty: number }
  | { readonly kind: 'multiKrum'; readonly faulty: number }
  | { readonly kind: 'bulyan'; readonly faulty: number }
  | { readonly kind: 'centredClipping'; readonly radius: number }
  | { readonly kind: 'medianNormClip' }
  /** An operator's own module, by its name in the coordinator's configuration. */
  | { readonly kind: 'custom'; readonly name: string };

/** What is done to the contributions before any of the functions sees them. */
export type MixingSpec =
  | { readonly kind: 'bucketing'; readonly size: number }
  | { readonly kind: 'nearestNeighbourMixing'; readonly faulty: number };

export type AggregatorKind = AggregatorFunctionSpec['kind'];
export type MixingKind = MixingSpec['kind'];
