import type { Random } from '../../../../shared/base/random.ts';
import {
  elementOf,
  type ListInput,
  type ListOutput,
} from '../../../support/linearizability/append-list-model.ts';
import type { Operation } from '../../../support/linearizability/history.ts';
import { isBefore, pick, replace, type Violation } from './register-violations.ts';

export type ListOperation = Operation<ListInput, ListOutput>;

function elementsRead({ outcome }: ListOperation): readonly string[] | undefined {
  return outcome?.output.kind === 'elements' ? outcome.output.elements : undefined;
}

function elementAppended({ input, outcome }: ListOperation): string | undefined {
  return input.kind === 'append' && outcome !== undefined
    ? elementOf(input.clientId, input.sequence)
    : undefined;
}

/** One of the reads for which `change` gives other elements, with those. */
function plantInRead(
  history: readonly ListOperation[],
  random: Random,
  change: (
    elements: readonly string[],
    own: readonly ListOperation[],
    read: ListOperation,
  ) => readonly string[] | undefined,
): ListOperation[] | undefined {
  const places = history.flatMap((read) => {
    const own = history.filter(({ key }) => key === read.key);
    const elements = change(elementsRead(read) ?? [], own, read);
    return elementsRead(read) === undefined || elements === undefined ? [] : [{ read, elements }];
  });
  const place = pick(places, random);
  if (place?.read.outcome === undefined) return undefined;
  const { returnTime } = place.read.outcome;
  const outcome = { returnTime, output: { kind: 'elements', elements: place.elements } as const };
  return replace(history, place.read, { ...place.read, outcome });
}

function swapped(elements: readonly string[], first: string, second: string): string[] {
  return elements.map((element) => (element === first ? second : element === second ? first : element));
}

export const listViolations: Readonly<Record<string, Violation<ListOperation>>> = {
  'a command applied twice': (history, random) =>
    plantInRead(history, random, (elements) =>
      elements.length === 0 ? undefined : [...elements, pick(elements, random) ?? ''],
    ),

  'a command that nobody sent': (history, random) =>
    plantInRead(history, random, (elements) => [...elements, 'ghost:1']),

  'a lost command': (history, random) =>
    plantInRead(history, random, (elements, own, read) => {
      const appended = own.filter((append) => isBefore(append, read)).map(elementAppended);
      const lost = elements.find((element) => appended.includes(element));
      return lost === undefined ? undefined : elements.filter((element) => element !== lost);
    }),

  'commands in the wrong order': (history, random) =>
    plantInRead(history, random, (elements, own) => {
      const appends = own.filter((append) => elements.includes(elementAppended(append) ?? ''));
      const pair = appends
        .flatMap((first) => appends.map((second) => ({ first, second })))
        .find(({ first, second }) => isBefore(first, second));
      if (pair === undefined) return undefined;
      return swapped(elements, elementAppended(pair.first) ?? '', elementAppended(pair.second) ?? '');
    }),

  'two reads that differ in the order': (history, random) =>
    plantInRead(history, random, (elements, own, read) => {
      const [first, second] = elements;
      if (first === undefined || second === undefined) return undefined;
      const isRead = own.some((other) => other !== read && elementsRead(other)?.[1] === second);
      return isRead ? swapped(elements, first, second) : undefined;
    }),

  'a list that becomes shorter': (history, random) =>
    plantInRead(history, random, (elements, own, read) => {
      const seen = own
        .filter((other) => isBefore(other, read))
        .map((other) => elementsRead(other)?.length ?? 0);
      const longest = Math.max(0, ...seen);
      return longest === 0 ? undefined : elements.slice(0, longest - 1);
    }),

  'two commands in one place': (history, random) => {
    const appends = history.filter((operation) => elementAppended(operation) !== undefined);
    const first = pick(appends, random);
    const second = pick(
      appends.filter((append) => append !== first && append.key === first?.key),
      random,
    );
    if (first?.outcome === undefined || second?.outcome === undefined) return undefined;
    const { returnTime } = second.outcome;
    return replace(history, second, { ...second, outcome: { ...first.outcome, returnTime } });
  },
};
