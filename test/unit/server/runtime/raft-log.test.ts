import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Disk } from '../../../../server/storage/disk/disk.ts';
import { nodeDisk } from '../../../../server/storage/disk/node-disk.ts';
import { SimulatedDisk } from '../../../../server/storage/disk/simulated-disk.ts';
import { createRandom } from '../../../../shared/base/random.ts';
import { clusterId, openLoneRaftLog } from '../../../support/lone-raft-log.ts';
import { textsOf } from '../../../support/texts-of-log.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function open(disk: Disk, onFatal: (error: unknown) => void = () => {}, folder = 'data') {
  return openLoneRaftLog({ disk, folder, segmentBytes: 2_048, trailingEntries: 4, onFatal });
}

describe('a cluster of one that loses its power', () => {
  interface Run {
    readonly disk: SimulatedDisk;
    readonly acknowledged: string[];
    readonly epoch: number;
  }

  /** Two lives, each with proposals and a compaction, cut off at some operation. */
  async function run(operations: number): Promise<Run> {
    const disk = new SimulatedDisk();
    disk.powerFailsAfter = operations;
    const acknowledged: string[] = [];
    let epoch = 0;
    try {
      for (let life = 0; life < 2; life++) {
        const log = await open(disk);
        epoch = log.leadership().epoch;
        for (let sequence = 0; sequence < 12; sequence++) {
          const text = `${life}-${sequence}`;
          const outcome = await log.propose(bytes(text), { clientId: `client ${life}`, sequence });
          if (outcome.kind !== 'committed') return { disk, acknowledged, epoch };
          acknowledged.push(text);
          if (sequence === 8) await log.compact(await log.barrier(), bytes(acknowledged.join()));
        }
        await log.close();
      }
    } catch {}
    return { disk, acknowledged, epoch };
  }

  it('keeps every acknowledged command once, and never reports an epoch again', async () => {
    const total = (await run(Number.POSITIVE_INFINITY)).disk.operations;
    for (let operations = 0; operations <= total; operations++) {
      const { disk, acknowledged, epoch } = await run(operations);
      const modes = ['lose', 'keep', ...Array.from({ length: 8 }, (_, seed) => createRandom(seed))] as const;
      for (const mode of modes) {
        const log = await open(disk.crash(mode));
        const state = await textsOf(log);
        expect(state.slice(0, acknowledged.length)).toEqual(acknowledged);
        expect(state.length).toBeLessThanOrEqual(acknowledged.length + 1);
        expect(log.leadership().epoch).toBeGreaterThan(epoch);
        for (const [position, text] of acknowledged.entries()) {
          const [life, sequence] = text.split('-').map(Number);
          if (position % 5 !== 0) continue;
          await log.propose(bytes(text), { clientId: `client ${life}`, sequence: sequence ?? 0 });
        }
        expect(await textsOf(log)).toEqual(state);
        await log.close();
      }
    }
  });
});

describe('a cluster of one on a failing disk', () => {
  it('answers unknown, steps down and reports the error once', async () => {
    const disk = new SimulatedDisk();
    const fatal: string[] = [];
    const log = await open(disk, (error) => fatal.push(String(error)));
    const leadership: boolean[] = [];
    log.onLeadership(({ isLeader }) => leadership.push(isLeader));
    disk.datasyncFailure = new Error('EIO');
    const proposal = { clientId: 'a', sequence: 1 };
    expect(await log.propose(bytes('x'), proposal)).toEqual({ kind: 'unknown' });
    expect(await log.propose(bytes('x'), proposal)).toEqual({ kind: 'notLeader' });
    expect([fatal, leadership]).toEqual([['Error: EIO'], [false]]);
  });

  it('reports a damaged snapshot and a missing one', async () => {
    const disk = new SimulatedDisk();
    const log = await open(disk);
    for (let sequence = 0; sequence < 120; sequence++) {
      await log.propose(bytes('x'), { clientId: 'a', sequence });
    }
    await log.compact(await log.barrier(), bytes('state'));
    await log.close();
    const path = disk.paths().find((name) => name.endsWith('.snapshot')) ?? '';
    const content = disk.fileBytes(path);
    for (let position = 0; position < content.length; position += 7) {
      const damaged = content.slice();
      damaged[position] = (damaged[position] ?? 0) ^ 4;
      const opening = open(disk.withFile(path, damaged));
      await expect(opening).rejects.toMatchObject({
        code: 'corrupted',
        message: expect.stringContaining(path),
      });
    }
    await disk.remove(path);
    await expect(open(disk)).rejects.toMatchObject({ code: 'corrupted' });
  });
});

describe('a killed process', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  it('has stored every command that it acknowledged before SIGKILL', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gradswarm-kill-'));
    folders.push(folder);
    const moduleUrl = (path: string) => JSON.stringify(new URL(`../../../../${path}`, import.meta.url).href);
    const program = `
      import { noPeers } from ${moduleUrl('server/runtime/raft/no-peers.ts')};
      import { RaftLog } from ${moduleUrl('server/runtime/raft-log.ts')};
      import { openRaftStorage } from ${moduleUrl('server/storage/raft-storage.ts')};
      import { createRandom } from ${moduleUrl('shared/base/random.ts')};
      const onFatal = () => process.exit(1);
      const opened = await openRaftStorage({
        folder: ${JSON.stringify(folder)}, clusterId: '${clusterId}', nodeId: 'a',
        initialVoters: { a: 'localhost:1' }, onFatal, segmentBytes: 65536,
      });
      const log = await RaftLog.open({
        nodeId: 'a', opened, peers: noPeers, random: createRandom(1), onFatal, trailingEntries: 10,
      });
      for (let sequence = 0; ; sequence++) {
        const text = process.pid + '-' + sequence;
        await log.propose(new TextEncoder().encode(text), { clientId: String(process.pid), sequence });
        process.stdout.write(text + '\\n');
      }`;
    const acknowledged: string[] = [];
    for (let life = 1; life <= 3; life++) {
      const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program]);
      let output = '';
      const exited = new Promise((resolve) => child.once('close', resolve));
      child.stdout.on('data', (data: Buffer) => {
        output += data.toString();
        if (output.split('\n').length > life * 150) child.kill('SIGKILL');
      });
      await exited;
      acknowledged.push(...output.split('\n').slice(0, -1));
    }
    const log = await open(nodeDisk, () => {}, folder);
    const state = new Set(await textsOf(log));
    expect(acknowledged.length).toBeGreaterThan(800);
    expect(acknowledged.filter((text) => !state.has(text))).toEqual([]);
    expect(state.size).toBeLessThanOrEqual(acknowledged.length + 3);
    expect(log.leadership().epoch).toBe(4);
    await log.close();
  });
});
