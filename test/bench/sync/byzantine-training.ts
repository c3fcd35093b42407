import { createRandom, mixSeed } from '../../../shared/base/random.ts';
import type { AggregatorSpec } from '../../../shared/sync/aggregators/aggregator-spec.ts';
import { aggregate } from '../../../shared/sync/aggregators/aggregators.ts';
import type { Attack } from './byzantine-attacks.ts';
import { accuracyOf, type Digits, gradientOf, parameterCount } from './byzantine-digits.ts';

export interface Contest {
  readonly train: Digits;
  readonly test: Digits;
  /** Of each worker, by their number. */
  readonly digits: readonly (readonly number[])[];
  readonly attackers: number;
  readonly attack: Attack;
  readonly aggregator: AggregatorSpec;
  readonly seed: number;
}

export const rounds = 50;
export const batchSize = 32;
export const learningRate = 0.5;

/** Plain gradient steps from zero, the first workers lying; returns the accuracy at the end. */
export function trainUnderAttack(contest: Contest): number {
  const { train, test, attackers, attack, aggregator, seed } = contest;
  const own = contest.digits;
  const random = createRandom(mixSeed(seed, 1));
  const parameters = new Float32Array(parameterCount);
  const aggregated = new Float32Array(parameterCount);
  const weights = own.map(() => 1);
  let first: readonly Float32Array[] | undefined;
  for (let round = 0; round < rounds; round++) {
    const gradients = own.map((digits, worker) => {
      const batch = Array.from({ length: batchSize }, () => digits[random.below(digits.length)]!);
      return gradientOf(parameters, train, batch, attack.flipsLabels && worker < attackers);
    });
    first ??= gradients;
    const honest = gradients.slice(attackers);
    const memory = first;
    const vectors = gradients.map((gradient, worker) =>
      worker < attackers ? attack.lie({ own: gradient, honest, first: memory[worker]!, random }) : gradient,
    );
    aggregate(aggregator, { vectors, weights }, mixSeed(seed, round), aggregated);
    for (let index = 0; index < parameterCount; index++) {
      parameters[index]! -= learningRate * aggregated[index]!;
    }
  }
  return accuracyOf(parameters, test);
}
