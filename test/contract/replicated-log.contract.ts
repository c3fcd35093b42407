import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogItem, ProposalOutcome, ReplicatedLog } from '../../server/runtime/ports.ts';
import { limits } from '../../shared/base/limits.ts';

/** One cluster under test. `open` starts it on what it stored before, and resolves when its member is the leader. */
export interface LogHarness {
  open(): Promise<ReplicatedLog>;
  dispose(): Promise<void>;
  /** Entries that are kept before a snapshot. */
  readonly trailingEntries: number;
}

const bytes = (text: string) => new TextEncoder().encode(text);

/** A readable line for each item. */
function describeItem(item: LogItem): string {
  if (item.kind === 'noop') return `${item.index} noop`;
  const content = new TextDecoder().decode(item.bytes);
  return item.kind === 'snapshot' ? `${item.index} snapshot ${content}` : `${item.index} ${content}`;
}

/** Items up to and including `lastIndex`. */
async function collect(log: ReplicatedLog, afterIndex: number, lastIndex: number): Promise<LogItem[]> {
  const items: LogItem[] = [];
  if (lastIndex <= afterIndex) return items;
  for await (const item of log.committed(afterIndex)) {
    items.push(item);
    if (item.index >= lastIndex) break;
  }
  return items;
}

async function commandsOf(log: ReplicatedLog, afterIndex = 0): Promise<string[]> {
  const items = await collect(log, afterIndex, await log.barrier());
  return items
    .filter(({ kind }) => kind === 'command')
    .map((item) => describeItem(item).replace(/^\d+ /, ''));
}

function assertGapFree(items: readonly LogItem[], afterIndex: number): void {
  let expected = afterIndex + 1;
  for (const item of items) {
    if (item.kind === 'snapshot') expect(item.index).toBeGreaterThanOrEqual(expected);
    else expect(item.index).toBe(expected);
    expected = item.index + 1;
  }
}

function committedIndex(outcome: ProposalOutcome): number {
  if (outcome.kind !== 'committed') throw new Error(`The proposal was ${outcome.kind}.`);
  return outcome.index;
}

