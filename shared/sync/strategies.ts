import { parameterServerSynchronous } from './parameter-server-synchronous.ts';
import type { Strategy } from './strategy.ts';
import type { StrategyName } from './strategy-name.ts';

/** Every strategy by its name; the type makes the table complete. */
export const strategies: { readonly [Name in StrategyName]: Strategy & { readonly kind: Name } } = {
  parameterServerSynchronous,
};

export function isStrategyName(text: string): text is StrategyName {
  return Object.hasOwn(strategies, text);
}
