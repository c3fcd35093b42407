import type { RoundStrategySpec } from './strategy-spec.ts';

/** Strategies of the round machine; the table with their policies is `strategies.ts`. */
export type StrategyName = RoundStrategySpec['kind'];
