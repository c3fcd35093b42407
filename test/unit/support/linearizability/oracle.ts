import type { Operation } from '../../../support/linearizability/history.ts';
import type { Model } from '../../../support/linearizability/model.ts';

/** The definition, tried out: every order of all operations with an outcome and any of those without. */
export function isLinearizableByTrial<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): boolean {
  const keys = new Set(operations.map(({ key }) => key));
  return [...keys].every((key) =>
    isCompletable(
      model,
      model.initial,
      operations.filter((operation) => operation.key === key),
    ),
  );
}

function isCompletable<State, Input, Output>(
  model: Model<State, Input, Output>,
  state: State,
  left: readonly Operation<Input, Output>[],
): boolean {
  if (left.every(({ outcome }) => outcome === undefined)) return true;
  return left.some((next) => {
    const isFirst = left.every(
      ({ outcome }) => outcome === undefined || !(outcome.returnTime < next.callTime),
    );
    if (!isFirst) return false;
    const { state: after, output } = model.apply(state, next.input);
    const isSeen = next.outcome === undefined || model.accepts(output, next.outcome.output);
    return (
      isSeen &&
      isCompletable(
        model,
        after,
        left.filter((operation) => operation !== next),
      )
    );
  });
}
