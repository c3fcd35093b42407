import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../../shared/base/random.ts';
import { createAppendListModel } from '../../../support/linearizability/append-list-model.ts';
import { checkHistory, type Verdict } from '../../../support/linearizability/check-history.ts';
import type { Operation } from '../../../support/linearizability/history.ts';
import type { Model } from '../../../support/linearizability/model.ts';
import {
  type RegisterInput,
  type RegisterOutput,
  registerModel,
} from '../../../support/linearizability/register-model.ts';
import { generateHistory, type InputMaker, makeListInput, makeRegisterInput } from './generated-history.ts';
import { listViolations } from './list-violations.ts';
import { isLinearizableByTrial } from './oracle.ts';
import { registerViolations } from './register-violations.ts';

type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

const seeds = Array.from({ length: 120 }, (_, seed) => seed);

const value = fc.constantFrom('1', '2', '3');
const maybeValue = fc.option(value, { nil: undefined });
const meaning: fc.Arbitrary<{ input: RegisterInput; output: RegisterOutput }> = fc.oneof(
  fc.record({
    input: fc.record({ kind: fc.constant('read' as const) }),
    output: fc.record({ kind: fc.constant('value' as const), value: maybeValue }),
  }),
  fc.record({
    input: fc.record({ kind: fc.constant('write' as const), value }),
    output: fc.record({ kind: fc.constant('written' as const) }),
  }),
  fc.record({
    input: fc.record({ kind: fc.constant('compareAndSet' as const), expected: maybeValue, value }),
    output: fc.record({ kind: fc.constant('compared' as const), isSet: fc.boolean() }),
  }),
);
/** Anything at all, on so few values and moments that about as many histories are good as bad. */
const anyOperation: fc.Arbitrary<RegisterOperation> = fc
  .record({
    meaning,
    key: fc.constantFrom('x', 'x', 'x', 'y'),
    callTime: fc.nat(12),
    lasts: fc.option(fc.nat(8), { freq: 4, nil: undefined }),
  })
  .map(({ meaning: { input, output }, key, callTime, lasts }) => {
    const call = { client: 'a', key, input, callTime };
    return lasts === undefined ? call : { ...call, outcome: { returnTime: callTime + lasts, output } };
  });

describe('small histories of anything', () => {
  it('are judged as the definition judges them', () => {
    const judged = { linearizable: 0, illegal: 0, unknown: 0 };
    fc.assert(
      fc.property(fc.array(anyOperation, { maxLength: 7 }), (history) => {
        const { kind } = checkHistory(registerModel, history);
        judged[kind] += 1;
        expect(kind).toBe(isLinearizableByTrial(registerModel, history) ? 'linearizable' : 'illegal');
      }),
      { numRuns: 20_000 },
    );
    expect(judged.linearizable).toBeGreaterThan(1_000);
    expect(judged.illegal).toBeGreaterThan(1_000);
  });
});

describe('small good histories with answers mixed up and returns moved', () => {
  it.each([
    ['registers', () => judgeDisturbed(registerModel, makeRegisterInput)],
    ['lists', () => judgeDisturbed(createAppendListModel(), makeListInput)],
  ] as const)('of %s are judged as the definition judges them', (_, judge) => {
    const judged = judge();
    expect(judged.linearizable).toBeGreaterThan(500);
    expect(judged.illegal).toBeGreaterThan(500);
    expect(judged.unknown).toBe(0);
  });
});

function judgeDisturbed<State, Input extends { kind: string }, Output>(
  model: Model<State, Input, Output>,
  makeInput: InputMaker<State, Input>,
): Record<Verdict<Input, Output>['kind'], number> {
  const judged = { linearizable: 0, illegal: 0, unknown: 0 };
  for (let seed = 0; seed < 6_000; seed++) {
    const small = { seed, clients: 3, keys: 1, operations: 7, lostProbability: 0.2 };
    const history = disturb(generateHistory(model, makeInput, small), seed);
    const { kind } = checkHistory(model, history);
    judged[kind] += 1;
    if ((kind === 'linearizable') !== isLinearizableByTrial(model, history))
      expect.fail(`seed ${seed} is judged ${kind}: ${JSON.stringify(history)}`);
  }
  return judged;
}

/** Exchanges the answers of two operations of a kind, or cuts one short. */
function disturb<Input extends { kind: string }, Output>(
  history: readonly Operation<Input, Output>[],
  seed: number,
): Operation<Input, Output>[] {
  const random = createRandom(seed + 1_000_000);
  const finished = history.filter(({ outcome }) => outcome !== undefined);
  const first = finished[random.below(Math.max(1, finished.length))];
  if (first?.outcome === undefined) return [...history];
  const { returnTime, output } = first.outcome;
  const second = finished.find((other) => other !== first && other.input.kind === first.input.kind);
  if (random.below(2) === 0 || second?.outcome === undefined) {
    const sooner = first.callTime + random.unit() * (returnTime - first.callTime);
    return history.map((operation) =>
      operation === first ? { ...first, outcome: { output, returnTime: sooner } } : operation,
    );
  }
  const other = second.outcome;
  return history.map((operation) => {
    if (operation === first) return { ...first, outcome: { returnTime, output: other.output } };
    return operation === second ? { ...second, outcome: { ...other, output } } : operation;
  });
}

