import { describe, expect, it } from 'vitest';
import { PowerLoss, SimulatedDisk } from '../../../../../server/storage/disk/simulated-disk.ts';
import type { LogEntry } from '../../../../../server/storage/segment-log/record.ts';
import { SegmentLog } from '../../../../../server/storage/segment-log/segment-log.ts';
import { createRandom } from '../../../../../shared/base/random.ts';

const clusterId = '00112233445566778899aabbccddeeff';
const folder = 'log';

function open(disk: SimulatedDisk, segmentBytes = 4_096, onFatal: (error: Error) => void = () => {}) {
  return SegmentLog.open({ disk, folder, clusterId, segmentBytes, onFatal });
}

function entry(index: number, term = 1, payload = `value ${index}`): LogEntry {
  return { index, term, payload: new TextEncoder().encode(payload) };
}

async function readAll(log: SegmentLog): Promise<string[]> {
  const texts: string[] = [];
  let next = log.firstIndex;
  for (;;) {
    const entries = await log.read(next, 200);
    if (entries.length === 0) return texts;
    for (const { index, term, payload } of entries) {
      if (index !== next++) throw new Error(`entry ${index} where ${next - 1} was expected`);
      texts.push(`${index}/${term} ${new TextDecoder().decode(payload)}`);
    }
  }
}

const texts = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, position) => `${from + position}/1 value ${from + position}`);

