import { describe, expect, it } from 'vitest';
import { sectorBytes } from '../../../../../server/storage/disk/disk.ts';
import { PowerLoss, SimulatedDisk } from '../../../../../server/storage/disk/simulated-disk.ts';
import { markBytes } from '../../../../../server/storage/segment-log/mark.ts';
import type { LogEntry } from '../../../../../server/storage/segment-log/record.ts';
import { SegmentLog } from '../../../../../server/storage/segment-log/segment-log.ts';
import { GradswarmError } from '../../../../../shared/base/errors.ts';
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

describe('a log of 64 acknowledged records', () => {
  const path = 'log/0000000001.segment';
  const written = texts(1, 64).join();

  async function writeLog(): Promise<SimulatedDisk> {
    const disk = new SimulatedDisk();
    const log = await open(disk, 4_096);
    for (let index = 1; index <= 64; index += 4) {
      await log.append([entry(index), entry(index + 1), entry(index + 2), entry(index + 3)]);
    }
    await log.close();
    return disk;
  }

  /** Either the damage is named with its file, or every entry is read as it was written. */
  async function expectDetectedOrHarmless(disk: SimulatedDisk): Promise<'detected' | 'harmless'> {
    try {
      const log = await open(disk, 4_096);
      const found = await readAll(log);
      if (found.join() !== written) throw new Error(`Silently changed: ${found.join()}`);
      return 'harmless';
    } catch (error) {
      if (!(error instanceof GradswarmError) || !error.message.includes(path)) throw error;
      return 'detected';
    }
  }

  it('survives or reports every truncation', async () => {
    const disk = await writeLog();
    const bytes = disk.fileBytes(path);
    for (let length = 0; length < bytes.length; length++) {
      expect(await expectDetectedOrHarmless(disk.withFile(path, bytes.subarray(0, length)))).toBe('detected');
    }
  });

  it('survives or reports the loss of everything after any byte', async () => {
    const disk = await writeLog();
    const bytes = disk.fileBytes(path);
    const writtenEnd = bytes.findLastIndex((byte) => byte !== 0) + 1;
    const lastBatchEnd = writtenEnd - markBytes;
    for (let end = lastBatchEnd + 1; end < bytes.length; end++) {
      const zeroed = bytes.slice();
      zeroed.fill(0, end);
      await expectDetectedOrHarmless(disk.withFile(path, zeroed));
    }
  });

  it('reports a lost sector as corruption, because a later mark proves that it was synced', async () => {
    const disk = await writeLog();
    const bytes = disk.fileBytes(path);
    const writtenSectors = Math.floor(bytes.findLastIndex((byte) => byte !== 0) / sectorBytes);
    for (let sector = 0; sector < writtenSectors; sector++) {
      const zeroed = bytes.slice().fill(0, sector * sectorBytes, (sector + 1) * sectorBytes);
      expect(await expectDetectedOrHarmless(disk.withFile(path, zeroed))).toBe('detected');
    }
    expect(writtenSectors).toBeGreaterThan(5);
  });

  it('reports a flipped bit in the last batch even when its mark was lost', async () => {
    const disk = await writeLog();
    const bytes = disk.fileBytes(path);
    const markStart = bytes.findLastIndex((byte) => byte !== 0) + 1 - markBytes;
    bytes.fill(0, markStart);
    for (let bit = (markStart - 4 * 48) * 8; bit < markStart * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(await expectDetectedOrHarmless(disk.withFile(path, flipped))).toBe('detected');
    }
  });

  it('survives or reports every flipped bit', async () => {
    const disk = await writeLog();
    const bytes = disk.fileBytes(path);
    const counts = { detected: 0, harmless: 0 };
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      counts[await expectDetectedOrHarmless(disk.withFile(path, flipped))]++;
    }
    expect(counts.detected + counts.harmless).toBe(bytes.length * 8);
    expect(counts.detected).toBeGreaterThan(64 * 40 * 8);
  });
});
