import type { Random } from '../../../../shared/base/random.ts';
import type { Operation } from '../../../support/linearizability/history.ts';
import type { RegisterInput, RegisterOutput } from '../../../support/linearizability/register-model.ts';

export type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

/** Breaks a good history so that it is certainly bad; undefined where the history has no place for it. */
export type Violation<Planted> = (history: readonly Planted[], random: Random) => Planted[] | undefined;

interface Finished {
  readonly callTime: number;
  readonly outcome?: { readonly returnTime: number };
}

export function isBefore(first: Finished, second: Finished): boolean {
  return first.outcome !== undefined && first.outcome.returnTime < second.callTime;
}

export function pick<Item>(items: readonly Item[], random: Random): Item | undefined {
  return items.length === 0 ? undefined : items[random.below(items.length)];
}

export function replace<Item>(history: readonly Item[], old: Item, fresh: Item): Item[] {
  return history.map((operation) => (operation === old ? fresh : operation));
}

function isRead({ input, outcome }: RegisterOperation): boolean {
  return input.kind === 'read' && outcome !== undefined;
}

/** The value that the operation certainly made the register have, if any. */
function storedValue({ input, outcome }: RegisterOperation): string | undefined {
  if (input.kind === 'read' || outcome === undefined) return undefined;
  return outcome.output.kind === 'compared' && !outcome.output.isSet ? undefined : input.value;
}

function reading(operation: RegisterOperation, value: string | undefined): RegisterOperation {
  const returnTime = operation.outcome?.returnTime ?? operation.callTime;
  return { ...operation, outcome: { returnTime, output: { kind: 'value', value } } };
}

/** One of the reads for which `otherValue` gives a value, with that value. */
function plantInRead(
  history: readonly RegisterOperation[],
  random: Random,
  otherValue: (
    read: RegisterOperation,
    own: readonly RegisterOperation[],
  ) => { value: string | undefined } | undefined,
): RegisterOperation[] | undefined {
  const places = history.filter(isRead).flatMap((read) => {
    const found = otherValue(
      read,
      history.filter(({ key }) => key === read.key),
    );
    return found === undefined ? [] : [{ read, value: found.value }];
  });
  const place = pick(places, random);
  return place === undefined ? undefined : replace(history, place.read, reading(place.read, place.value));
}

export const registerViolations: Readonly<Record<string, Violation<RegisterOperation>>> = {
  'a value out of thin air': (history, random) => plantInRead(history, random, () => ({ value: 'ghost' })),

  'a read of a value that was overwritten before': (history, random) =>
    plantInRead(history, random, (read, own) => {
      const earlier = own.filter((write) => storedValue(write) !== undefined && isBefore(write, read));
      const old = earlier.find((write) => earlier.some((newer) => isBefore(write, newer)));
      return old && { value: storedValue(old) };
    }),

  'a read of nothing after a write': (history, random) =>
    plantInRead(history, random, (read, own) =>
      own.some((write) => storedValue(write) !== undefined && isBefore(write, read))
        ? { value: undefined }
        : undefined,
    ),

  'a read of a value that is written later': (history, random) =>
    plantInRead(history, random, (read, own) => {
      const later = own.find((write) => storedValue(write) !== undefined && isBefore(read, write));
      return later && { value: storedValue(later) };
    }),

  'two updates of the same value': (history, random) => {
    const winners = history.filter(
      (operation) => operation.input.kind === 'compareAndSet' && storedValue(operation) !== undefined,
    );
    const winner = pick(winners, random);
    if (winner?.input.kind !== 'compareAndSet') return undefined;
    const { key, input } = winner;
    const read = pick(
      history.filter((operation) => operation.key === key && isRead(operation)),
      random,
    );
    if (read === undefined) return undefined;
    const second: RegisterOperation = {
      ...read,
      input: { kind: 'compareAndSet', expected: input.expected, value: 'second' },
      outcome: {
        returnTime: read.outcome?.returnTime ?? 0,
        output: { kind: 'compared', isSet: true },
      },
    };
    return replace(history, read, second);
  },

  'reads that go back': (history, random) => {
    const pairs = history.filter(isRead).flatMap((first) => {
      const second = history.find(
        (read) =>
          isRead(read) &&
          read.key === first.key &&
          isBefore(first, read) &&
          JSON.stringify(read.outcome?.output) !== JSON.stringify(first.outcome?.output),
      );
      return second === undefined ? [] : [{ first, second }];
    });
    const pair = pick(pairs, random);
    if (pair?.first.outcome === undefined || pair.second.outcome === undefined) return undefined;
    const callTime = pair.second.outcome.returnTime + 0.001;
    const { output } = pair.first.outcome;
    const back = { ...pair.first, client: 'late', callTime, outcome: { returnTime: callTime + 1, output } };
    return [...history, back];
  },
};
