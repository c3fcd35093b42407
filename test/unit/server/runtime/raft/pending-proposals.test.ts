import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../../../server/raft/entry.ts';
import { PendingProposals } from '../../../../../server/runtime/raft/pending-proposals.ts';

const id = (sequence: number) => ({ clientId: 'client', sequence });

function entry(index: number, term: number): Entry {
  return { index, term, body: { kind: 'command', proposal: id(index), bytes: new Uint8Array() } };
}

describe('proposals that wait', () => {
  it('are settled in the order of the log, with the place of the first of their kind', async () => {
    const pending = new PendingProposals();
    const outcomes = [pending.add(4, 2, id(1), 10), pending.add(6, 2, id(2), 20)];
    expect(pending.bytes).toBe(30);
    expect(pending.find(id(2))).toBe(outcomes[1]);
    pending.settle(entry(4, 2), { index: 4, epoch: 2 });
    pending.settle({ index: 5, term: 2, body: { kind: 'noop' } }, undefined);
    pending.settle(entry(6, 2), { index: 3, epoch: 1 });
    expect(await Promise.all(outcomes)).toEqual([
      { kind: 'committed', index: 4, epoch: 2 },
      { kind: 'committed', index: 3, epoch: 1 },
    ]);
    expect([pending.bytes, pending.find(id(2))]).toEqual([0, undefined]);
  });

  it('are unknown when another entry took their place, or was passed over', async () => {
    const pending = new PendingProposals();
    const outcomes = [pending.add(4, 2, id(1), 1), pending.add(5, 2, id(2), 1), pending.add(6, 2, id(3), 1)];
    pending.settle(entry(5, 3), { index: 5, epoch: 3 });
    pending.settle({ index: 6, term: 3, body: { kind: 'noop' } }, undefined);
    expect(await Promise.all(outcomes)).toEqual(outcomes.map(() => ({ kind: 'unknown' })));
  });

  it('are unknown when their leader lost its term, and only then', async () => {
    const pending = new PendingProposals();
    const old = pending.add(4, 2, id(1), 1);
    const young = pending.add(5, 3, id(2), 1);
    pending.abandonUnlessOf(3);
    expect(await old).toEqual({ kind: 'unknown' });
    expect(pending.find(id(2))).toBe(young);
    pending.abandonUnlessOf(undefined);
    expect(await young).toEqual({ kind: 'unknown' });
  });

  it('are refused when the table of sessions forgot what was before them', async () => {
    const pending = new PendingProposals();
    const outcome = pending.add(4, 2, id(1), 1);
    pending.settle(entry(4, 2), 'forgotten');
    await expect(outcome).rejects.toMatchObject({ code: 'conflict' });
  });

  it('keep their order while many are settled and more come', async () => {
    const pending = new PendingProposals();
    const outcomes: Promise<unknown>[] = [];
    for (let index = 1; index <= 5_000; index++) {
      outcomes.push(pending.add(index, 1, id(index), 1));
      // Two on their way all the time.
      if (index > 2) pending.settle(entry(index - 2, 1), { index: index - 2, epoch: 1 });
    }
    expect(pending.bytes).toBe(2);
    const settled = await Promise.all(outcomes.slice(0, -2));
    expect(settled).toEqual(
      settled.map((_, position) => ({ kind: 'committed', index: position + 1, epoch: 1 })),
    );
  });
});
