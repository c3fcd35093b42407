import { describe, expect, it } from 'vitest';
import { createAppendListModel } from '../../../support/linearizability/append-list-model.ts';
import { checkHistory } from '../../../support/linearizability/check-history.ts';
import { describeVerdict } from '../../../support/linearizability/describe-verdict.ts';
import { registerModel } from '../../../support/linearizability/register-model.ts';
import { drawLists, drawRegisters } from './drawn-history.ts';
import { badListHistories, goodListHistories } from './list-histories.ts';
import { isLinearizableByTrial } from './oracle.ts';
import { badRegisterHistories, goodRegisterHistories } from './register-histories.ts';

describe('histories of registers', () => {
  it.each(goodRegisterHistories)('allows $about', ({ lines }) => {
    const history = drawRegisters(...lines);
    expect(checkHistory(registerModel, history).kind).toBe('linearizable');
    expect(isLinearizableByTrial(registerModel, history)).toBe(true);
  });

  it.each(badRegisterHistories)('finds $about', ({ lines }) => {
    const history = drawRegisters(...lines);
    expect(checkHistory(registerModel, history).kind).toBe('illegal');
    expect(isLinearizableByTrial(registerModel, history)).toBe(false);
  });
});

describe('histories of lists of commands', () => {
  it.each(goodListHistories)('allows $about', ({ lines }) => {
    const history = drawLists(...lines);
    expect(checkHistory(createAppendListModel(), history).kind).toBe('linearizable');
    expect(isLinearizableByTrial(createAppendListModel(), history)).toBe(true);
  });

  it.each(badListHistories)('finds $about', ({ lines }) => {
    const history = drawLists(...lines);
    expect(checkHistory(createAppendListModel(), history).kind).toBe('illegal');
    expect(isLinearizableByTrial(createAppendListModel(), history)).toBe(false);
  });
});

describe('what is told of a violation', () => {
  it('names the return that nothing explains, and an order of what came before', () => {
    const verdict = checkHistory(registerModel, drawRegisters('a: [w1] [r1] [w2]', 'b:                [r1]'));
    expect(verdict.kind).toBe('illegal');
    if (verdict.kind !== 'illegal') return;
    expect(verdict.stuckAt).toMatchObject({ client: 'b', outcome: { output: { value: '1' } } });
    expect(verdict.order.map(({ input }) => input.kind)).toEqual(['write', 'read', 'write']);
    expect(describeVerdict(verdict)).toContain('not linearizable on k');
  });

  it('refuses a return before its call', () => {
    const [operation] = drawRegisters('a: [w1]');
    const backwards = { ...operation!, outcome: { returnTime: -1, output: { kind: 'written' } as const } };
    expect(() => checkHistory(registerModel, [backwards])).toThrow('before its call');
  });
});
