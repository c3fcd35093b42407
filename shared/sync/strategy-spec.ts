/** How much a contribution counts: all alike, or by what its worker has shown (see `contribution-weight.ts`). */
export type Weighting = 'equal' | 'measured';

/**
 * Closes on all units. With `quorum`, a fraction of the units, also without the rest, once most workers would have
 * finished theirs.
 */
export interface SynchronousSpec {
  readonly kind: 'parameterServerSynchronous';
  readonly quorum?: number;
  readonly weighting?: Weighting;
}

/**
 * Closes after `buffer` contributions, whoever sent them (FedBuff, Nguyen et al. 2022). A unit may be computed from a
 * version that is up to `stalenessMax` rounds old when it is counted.
 */
export interface AsynchronousSpec {
  readonly kind: 'parameterServerAsynchronous';
  readonly buffer: number;
  readonly stalenessMax: number;
  readonly weighting?: Weighting;
}

/**
 * As the synchronous one, but workers that can keep their updates, sum them in a ring, and hand one sum in (see
 * `ring/`). The others send theirs as ever.
 */
export interface RingSpec {
  readonly kind: 'ringAllReduce';
}

/** What one round is run by. */
export type RoundStrategySpec = SynchronousSpec | AsynchronousSpec | RingSpec;

/** A policy that chooses among others at round boundaries (see `adaptive.ts`). */
export interface AdaptiveSpec {
  readonly kind: 'adaptive';
  /** What may be chosen; the first is what the job begins with. */
  readonly strategies: readonly RoundStrategySpec[];
  /** Bounds of the local steps, for jobs that make some. */
  readonly localSteps?: { readonly minimum: number; readonly maximum: number };
  /** Rounds between two looks. */
  readonly everyRounds?: number;
  /** Rounds for which what was given up is not chosen again. */
  readonly holdRounds?: number;
  /** The predicted gain in speed, as a fraction, below which nothing changes. */
  readonly gainMin?: number;
}

/** The `strategy` of a job document. */
export type StrategySpec = RoundStrategySpec | AdaptiveSpec;

/** One line for people: `parameterServerAsynchronous, buffer 8, stalenessMax 4`. */
export function strategyText(spec: StrategySpec): string {
  if (spec.kind === 'adaptive') return `adaptive among ${spec.strategies.map(strategyText).join('; ')}`;
  const { kind, ...rest } = spec;
  return [kind, ...Object.entries(rest).map(([name, value]) => `${name} ${valueText(value)}`)].join(', ');
}

function valueText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
