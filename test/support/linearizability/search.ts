import type { Operation } from './history.ts';
import type { Model } from './model.ts';
import { SeenConfigurations } from './seen-configurations.ts';
import { type PlacedOperation, type ReturnPoint, type Timeline, timelineOf } from './timeline.ts';

/** Counts down over all searches of one check. */
export interface SearchBudget {
  /** False when another configuration would exceed the bounds. */
  spend(): boolean;
}

export type SearchResult<Input, Output> =
  | { readonly kind: 'linearizable' }
  | { readonly kind: 'outOfBudget' }
  | {
      readonly kind: 'illegal';
      /** The first return that no order explains. */
      readonly stuckAt: Operation<Input, Output>;
      /** An order of operations that explains everything before. */
      readonly order: readonly Operation<Input, Output>[];
    };

interface Configuration<State, Input, Output> {
  /** The first return whose operation has not taken effect. */
  readonly point: number;
  /** Operations that have taken effect and not yet returned. */
  readonly done: bigint;
  /** Operations without an outcome that have taken effect. */
  readonly lostUsed: bigint;
  readonly state: State;
  readonly last: Operation<Input, Output> | undefined;
  readonly before: Configuration<State, Input, Output> | undefined;
}

/**
 * Looks for an order of the operations of one object that the model allows and that keeps the order of those that did
 * not overlap (Wing and Gong 1993). An operation takes effect only when the return of one forces it to, and no pair of
 * (operations that took effect, state) is looked at twice (Lowe 2017: just-in-time linearization, graph search). Two
 * further savings: an operation that changes nothing takes effect as soon as it fits, and of two configurations that
 * differ in the lost operations used only the thriftier is followed.
 */
export function searchOrder<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  budget: SearchBudget,
): SearchResult<Input, Output> {
  const useful = operations.filter(
    ({ input, outcome }) => outcome !== undefined || !model.changesNothing(input),
  );
  return new Search(model, timelineOf(useful)).run(budget);
}

class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #timeline: Timeline<Input, Output>;
  readonly #seen = new SeenConfigurations();
  /** Depth first: the last is followed next. */
  readonly #open: Configuration<State, Input, Output>[] = [];
  #furthest: Configuration<State, Input, Output>;

  constructor(model: Model<State, Input, Output>, timeline: Timeline<Input, Output>) {
    this.#model = model;
    this.#timeline = timeline;
    const { initial } = model;
    const start = {
      point: 0,
      done: 0n,
      lostUsed: 0n,
      state: initial,
      last: undefined,
      before: undefined,
    };
    this.#furthest = start;
    this.#open.push(start);
  }

  run(budget: SearchBudget): SearchResult<Input, Output> {
    for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) {
      if (next.point > this.#furthest.point) this.#furthest = next;
      const point = this.#timeline.points[next.point];
      if (point === undefined) return { kind: 'linearizable' };
      if (!budget.spend()) return { kind: 'outOfBudget' };
      this.#follow(next, point);
    }
    const stuckAt = this.#timeline.points[this.#furthest.point]?.target.operation;
    if (stuckAt === undefined) throw new Error('a search that reached the end has an order');
    return { kind: 'illegal', stuckAt, order: orderOf(this.#furthest) };
  }

  /** Opens what may come next; what is likeliest comes last, and so is followed first. */
  #follow(from: Configuration<State, Input, Output>, point: ReturnPoint<Input, Output>): void {
    const waiting = point.others.filter(({ bit }) => (from.done & bit) === 0n);
    const free = [point.target, ...waiting].find((placed) => this.#isFree(from, placed));
    if (free !== undefined) {
      this.#take(from, free);
      return;
    }
    for (let index = point.lostCount - 1; index >= 0; index--) {
      const lost = this.#timeline.lost[index];
      if (lost !== undefined && (from.lostUsed & lost.bit) === 0n) this.#take(from, lost);
    }
    for (const placed of waiting) this.#take(from, placed);
    this.#take(from, point.target);
  }

  /** Whether it fits now, and nothing can come of waiting. */
  #isFree(
    { state }: Configuration<State, Input, Output>,
    { operation }: PlacedOperation<Input, Output>,
  ): boolean {
    const { input, outcome } = operation;
    if (outcome === undefined || !this.#model.changesNothing(input, outcome.output)) return false;
    return this.#model.accepts(this.#model.apply(state, input).output, outcome.output);
  }

  #take(from: Configuration<State, Input, Output>, { operation, bit }: PlacedOperation<Input, Output>): void {
    const { outcome, input } = operation;
    const { state, output } = this.#model.apply(from.state, input);
    if (outcome !== undefined && !this.#model.accepts(output, outcome.output)) return;
    let done = outcome === undefined ? from.done : from.done | bit;
    const lostUsed = outcome === undefined ? from.lostUsed | bit : from.lostUsed;
    let { point } = from;
    for (;;) {
      const target = this.#timeline.points[point]?.target;
      if (target === undefined || (done & target.bit) === 0n) break;
      done ^= target.bit;
      point += 1;
    }
    const fixed = `${point} ${done.toString(36)} ${this.#model.stateKey(state)}`;
    if (!this.#seen.add(fixed, lostUsed)) return;
    this.#open.push({ point, done, lostUsed, state, last: operation, before: from });
  }
}

function orderOf<State, Input, Output>(end: Configuration<State, Input, Output>): Operation<Input, Output>[] {
  const order: Operation<Input, Output>[] = [];
  for (let at: typeof end | undefined = end; at?.last !== undefined; at = at.before) order.push(at.last);
  return order.reverse();
}