/** What every `ReplicatedLog` keeps to. */
export function replicatedLogContract(name: string, createHarness: () => Promise<LogHarness>): void {
  describe(`${name} as a replicated log`, () => {
    let harness: LogHarness;
    let log: ReplicatedLog;
    let sequence = 0;

    beforeEach(async () => {
      harness = await createHarness();
      log = await harness.open();
      sequence = 0;
    });
    afterEach(async () => {
      await log.close();
      await harness.dispose();
    });

    const propose = async (text: string): Promise<number> =>
      committedIndex(await log.propose(bytes(text), { clientId: 'suite', sequence: ++sequence }));
    const reopen = async (): Promise<void> => {
      await log.close();
      log = await harness.open();
    };

    it('reports leadership under an epoch that grows with every start', async () => {
      const first = log.leadership();
      expect(first.isLeader).toBe(true);
      expect(first.epoch).toBeGreaterThan(0);
      await reopen();
      expect(log.leadership().epoch).toBeGreaterThan(first.epoch);
    });

    it('delivers commands in the order of their indexes, each once', async () => {
      const indexes = [await propose('a'), await propose('b'), await propose('c')];
      expect(indexes).toEqual([...indexes].sort((left, right) => left - right));
      const items = await collect(log, 0, await log.barrier());
      assertGapFree(items, 0);
      expect(await commandsOf(log)).toEqual(['a', 'b', 'c']);
      const delivered = items.find(({ index }) => index === indexes[1]);
      expect(delivered).toMatchObject({ proposal: { clientId: 'suite', sequence: 2 } });
      expect(delivered?.epoch).toBe(log.leadership().epoch);
    });

    it('keeps everything over a start, and goes on after it', async () => {
      await propose('a');
      await reopen();
      await propose('b');
      await reopen();
      expect(await commandsOf(log)).toEqual(['a', 'b']);
      assertGapFree(await collect(log, 0, await log.barrier()), 0);
    });

    it('resumes after any index', async () => {
      for (let count = 0; count < 12; count++) await propose(`command ${count}`);
      const last = await log.barrier();
      const all = (await collect(log, 0, last)).map(describeItem);
      for (let after = 0; after < last; after++) {
        expect((await collect(log, after, last)).map(describeItem)).toEqual(all.slice(after));
      }
    });

    it('commits proposals made at once, each at its own index', async () => {
      const texts = Array.from({ length: 200 }, (_, position) => `command ${position}`);
      const indexes = await Promise.all(texts.map(propose));
      expect(new Set(indexes).size).toBe(texts.length);
      expect((await commandsOf(log)).sort()).toEqual([...texts].sort());
    });

    it('covers with its barrier whatever was committed before', async () => {
      const index = await propose('a');
      expect(await log.barrier()).toBeGreaterThanOrEqual(index);
    });

    it('hands new items to consumers that wait, to each all of them', async () => {
      const last = (await log.barrier()) + 3;
      const consumers = [collect(log, 0, last), collect(log, last - 3, last)];
      await propose('a');
      await propose('b');
      await propose('c');
      const [all = [], newer = []] = await Promise.all(consumers);
      assertGapFree(all, 0);
      expect(newer.map(describeItem)).toEqual(all.slice(-3).map(describeItem));
    });

    it('lets a waiting consumer go', async () => {
      const iterator = log.committed(await log.barrier())[Symbol.asyncIterator]();
      const next = iterator.next();
      await iterator.return?.();
      expect((await next).done).toBe(true);
    });

    describe('a repeated proposal', () => {
      const proposal = { clientId: 'retry', sequence: 7 };

      it('is applied once, whether at once or later', async () => {
        const outcomes = await Promise.all([
          log.propose(bytes('x'), proposal),
          log.propose(bytes('x'), proposal),
        ]);
        outcomes.push(await log.propose(bytes('x'), proposal));
        expect(new Set(outcomes.map(committedIndex)).size).toBe(1);
        expect(await commandsOf(log)).toEqual(['x']);
      });

      it('is known after a start, and after the log before it was compacted', async () => {
        const index = committedIndex(await log.propose(bytes('x'), proposal));
        await reopen();
        expect(committedIndex(await log.propose(bytes('x'), proposal))).toBe(index);
        for (let count = 0; count < harness.trailingEntries + 5; count++) await propose('filler');
        await log.compact(await log.barrier(), bytes('state'));
        await reopen();
        expect(committedIndex(await log.propose(bytes('x'), proposal))).toBe(index);
      });

      it('differs from one of another client or an earlier number that was never proposed', async () => {
        await log.propose(bytes('x'), proposal);
        await log.propose(bytes('y'), { clientId: 'another', sequence: 7 });
        await log.propose(bytes('z'), { clientId: 'retry', sequence: 3 });
        expect(await commandsOf(log)).toEqual(['x', 'y', 'z']);
      });

      it('is refused, not applied again, when it is too old to be known', async () => {
        for (let number = 0; number <= limits.sequencesPerSessionMax; number++) {
          await log.propose(bytes(String(number)), { clientId: 'retry', sequence: number });
        }
        await expect(log.propose(bytes('0'), { clientId: 'retry', sequence: 0 })).rejects.toMatchObject({
          code: 'conflict',
        });
      });
    });

    describe('compaction', () => {
      const fill = async (count: number): Promise<number> => {
        for (let made = 0; made < count; made++) await propose(`command ${made}`);
        return log.barrier();
      };

      it('begins the stream with the snapshot, then goes on after it', async () => {
        const index = await fill(harness.trailingEntries + 20);
        await log.compact(index, bytes('state'));
        await propose('after');
        const check = async () => {
          const items = await collect(log, 0, await log.barrier());
          assertGapFree(items, 0);
          expect(items[0]?.kind).toBe('snapshot');
          expect(describeItem(items[0] as LogItem)).toBe(`${index} snapshot state`);
          expect(items[0]?.epoch).toBeGreaterThan(0);
          expect(await commandsOf(log)).toEqual(['after']);
        };
        await check();
        await reopen();
        await check();
      });

      it('keeps the trailing entries for consumers that are close behind', async () => {
        const index = await fill(harness.trailingEntries + 20);
        await log.compact(index, bytes('state'));
        const items = await collect(log, index - harness.trailingEntries, index);
        expect(items.map(({ kind }) => kind)).not.toContain('snapshot');
        assertGapFree(items, index - harness.trailingEntries);
      });

      it('takes a consumer that it overtook to the snapshot', async () => {
        const iterator = log.committed(0)[Symbol.asyncIterator]();
        await iterator.next();
        const index = await fill(harness.trailingEntries * 3 + 2_000);
        await log.compact(index, bytes('state'));
        const items: LogItem[] = [];
        while ((items.at(-1)?.index ?? 0) < index) {
          const { value, done } = await iterator.next();
          if (done) break;
          items.push(value);
        }
        await iterator.return?.();
        assertGapFree(items, 1);
        expect(items.at(-1)?.index).toBe(index);
      });

      it('ignores an older snapshot and refuses one of the future', async () => {
        const index = await fill(10);
        await log.compact(index, bytes('newer'));
        await log.compact(index - 5, bytes('older'));
        await expect(log.compact(index + 1, bytes('future'))).rejects.toMatchObject({ code: 'badRequest' });
        await reopen();
        expect(await commandsOf(log, index)).toEqual([]);
      });
    });

    describe('limits', () => {
      it('takes the largest command and refuses a larger one', async () => {
        const largest = new Uint8Array(limits.commandBytesMax).fill(7);
        await log.propose(largest, { clientId: 'suite', sequence: 1 });
        const items = await collect(log, 0, await log.barrier());
        const found = items.find(({ kind }) => kind === 'command');
        expect(found?.kind === 'command' && Buffer.compare(found.bytes, largest)).toBe(0);
        const larger = new Uint8Array(limits.commandBytesMax + 1);
        await expect(log.propose(larger, { clientId: 'suite', sequence: 2 })).rejects.toMatchObject({
          code: 'tooLarge',
        });
      });

      it('refuses what would exceed the memory for uncommitted commands, and recovers', async () => {
        const command = new Uint8Array(limits.commandBytesMax);
        const count = limits.logUncommittedBytesMax / limits.commandBytesMax + 4;
        const outcomes = await Promise.allSettled(
          Array.from({ length: count }, (_, number) =>
            log.propose(command, { clientId: 'suite', sequence: number }),
          ),
        );
        const refused = outcomes.filter(({ status }) => status === 'rejected');
        expect(refused.length).toBe(4);
        for (const outcome of refused) {
          expect(outcome).toMatchObject({ reason: { code: 'unavailable' } });
        }
        const retried = await log.propose(command, { clientId: 'suite', sequence: count - 1 });
        expect(retried.kind).toBe('committed');
      });

      it.each([
        { clientId: '', sequence: 1 },
        { clientId: 'x'.repeat(65), sequence: 1 },
        { clientId: 'x', sequence: -1 },
        { clientId: 'x', sequence: 0.5 },
      ])('refuses the proposal id %j', async (proposal) => {
        await expect(log.propose(bytes('a'), proposal)).rejects.toMatchObject({ code: 'badRequest' });
      });
    });

    it('ends its streams, its leadership and its service when it is closed', async () => {
      const changes: boolean[] = [];
      const unsubscribe = log.onLeadership(({ isLeader }) => changes.push(isLeader));
      log.onLeadership(() => changes.push(false))();
      const iterator = log.committed(await log.barrier())[Symbol.asyncIterator]();
      const next = iterator.next();
      await log.close();
      expect((await next).done).toBe(true);
      expect(changes).toEqual([false]);
      expect(log.leadership().isLeader).toBe(false);
      expect((await log.propose(bytes('a'), { clientId: 'suite', sequence: 1 })).kind).toBe('notLeader');
      unsubscribe();
    });

    it('agrees with a plain list under any mix of proposals, compactions and starts', async () => {
      const action = fc.oneof(
        { weight: 8, arbitrary: fc.constant('propose' as const) },
        { weight: 1, arbitrary: fc.constant('compact' as const) },
        { weight: 1, arbitrary: fc.constant('reopen' as const) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
          const start = await log.barrier();
          const oracle: string[] = [];
          let snapshot: { readonly index: number; readonly count: number } | undefined;
          for (const kind of actions) {
            if (kind === 'propose') {
              oracle.push(`value ${sequence + 1}`);
              await propose(`value ${sequence + 1}`);
            } else if (kind === 'reopen') await reopen();
            else {
              snapshot = { index: await log.barrier(), count: oracle.length };
              await log.compact(snapshot.index, bytes(oracle.join()));
            }
          }
          const items = await collect(log, start, await log.barrier());
          assertGapFree(items, start);
          const texts = items
            .filter(({ kind }) => kind !== 'noop')
            .map((item) => describeItem(item).replace(/^\d+ /, ''));
          if (items[0]?.kind !== 'snapshot') expect(texts).toEqual(oracle);
          else
            expect(texts).toEqual([
              `snapshot ${oracle.slice(0, snapshot?.count).join()}`,
              ...oracle.slice(snapshot?.count),
            ]);
        }),
        { numRuns: 25 },
      );
    });
  });
}
