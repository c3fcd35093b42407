import { createRandom, type Random } from '../../../../shared/base/random.ts';
import type { ListInput } from '../../../support/linearizability/append-list-model.ts';
import type { Operation } from '../../../support/linearizability/history.ts';
import type { Model } from '../../../support/linearizability/model.ts';
import type { RegisterInput, RegisterValue } from '../../../support/linearizability/register-model.ts';

export interface Generation {
  readonly seed: number;
  readonly clients: number;
  readonly keys: number;
  readonly operations: number;
  /** Of operations whose clients never hear of them; every second of those takes effect, some of them late. */
  readonly lostProbability: number;
}

interface Effect {
  readonly client: string;
  readonly key: string;
  readonly callTime: number;
  readonly effectTime: number;
  readonly returnTime: number | undefined;
}

/** `number` is another for every operation of a history. */
export type InputMaker<State, Input> = (
  random: Random,
  state: State,
  client: string,
  number: number,
) => Input;

const effectMs = 10;
const lateMs = 100;

/** A history that is linearizable because every operation takes effect at a moment between its call and its return. */
export function generateHistory<State, Input, Output>(
  model: Model<State, Input, Output>,
  makeInput: InputMaker<State, Input>,
  generation: Generation,
): Operation<Input, Output>[] {
  const random = createRandom(generation.seed);
  const states = new Map<string, State>();
  const effects = planEffects(random, generation).sort((left, right) => left.effectTime - right.effectTime);
  return effects.map(({ client, key, callTime, effectTime, returnTime }, number) => {
    const before = states.get(key) ?? model.initial;
    const input = makeInput(random, before, client, number);
    if (effectTime === Number.POSITIVE_INFINITY) return { client, key, input, callTime };
    const { state, output } = model.apply(before, input);
    states.set(key, state);
    const call = { client, key, input, callTime };
    return returnTime === undefined ? call : { ...call, outcome: { returnTime, output } };
  });
}

function planEffects(random: Random, { clients, keys, operations, lostProbability }: Generation): Effect[] {
  const freeAt = new Array<number>(clients).fill(0);
  return Array.from({ length: operations }, (_, number) => {
    const index = number % clients;
    const callTime = (freeAt[index] ?? 0) + random.unit() * effectMs;
    const effectTime = callTime + random.unit() * effectMs;
    const returnTime = effectTime + random.unit() * effectMs;
    freeAt[index] = returnTime;
    const place = { client: `c${index}`, key: `k${random.below(keys)}`, callTime };
    if (random.unit() >= lostProbability) return { ...place, effectTime, returnTime };
    const lateTime = random.unit() < 0.5 ? callTime + random.unit() * lateMs : Number.POSITIVE_INFINITY;
    return { ...place, effectTime: lateTime, returnTime: undefined };
  });
}

/** Values are written once each, so that a value tells which write it came from. */
export const makeRegisterInput: InputMaker<RegisterValue, RegisterInput> = (random, state, _, number) => {
  const value = `v${number}`;
  switch (random.below(4)) {
    case 0:
      return { kind: 'write', value };
    case 1:
      return { kind: 'compareAndSet', expected: random.unit() < 0.7 ? state : `v${number >> 1}`, value };
    default:
      return { kind: 'read' };
  }
};

export const makeListInput: InputMaker<unknown, ListInput> = (random, _, client, number) =>
  random.unit() < 0.5 ? { kind: 'append', clientId: client, sequence: number } : { kind: 'read' };
