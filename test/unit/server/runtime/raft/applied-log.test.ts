import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterConfiguration } from '../../../../../server/raft/cluster-configuration.ts';
import type { Entry } from '../../../../../server/raft/entry.ts';
import type { RaftStored } from '../../../../../server/raft/raft.ts';
import { AppliedLog } from '../../../../../server/runtime/raft/applied-log.ts';
import { decodeSnapshotBlob, hashSnapshot } from '../../../../../server/runtime/raft/snapshot-blob.ts';
import { limits } from '../../../../../shared/base/limits.ts';

const hardState = { term: 1, vote: 'a', commit: 0 };

function configuration(...voters: string[]): ClusterConfiguration {
  return { voters, outgoing: [], learners: [], learnersNext: [], addresses: {} };
}

const empty: RaftStored = {
  hardState,
  snapshot: undefined,
  entries: [],
  initialConfiguration: configuration('a'),
};

function command(index: number, clientId: string, sequence: number, bytes = new Uint8Array(8)): Entry {
  return { index, term: 1, body: { kind: 'command', proposal: { clientId, sequence }, bytes } };
}

async function* iterate(entries: readonly Entry[]): AsyncGenerator<Entry> {
  yield* entries;
}

/** Which of the entries are commands, to those who read them. */
const kinds = (log: AppliedLog, entries: readonly Entry[]) => entries.map((entry) => log.itemOf(entry).kind);

describe('what is applied', () => {
  it('has a repeated proposal as a marker, and tells where it was first', () => {
    const log = new AppliedLog(empty);
    const entries = [command(1, 'x', 5), command(2, 'y', 5), command(3, 'x', 5)];
    expect(entries.map((entry) => log.apply(entry))).toEqual([
      { index: 1, epoch: 1 },
      { index: 2, epoch: 1 },
      { index: 1, epoch: 1 },
    ]);
    expect(kinds(log, entries)).toEqual(['command', 'command', 'noop']);
  });

  it('has one that is too old to know as a marker too', () => {
    const log = new AppliedLog(empty);
    let index = 1;
    for (; index <= limits.sequencesPerSessionMax + 1; index++) log.apply(command(index, 'x', index));
    const late = command(index, 'x', 1);
    expect(log.apply(late)).toBe('forgotten');
    expect(log.itemOf(late).kind).toBe('noop');
  });

  it('is the same to a member that goes on from a snapshot, wherever that was taken', async () => {
    const proposals = fc.array(fc.record({ client: fc.constantFrom('x', 'y', 'z'), sequence: fc.nat(12) }), {
      minLength: 2,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(proposals, fc.nat(), async (list, choice) => {
        const entries = list.map(({ client, sequence }, position) => command(position + 1, client, sequence));
        const whole = new AppliedLog(empty);
        for (const entry of entries) whole.apply(entry);
        // It is taken at an index that was left behind, as consumers take theirs.
        const index = 1 + (choice % entries.length);
        const snapshot = await whole.makeSnapshot(index, new Uint8Array(3), iterate(entries.slice(0, index)));
        const resumed = new AppliedLog({ ...empty, snapshot });
        const rest = entries.slice(index);
        expect(rest.map((entry) => resumed.apply(entry))).toEqual(
          rest.map((entry) => {
            const first = entries.findIndex((other) => same(other, entry)) + 1;
            return { index: first, epoch: 1 };
          }),
        );
        expect(kinds(resumed, rest)).toEqual(kinds(whole, rest));
        const installed = new AppliedLog(empty);
        installed.install(snapshot);
        for (const entry of rest) installed.apply(entry);
        expect(kinds(installed, rest)).toEqual(kinds(whole, rest));
      }),
      { numRuns: 300 },
    );
  });

  it('makes snapshots with term, configuration and hash of their index', async () => {
    const log = new AppliedLog(empty);
    const entries: Entry[] = [
      command(1, 'x', 1),
      { index: 2, term: 2, body: { kind: 'configuration', configuration: configuration('a', 'b') } },
      { index: 3, term: 3, body: { kind: 'noop' } },
      { index: 4, term: 3, body: { kind: 'configuration', configuration: configuration('b') } },
    ];
    for (const entry of entries) log.apply(entry);
    const state = Uint8Array.of(1, 2, 3);
    const { meta, bytes } = await log.makeSnapshot(3, state, iterate(entries.slice(0, 3)));
    expect(meta).toMatchObject({ index: 3, term: 3, configuration: configuration('a', 'b') });
    expect([meta.totalBytes, meta.sha256]).toEqual([bytes.length, hashSnapshot(bytes)]);
    expect(decodeSnapshotBlob(bytes).state).toEqual(state);
    log.compact({ meta, bytes }, 1);
    expect(log.firstIndex).toBe(3);
    const next = await log.makeSnapshot(4, state, iterate(entries.slice(3)));
    expect(next.meta.configuration).toEqual(configuration('b'));
  });

  it('keeps the newest entries in memory, and not more', () => {
    const log = new AppliedLog(empty);
    const size = limits.raftRecentBytesMax / 16;
    for (let index = 1; index <= 100; index++) {
      log.apply(command(index, 'x', index, new Uint8Array(size)));
      expect(log.recentFrom(index)?.map((entry) => entry.index)).toEqual([index]);
    }
    expect(log.recentFrom(95)?.map(({ index }) => index)).toEqual([95, 96, 97, 98, 99, 100]);
    expect(log.recentFrom(84)).toBe(undefined);
  });
});

function same(one: Entry, other: Entry): boolean {
  if (one.body.kind !== 'command' || other.body.kind !== 'command') return false;
  const [left, right] = [one.body.proposal, other.body.proposal];
  return left.clientId === right.clientId && left.sequence === right.sequence;
}