const shape = { clients: 6, keys: 3, operations: 180, lostProbability: 0.08 };

describe('generated good histories', () => {
  it('are linearizable', () => {
    for (const seed of seeds) {
      const registers = generateHistory(registerModel, makeRegisterInput, { ...shape, seed });
      expect(checkHistory(registerModel, registers).kind).toBe('linearizable');
      const model = createAppendListModel();
      const lists = generateHistory(model, makeListInput, { ...shape, seed });
      expect(checkHistory(model, lists).kind).toBe('linearizable');
    }
  });

  it.each(Object.entries(registerViolations))('show %s when it is planted in registers', (_, plant) => {
    let planted = 0;
    for (const seed of seeds) {
      const history = generateHistory(registerModel, makeRegisterInput, { ...shape, seed });
      const broken = plant(history, createRandom(seed));
      if (broken === undefined) continue;
      planted += 1;
      expect(checkHistory(registerModel, broken).kind).toBe('illegal');
    }
    expect(planted).toBeGreaterThan(seeds.length / 2);
  });

  it.each(Object.entries(listViolations))('show %s when it is planted in lists', (_, plant) => {
    let planted = 0;
    for (const seed of seeds) {
      const model = createAppendListModel();
      const history = generateHistory(model, makeListInput, { ...shape, seed });
      const broken = plant(history, createRandom(seed));
      if (broken === undefined) continue;
      planted += 1;
      expect(checkHistory(model, broken).kind).toBe('illegal');
    }
    expect(planted).toBeGreaterThan(seeds.length / 2);
  });
});

describe('long histories', () => {
  it('of many objects are checked whole', () => {
    const long = { seed: 1, clients: 8, keys: 1_000, operations: 100_000, lostProbability: 0.01 };
    const history = generateHistory(registerModel, makeRegisterInput, long);
    expect(checkHistory(registerModel, history).kind).toBe('linearizable');
    const last = history.findLast(({ input, outcome }) => input.kind === 'read' && outcome !== undefined);
    const broken = history.map((operation) =>
      operation === last
        ? {
            ...last,
            outcome: {
              returnTime: last.outcome!.returnTime,
              output: { kind: 'value', value: 'ghost' } as const,
            },
          }
        : operation,
    );
    expect(checkHistory(registerModel, broken)).toMatchObject({ kind: 'illegal', key: last?.key });
  });

  it('of one object are checked whole', () => {
    const long = { seed: 2, clients: 8, keys: 1, operations: 20_000, lostProbability: 0.0005 };
    const history = generateHistory(registerModel, makeRegisterInput, long);
    expect(checkHistory(registerModel, history).kind).toBe('linearizable');
  });
});

describe('a search that reaches its bounds', () => {
  /** These writes may come in any order: none of them explains the last read, and there are too many to try. */
  const endless: RegisterOperation[] = [
    ...Array.from(
      { length: 24 },
      (_, index): RegisterOperation => ({
        client: `w${index}`,
        key: 'hard',
        input: { kind: 'write', value: `${index}` },
        callTime: 0,
        outcome: { returnTime: 100, output: { kind: 'written' } },
      }),
    ),
    {
      client: 'r',
      key: 'hard',
      input: { kind: 'read' },
      callTime: 200,
      outcome: { returnTime: 201, output: { kind: 'value', value: 'never' } },
    },
  ];
  const bad: RegisterOperation = {
    client: 'b',
    key: 'plain',
    input: { kind: 'read' },
    callTime: 0,
    outcome: { returnTime: 1, output: { kind: 'value', value: 'ghost' } },
  };

  it('ends as unknown by the number of configurations', () => {
    const verdict = checkHistory(registerModel, endless, { configurationsMax: 1_000 });
    expect(verdict).toMatchObject({ kind: 'unknown', key: 'hard' });
    expect(verdict.kind === 'unknown' && verdict.configurations).toBeLessThanOrEqual(1_000);
  });

  it('ends as unknown by the time', () => {
    expect(checkHistory(registerModel, endless, { timeMsMax: 1 })).toMatchObject({ kind: 'unknown' });
  });

  it('still finds a violation on another object', () => {
    const verdict = checkHistory(registerModel, [...endless, bad], { configurationsMax: 1_000 });
    expect(verdict).toMatchObject({ kind: 'illegal', key: 'plain' });
  });
});