describe('a segment log', () => {
  it('gives back entries and hard state after it is opened again', async () => {
    const disk = new SimulatedDisk();
    const log = await open(disk);
    await log.append([entry(1), entry(2)], { term: 1, vote: 'me', commit: 0 });
    await log.append([entry(3)]);
    await log.close();
    const again = await open(disk);
    expect(await readAll(again)).toEqual(texts(1, 3));
    expect(again.hardState).toEqual({ term: 1, vote: 'me', commit: 0 });
    expect(again.tornBytes).toBe(0);
  });

  it('goes through many segments, and keeps the hard state when the first ones are removed', async () => {
    const disk = new SimulatedDisk();
    const log = await open(disk, 1_024);
    await log.append([], { term: 7, vote: 'other', commit: 3 });
    for (let index = 1; index <= 100; index++) await log.append([entry(index)]);
    expect(await readAll(log)).toEqual(texts(1, 100));
    await log.compact(60);
    const first = log.firstIndex;
    expect(first).toBeGreaterThan(40);
    expect(first).toBeLessThanOrEqual(61);
    await expect(log.read(first - 1, 100)).rejects.toMatchObject({ code: 'notFound' });
    await log.close();
    const again = await open(disk, 1_024);
    expect(again.firstIndex).toBe(first);
    expect(await readAll(again)).toEqual(texts(first, 100));
    expect(again.hardState).toEqual({ term: 7, vote: 'other', commit: 3 });
  });

  it('replaces a suffix, and begins anew after a reset', async () => {
    const disk = new SimulatedDisk();
    const log = await open(disk, 1_024);
    for (let index = 1; index <= 30; index++) await log.append([entry(index)]);
    await log.append([entry(20, 2, 'new')]);
    expect(log.lastIndex).toBe(20);
    expect(log.termAt(20)).toBe(2);
    await log.close();
    const again = await open(disk, 1_024);
    expect(await readAll(again)).toEqual([...texts(1, 19), '20/2 new']);
    await again.reset(500, 3);
    await again.append([entry(501, 3)]);
    await again.close();
    expect(await readAll(await open(disk, 1_024))).toEqual(['501/3 value 501']);
  });

  it('replaces entries of a segment that was dropped since', async () => {
    const disk = new SimulatedDisk();
    const log = await open(disk, 1_024);
    let next = 1;
    while (disk.paths().length < 2) await log.append([entry(next++)]);
    // The second segment begins with its first entry; now older ones are replaced, and it holds all that counts.
    await log.append([entry(next++)]);
    for (let index = next - 4; index < next; index++) await log.append([entry(index, 2)]);
    await log.compact(next - 1);
    expect(disk.paths()).toEqual(['log/0000000002.segment']);
    await log.close();
    const again = await open(disk, 1_024);
    expect([again.firstIndex, again.lastIndex]).toEqual([next - 4, next - 1]);
    expect(again.termAt(next - 4)).toBe(2);
  });

  it('shares one sync among the appends of one turn', async () => {
    const disk = new SimulatedDisk();
    const log = await open(disk, 65_536);
    const before = disk.operations;
    await Promise.all(Array.from({ length: 50 }, (_, position) => log.append([entry(position + 1)])));
    // The write, the sync, and the mark.
    expect(disk.operations - before).toBeLessThanOrEqual(3);
    expect(await readAll(log)).toEqual(texts(1, 50));
  });

  it('treats a failed sync as fatal: nothing is acknowledged then or later', async () => {
    const disk = new SimulatedDisk();
    const fatal: Error[] = [];
    const log = await open(disk, 4_096, (error) => fatal.push(error));
    await log.append([entry(1)]);
    disk.datasyncFailure = new Error('EIO');
    const outcomes = await Promise.allSettled([log.append([entry(2)]), log.append([entry(3)])]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(log.append([entry(2)])).rejects.toThrow('EIO');
    expect(fatal.map(({ message }) => message)).toEqual(['EIO']);
    expect(await readAll(await open(disk.crash('lose')))).toEqual(texts(1, 1));
  });

  it("refuses another cluster's log and a missing segment", async () => {
    const disk = new SimulatedDisk();
    const log = await open(disk, 1_024);
    for (let index = 1; index <= 60; index++) await log.append([entry(index)]);
    await log.close();
    const other = { disk, folder, clusterId: 'ff'.repeat(16), onFatal: () => {} };
    await expect(SegmentLog.open(other)).rejects.toMatchObject({ code: 'conflict' });
    await disk.remove('log/0000000002.segment');
    await expect(open(disk, 1_024)).rejects.toMatchObject({ code: 'corrupted' });
  });
});

describe('after a power loss at any operation', () => {
  interface Run {
    readonly disk: SimulatedDisk;
    readonly acknowledged: number;
    readonly compacted: number;
    readonly term: number;
  }

  /** Batches of one to three entries, over several segments, with hard states and a compaction. */
  async function runUntilPowerFails(operations: number): Promise<Run> {
    const disk = new SimulatedDisk();
    disk.powerFailsAfter = operations;
    let [acknowledged, compacted, term] = [0, 0, 0];
    try {
      const log = await open(disk, 1_536);
      for (let step = 1; step <= 24; step++) {
        const next = acknowledged + 1;
        const batch = Array.from({ length: (step % 3) + 1 }, (_, position) => entry(next + position));
        await log.append(batch, step % 4 === 0 ? { term: step, vote: 'a', commit: acknowledged } : undefined);
        acknowledged += batch.length;
        if (step % 4 === 0) term = step;
        if (step === 16) {
          compacted = 15;
          await log.compact(compacted);
        }
      }
    } catch {}
    return { disk, acknowledged, compacted, term };
  }

  async function check(run: Run, survivor: SimulatedDisk): Promise<void> {
    const log = await open(survivor, 1_536);
    expect(log.firstIndex).toBeLessThanOrEqual(run.compacted + 1);
    expect(log.lastIndex).toBeGreaterThanOrEqual(run.acknowledged);
    expect(log.lastIndex).toBeLessThanOrEqual(run.acknowledged + 3);
    expect(await readAll(log)).toEqual(texts(log.firstIndex, log.lastIndex));
    expect(log.hardState.term).toBeGreaterThanOrEqual(run.term);
    const next = log.lastIndex + 1;
    await log.append([entry(next)]);
    await log.close();
    const again = await open(survivor.crash('lose'), 1_536);
    expect(await readAll(again)).toEqual(texts(again.firstIndex, next));
  }

  it('every acknowledged entry is there, none is invented, and the log goes on', async () => {
    const whole = await runUntilPowerFails(Number.POSITIVE_INFINITY);
    expect(whole.acknowledged).toBe(48);
    for (let operations = 0; operations <= whole.disk.operations; operations++) {
      const run = await runUntilPowerFails(operations);
      await check(run, run.disk.crash('lose'));
      await check(run, run.disk.crash('keep'));
      for (let seed = 0; seed < 12; seed++) await check(run, run.disk.crash(createRandom(seed)));
    }
  });
});

describe('after the process was killed, with its writes in the page cache only', () => {
  it('makes durable what it recovers, before anyone can read it', async () => {
    const disk = new SimulatedDisk();
    const log = await open(disk);
    await log.append([entry(1)]);
    // The next write gets through, its sync does not.
    disk.powerFailsAfter = 1;
    await expect(log.append([entry(2)])).rejects.toThrow(PowerLoss);
    disk.powerFailsAfter = Number.POSITIVE_INFINITY;
    expect(await readAll(await open(disk))).toEqual(texts(1, 2));
    expect(await readAll(await open(disk.crash('lose')))).toEqual(texts(1, 2));
  });
});
