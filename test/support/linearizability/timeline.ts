import type { Operation } from './history.ts';

/** A number of a set of bits, which operations share that are never open at the same time. */
export interface PlacedOperation<Input, Output> {
  readonly operation: Operation<Input, Output>;
  readonly bit: bigint;
}

/** The moment just before an operation returns: by now it must have taken effect. */
export interface ReturnPoint<Input, Output> {
  readonly target: PlacedOperation<Input, Output>;
  /** Called before, and to return later. */
  readonly others: readonly PlacedOperation<Input, Output>[];
  /** So many of the operations without an outcome were called before. */
  readonly lostCount: number;
}

/** A history of one object, cut at its returns. */
export interface Timeline<Input, Output> {
  readonly points: readonly ReturnPoint<Input, Output>[];
  /** Operations without an outcome in the order of their calls, with bits of their own. */
  readonly lost: readonly PlacedOperation<Input, Output>[];
}

interface TimedEvent<Input, Output> {
  readonly time: number;
  readonly isReturn: boolean;
  readonly operation: Operation<Input, Output>;
}

/** @throws Error for an operation that returns before it is called. */
export function timelineOf<Input, Output>(
  operations: readonly Operation<Input, Output>[],
): Timeline<Input, Output> {
  const points: ReturnPoint<Input, Output>[] = [];
  const lost: PlacedOperation<Input, Output>[] = [];
  const open = new Map<Operation<Input, Output>, PlacedOperation<Input, Output>>();
  const freeBits: bigint[] = [];
  for (const { operation, isReturn } of eventsOf(operations)) {
    const target = open.get(operation);
    if (isReturn && target !== undefined) {
      open.delete(operation);
      points.push({ target, others: [...open.values()], lostCount: lost.length });
      freeBits.push(target.bit);
    } else if (operation.outcome === undefined) {
      lost.push({ operation, bit: 1n << BigInt(lost.length) });
    } else {
      const bit = freeBits.pop() ?? 1n << BigInt(open.size);
      open.set(operation, { operation, bit });
    }
  }
  return { points, lost };
}

/** By time; at one time calls come first, so that what touches is concurrent. */
function eventsOf<Input, Output>(
  operations: readonly Operation<Input, Output>[],
): TimedEvent<Input, Output>[] {
  const events = operations.flatMap((operation): TimedEvent<Input, Output>[] => {
    const { callTime, outcome, client, key } = operation;
    const call = { time: callTime, isReturn: false, operation };
    if (outcome === undefined) return [call];
    if (!(outcome.returnTime >= callTime))
      throw new Error(
        `an operation of ${client} on ${key} returns at ${outcome.returnTime}, before its call`,
      );
    return [call, { time: outcome.returnTime, isReturn: true, operation }];
  });
  return events.sort(
    (left, right) => left.time - right.time || Number(left.isReturn) - Number(right.isReturn),
  );
}
