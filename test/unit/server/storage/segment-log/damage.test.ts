import { describe, expect, it } from 'vitest';
import { sectorBytes } from '../../../../../server/storage/disk/disk.ts';
import { SimulatedDisk } from '../../../../../server/storage/disk/simulated-disk.ts';
import { markBytes } from '../../../../../server/storage/segment-log/mark.ts';
import type { LogEntry } from '../../../../../server/storage/segment-log/record.ts';
import { SegmentLog } from '../../../../../server/storage/segment-log/segment-log.ts';
import { GradswarmError } from '../../../../../shared/base/errors.ts';

/**
 * A log of 64 acknowledged records, entries, replaced entries and hard states, in two segments. Whatever happens to
 * its bytes is either named together with the file, or changes neither an entry nor the hard state.
 */
const segmentBytes = 2_560;
const firstPath = 'log/0000000001.segment';
const lastPath = 'log/0000000002.segment';
const paths = [firstPath, lastPath];

function open(disk: SimulatedDisk) {
  const clusterId = '00112233445566778899aabbccddeeff';
  return SegmentLog.open({ disk, folder: 'log', clusterId, segmentBytes, onFatal: () => {} });
}

function entry(index: number, term: number): LogEntry {
  return { index, term, payload: new TextEncoder().encode(`value ${index}`) };
}

async function writeLog(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  const log = await open(disk);
  for (let batch = 1; batch <= 16; batch++) {
    // Every batch but the first replaces the last entry of the one before.
    const next = Math.max(1, log.lastIndex);
    const hardState = { term: batch, vote: batch % 3 === 0 ? 'b' : 'a', commit: next - 1 };
    await log.append([entry(next, batch), entry(next + 1, batch), entry(next + 2, batch)], hardState);
  }
  await log.close();
  return disk;
}

async function contentOf(log: SegmentLog): Promise<string> {
  const lines = [JSON.stringify(log.hardState)];
  for (let next = log.firstIndex; next <= log.lastIndex; ) {
    for (const { index, term, payload } of await log.read(next, 4_096)) {
      lines.push(`${index}/${term} ${new TextDecoder().decode(payload)}`);
      next = index + 1;
    }
  }
  return lines.join('\n');
}

const disk = await writeLog();
const written = await contentOf(await open(disk));
const lastWritten = (path: string) => disk.fileBytes(path).findLastIndex((byte) => byte !== 0) + 1;

async function judge(path: string, bytes: Uint8Array): Promise<'detected' | 'harmless'> {
  let found: string;
  try {
    found = await contentOf(await open(disk.withFile(path, bytes)));
  } catch (error) {
    if (!(error instanceof GradswarmError) || !paths.some((name) => error.message.includes(name)))
      throw error;
    return 'detected';
  }
  if (found !== written) throw new Error(`${path} was changed silently:\n${found}`);
  return 'harmless';
}

function withFlippedBit(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}

describe('a log of 64 acknowledged records', () => {
  it('fills two segments, and reads as it was written', () => {
    expect(disk.paths()).toEqual(paths);
    expect(written.split('\n').length).toBe(1 + 33);
    expect(written).toContain('"term":16,"vote":"a"');
  });

  it.each(paths)('reports every truncation of %s', async (path) => {
    const bytes = disk.fileBytes(path);
    for (let length = 0; length < bytes.length; length++) {
      expect(await judge(path, bytes.subarray(0, length))).toBe('detected');
    }
  });

  it('survives or reports the loss of everything after any byte', async () => {
    // In the last segment, behind the last batch: what was written before it is covered by the test of sectors.
    for (const path of paths) {
      const bytes = disk.fileBytes(path);
      const start = path === lastPath ? lastWritten(path) - markBytes + 1 : 0;
      for (let end = start; end < bytes.length; end++) {
        await judge(path, bytes.slice().fill(0, end));
      }
    }
    const first = disk.fileBytes(firstPath);
    expect(await judge(firstPath, first.fill(0, lastWritten(firstPath) - 8))).toBe('detected');
  });

  it('reports a lost sector as corruption, because a later mark proves that it was synced', async () => {
    let count = 0;
    for (const path of paths) {
      const bytes = disk.fileBytes(path);
      const whole = Math.floor((lastWritten(path) - markBytes) / sectorBytes);
      for (let sector = 0; sector < whole; sector++, count++) {
        const zeroed = bytes.slice().fill(0, sector * sectorBytes, (sector + 1) * sectorBytes);
        expect(await judge(path, zeroed)).toBe('detected');
      }
    }
    expect(count).toBeGreaterThanOrEqual(5);
  });

  it('reports a flipped bit in the last batch even when its mark was lost', async () => {
    const bytes = disk.fileBytes(lastPath);
    const markStart = lastWritten(lastPath) - markBytes;
    bytes.fill(0, markStart);
    // Three entries of 48 bytes.
    for (let bit = (markStart - 3 * 48) * 8; bit < markStart * 8; bit++) {
      expect(await judge(lastPath, withFlippedBit(bytes, bit))).toBe('detected');
    }
  });

  it.each(paths)('survives or reports every flipped bit of %s', async (path) => {
    const bytes = disk.fileBytes(path);
    const counts = { detected: 0, harmless: 0 };
    for (let bit = 0; bit < bytes.length * 8; bit++) counts[await judge(path, withFlippedBit(bytes, bit))]++;
    expect(counts.detected + counts.harmless).toBe(bytes.length * 8);
    expect(counts.detected).toBeGreaterThan(lastWritten(path) * 8 - markBytes * 8);
  });
});
