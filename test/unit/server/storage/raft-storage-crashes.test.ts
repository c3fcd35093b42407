import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../../server/raft/entry.ts';
import type { HardState, RaftStored, Snapshot } from '../../../../server/raft/raft.ts';
import type { Persist, RaftStorage } from '../../../../server/runtime/raft/raft-storage.ts';
import { hashSnapshot } from '../../../../server/runtime/raft/snapshot-blob.ts';
import { SimulatedDisk } from '../../../../server/storage/disk/simulated-disk.ts';
import { openRaftStorage } from '../../../../server/storage/raft-storage.ts';
import { createRandom, type Random } from '../../../../shared/base/random.ts';

/**
 * Workloads of a Raft member are cut off at every operation of the disk, and each disk that a crash may leave is opened.
 * It must hold what some prefix of the writes made, and at least those that were acknowledged: then no acknowledged
 * entry is lost, and no term sees a second vote.
 */
interface Model {
  readonly term: number;
  readonly vote: string;
  readonly snapshotIndex: number;
  /** Terms of the entries behind the snapshot. */
  readonly terms: readonly number[];
}

interface Write {
  /** It has its place among the others; a compaction has none. */
  readonly isOrdered: boolean;
  readonly perform: (storage: RaftStorage) => Promise<void>;
  /** What the disk may hold when a crash cuts the write off, and at the end what it holds after it. */
  readonly states: readonly Model[];
}

const describeModel = ({ term, vote, snapshotIndex, terms }: Model) =>
  `term ${term} vote ${vote} snapshot ${snapshotIndex} entries ${terms.join(' ')}`;

function modelOf({ hardState, snapshot, entries }: RaftStored): string {
  const snapshotIndex = snapshot?.meta.index ?? 0;
  const terms = entries.filter(({ index }) => index > snapshotIndex).map(({ term }) => term);
  return describeModel({ term: hardState.term, vote: hardState.vote, snapshotIndex, terms });
}

function open(disk: SimulatedDisk) {
  const initialVoters = { a: 'host-a:1', b: 'host-b:1' };
  const clusterId = '0f'.repeat(16);
  return openRaftStorage({
    disk,
    folder: 'data',
    clusterId,
    nodeId: 'a',
    initialVoters,
    segmentBytes: 1_024,
    onFatal: () => {},
  });
}

function entry(index: number, term: number): Entry {
  const bytes = new TextEncoder().encode(`value ${index} of ${term}`);
  return { index, term, body: { kind: 'command', proposal: { clientId: 'client', sequence: index }, bytes } };
}

function snapshotAt(index: number, term: number): Snapshot {
  const bytes = new Uint8Array(300).fill(index);
  const configuration = {
    voters: ['a', 'b'],
    outgoing: [],
    learners: [],
    learnersNext: [],
    addresses: { a: 'host-a:1', b: 'host-b:1' },
  };
  return {
    meta: { index, term, configuration, totalBytes: bytes.length, sha256: hashSnapshot(bytes) },
    bytes,
  };
}

const nothing: Persist = { hardState: undefined, snapshot: undefined, replacesLog: false, entries: [] };

function appendWrite(model: Model, random: Random): Write {
  const hasNewTerm = random.below(3) === 0;
  const term = model.term + (hasNewTerm ? 1 + random.below(3) : 0);
  const vote = hasNewTerm ? (['', 'a', 'b'][random.below(3)] ?? '') : model.vote;
  const hardState: HardState | undefined = hasNewTerm ? { term, vote, commit: 0 } : undefined;
  const removed = hasNewTerm ? random.below(Math.min(3, model.terms.length) + 1) : 0;
  const first = model.snapshotIndex + model.terms.length - removed + 1;
  const count = random.below(4);
  const entries = Array.from({ length: count }, (_, position) => entry(first + position, term));
  const states: Model[] = [{ ...model, term, vote }];
  for (let written = 1; written <= count; written++) {
    const kept = model.terms.slice(0, model.terms.length - removed);
    states.push({ ...model, term, vote, terms: [...kept, ...Array<number>(written).fill(term)] });
  }
  return {
    isOrdered: true,
    perform: (storage) => storage.persist({ ...nothing, hardState, entries }),
    states,
  };
}

