import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SessionTable } from '../../../../server/raft/session-table.ts';
import { limits } from '../../../../shared/base/limits.ts';

const proposal = fc.record({ clientId: fc.string({ unit: 'grapheme' }), sequence: fc.nat({ max: 40 }) });

describe('SessionTable', () => {
  it('knows where each proposal was recorded, and which are new', () => {
    fc.assert(
      fc.property(fc.array(proposal, { maxLength: 60 }), proposal, (recorded, asked) => {
        const table = new SessionTable();
        const oracle = new Map<string, number>();
        recorded.forEach(({ clientId, sequence }, index) => {
          table.record({ clientId, sequence }, { index, epoch: 1 });
          oracle.set(JSON.stringify([clientId, sequence]), index);
        });
        const index = oracle.get(JSON.stringify([asked.clientId, asked.sequence]));
        expect(table.find(asked)).toEqual(index === undefined ? 'new' : { index, epoch: 1 });
      }),
    );
  });

  it('survives its encoding, whatever the clients are called', () => {
    fc.assert(
      fc.property(fc.array(proposal), (recorded) => {
        const table = new SessionTable();
        recorded.forEach((id, index) => {
          table.record(id, { index, epoch: index % 3 });
        });
        const copy = SessionTable.decode(table.encode());
        expect(copy.encode()).toEqual(table.encode());
        for (const id of recorded) expect(copy.find(id)).toEqual(table.find(id));
      }),
    );
  });

  it('calls what it no longer remembers of a client forgotten, not new', () => {
    const table = new SessionTable();
    const count = limits.sequencesPerSessionMax + 1;
    for (let sequence = 0; sequence < count; sequence++) {
      table.record({ clientId: 'a', sequence }, { index: sequence + 1, epoch: 1 });
    }
    expect(table.find({ clientId: 'a', sequence: 0 })).toBe('forgotten');
    expect(table.find({ clientId: 'a', sequence: 1 })).toEqual({ index: 2, epoch: 1 });
    expect(table.find({ clientId: 'a', sequence: count })).toBe('new');
  });

  it('forgets the client that was silent longest', () => {
    const table = new SessionTable();
    for (let client = 0; client <= limits.clientSessionsMax; client++) {
      table.record({ clientId: `${client}`, sequence: 1 }, { index: client + 1, epoch: 1 });
      table.record({ clientId: '0', sequence: client }, { index: client + 1, epoch: 1 });
    }
    expect(table.find({ clientId: '1', sequence: 1 })).toBe('new');
    expect(table.find({ clientId: '0', sequence: limits.clientSessionsMax })).not.toBe('new');
    expect(table.find({ clientId: '2', sequence: 1 })).not.toBe('new');
  });
});
