import { parameterServerAsynchronous } from './parameter-server-asynchronous.ts';
import { parameterServerSynchronous } from './parameter-server-synchronous.ts';
import { ringAllReduce } from './ring-all-reduce.ts';
import type { Strategy } from './strategy.ts';
import type { StrategyName } from './strategy-name.ts';
import type { RoundStrategySpec } from './strategy-spec.ts';

/** Every strategy by its name; the type makes the table complete. */
export const strategies: {
  readonly [Name in StrategyName]: (
    spec: Extract<RoundStrategySpec, { readonly kind: Name }>,
  ) => Strategy & { readonly kind: Name };
} = {
  parameterServerSynchronous,
  parameterServerAsynchronous,
  ringAllReduce,
};

export function strategyOf(spec: RoundStrategySpec): Strategy {
  const create = strategies[spec.kind] as (spec: RoundStrategySpec) => Strategy;
  return create(spec);
}