function compactWrite(model: Model, random: Random): Write {
  const dropped = 1 + random.below(model.terms.length);
  const kept = random.below(3);
  const index = model.snapshotIndex + dropped;
  const compacted = { ...model, snapshotIndex: index, terms: model.terms.slice(dropped) };
  return {
    isOrdered: false,
    perform: async (storage) => {
      await storage.saveSnapshot(snapshotAt(index, model.terms[dropped - 1] ?? 0));
      await storage.dropEntries(index - kept);
    },
    states: [compacted],
  };
}

function replaceWrite(model: Model, random: Random): Write {
  const term = model.term + 1;
  const index = model.snapshotIndex + 1 + random.below(model.terms.length + 10);
  const hardState = { term, vote: '', commit: index };
  const snapshot = snapshotAt(index, term);
  const withTerm = { ...model, term, vote: '' };
  const replaced = { ...withTerm, snapshotIndex: index, terms: [] };
  return {
    isOrdered: true,
    perform: (storage) =>
      storage.persist({ hardState, snapshot, replacesLog: true, entries: [entry(index + 1, term)] }),
    states: [withTerm, replaced, { ...replaced, terms: [term] }],
  };
}

function createWorkload(seed: number): readonly Write[] {
  const random = createRandom(seed);
  let model: Model = { term: 0, vote: '', snapshotIndex: 0, terms: [] };
  return Array.from({ length: 24 }, () => {
    const choice = random.below(8);
    const make =
      choice === 0 ? replaceWrite : choice === 1 && model.terms.length > 0 ? compactWrite : appendWrite;
    const write = make(model, random);
    model = write.states.at(-1) ?? model;
    return write;
  });
}

interface Run {
  readonly disk: SimulatedDisk;
  /** What the disk may hold: the last state that was acknowledged, and those of the writes after it. */
  readonly allowed: ReadonlySet<string>;
}

/** Where their order is given, two writes at a time, as a member does while the disk is slow. */
async function runUntilPowerFails(writes: readonly Write[], operations: number): Promise<Run> {
  const disk = new SimulatedDisk();
  disk.powerFailsAfter = operations;
  let acknowledged: Model = { term: 0, vote: '', snapshotIndex: 0, terms: [] };
  let under: readonly Write[] = [];
  try {
    const { storage } = await open(disk);
    for (let position = 0; position < writes.length; ) {
      const pair = writes.slice(position, position + 2);
      under = pair.every(({ isOrdered }) => isOrdered) ? pair : pair.slice(0, 1);
      const results = await Promise.allSettled(under.map(({ perform }) => perform(storage)));
      for (const { status } of results) {
        if (status === 'rejected') throw new Error('The power has failed.');
        acknowledged = under[0]?.states.at(-1) ?? acknowledged;
        under = under.slice(1);
        position += 1;
      }
    }
  } catch {}
  const states = [acknowledged, ...under.flatMap((write) => write.states)];
  return { disk, allowed: new Set(states.map(describeModel)) };
}

describe('a member that loses its power at any operation of its disk', () => {
  it.each(Array.from({ length: 16 }, (_, seed) => seed))(
    'holds what it acknowledged, workload %i',
    async (seed) => {
      const writes = createWorkload(seed);
      const total = (await runUntilPowerFails(writes, Number.POSITIVE_INFINITY)).disk.operations;
      for (let operations = 0; operations <= total; operations++) {
        const { disk, allowed } = await runUntilPowerFails(writes, operations);
        const modes = [
          'lose',
          'keep',
          ...Array.from({ length: 6 }, (_, each) => createRandom(each)),
        ] as const;
        for (const mode of modes) {
          const survivor = disk.crash(mode);
          const { storage, stored } = await open(survivor);
          const found = modelOf(stored);
          if (!allowed.has(found)) {
            throw new Error(`After ${operations} operations: ${found}\nallowed:\n${[...allowed].join('\n')}`);
          }
          await storage.close();
          // What was recovered stays so, whatever happens next.
          expect(modelOf((await open(survivor.crash('lose'))).stored)).toBe(found);
        }
      }
      expect(total).toBeGreaterThan(60);
    },
  );
});
