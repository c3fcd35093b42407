import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EntryBody } from '../../../../server/raft/entry.ts';
import { decodeEntryBody, encodeEntryBody } from '../../../../server/storage/entry-body.ts';

const ids = fc.array(fc.string({ minLength: 1, unit: 'grapheme' }));
const bodies: fc.Arbitrary<EntryBody> = fc.oneof(
  fc.constant({ kind: 'noop' as const }),
  fc.record({
    kind: fc.constant('command' as const),
    proposal: fc.record({
      clientId: fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme' }),
      sequence: fc.maxSafeNat(),
    }),
    bytes: fc.uint8Array({ maxLength: 100 }),
  }),
  fc.record({
    kind: fc.constant('configuration' as const),
    configuration: fc.record({
      voters: ids,
      outgoing: ids,
      learners: ids,
      learnersNext: ids,
      addresses: fc.dictionary(fc.string({ minLength: 1 }), fc.string(), { noNullPrototype: true }),
    }),
  }),
);

describe('the payload of an entry', () => {
  it('gives back any body', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        expect(decodeEntryBody(encodeEntryBody(body))).toEqual(body);
      }),
      { numRuns: 1_000 },
    );
  });

  it('has the form that earlier versions wrote', () => {
    const command: EntryBody = {
      kind: 'command',
      proposal: { clientId: 'ab', sequence: 1 },
      bytes: Uint8Array.of(9, 8),
    };
    expect([...encodeEntryBody(command)]).toEqual([2, 0, 0, 0, 0, 0, 0, 0, 240, 63, 97, 98, 9, 8]);
    expect(encodeEntryBody({ kind: 'noop' }).length).toBe(0);
  });
});
