import type { Operation } from './history.ts';
import type { Model } from './model.ts';
import { type SearchBudget, searchOrder } from './search.ts';

export interface CheckBounds {
  /** Configurations that are followed, over all objects. */
  readonly configurationsMax: number;
  readonly timeMsMax: number;
}

export type Verdict<Input, Output> =
  | { readonly kind: 'linearizable'; readonly configurations: number }
  | {
      readonly kind: 'illegal';
      readonly key: string;
      /** The first return that no order explains. */
      readonly stuckAt: Operation<Input, Output>;
      /** An order of operations on `key` that explains everything before. */
      readonly order: readonly Operation<Input, Output>[];
    }
  /** The search reached a bound. */
  | { readonly kind: 'unknown'; readonly key: string; readonly configurations: number };

const defaultBounds: CheckBounds = { configurationsMax: 4_000_000, timeMsMax: 60_000 };
/** The clock is looked at once in so many configurations. */
const clockStride = 256;

/**
 * Whether a history is linearizable (Herlihy and Wing 1990). Every object, named by `key`, is looked at alone: a
 * history is linearizable exactly when it is for each object. A violation in one object is found although the search
 * in another was given up.
 */
export function checkHistory<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  bounds: Partial<CheckBounds> = {},
): Verdict<Input, Output> {
  const allowance = new Allowance({ ...defaultBounds, ...bounds });
  const objects = operationsByKey(operations);
  let objectsLeft = objects.size;
  let givenUp: string | undefined;
  for (const [key, own] of objects) {
    objectsLeft -= 1;
    const result = searchOrder(model, own, allowance.nextBudget(objectsLeft === 0));
    if (result.kind === 'illegal') return { ...result, key };
    if (result.kind === 'outOfBudget') givenUp ??= key;
  }
  const { configurations } = allowance;
  return givenUp === undefined
    ? { kind: 'linearizable', configurations }
    : { kind: 'unknown', key: givenUp, configurations };
}

/** One object must not eat what the others need: each may use half of what is left, and the last one all of it. */
class Allowance {
  configurations = 0;
  readonly #configurationsMax: number;
  readonly #endMs: number;

  constructor({ configurationsMax, timeMsMax }: CheckBounds) {
    this.#configurationsMax = configurationsMax;
    this.#endMs = performance.now() + timeMsMax;
  }

  nextBudget(isLast: boolean): SearchBudget {
    const share = isLast ? 1 : 0.5;
    const startMs = performance.now();
    const until = this.configurations + share * (this.#configurationsMax - this.configurations);
    const untilMs = startMs + share * (this.#endMs - startMs);
    return {
      spend: () => {
        if (this.configurations >= until) return false;
        this.configurations += 1;
        return this.configurations % clockStride !== 0 || performance.now() < untilMs;
      },
    };
  }
}

function operationsByKey<Input, Output>(
  operations: readonly Operation<Input, Output>[],
): Map<string, Operation<Input, Output>[]> {
  const objects = new Map<string, Operation<Input, Output>[]>();
  for (const operation of operations) {
    const own = objects.get(operation.key);
    if (own === undefined) objects.set(operation.key, [operation]);
    else own.push(operation);
  }
  return objects;
}
