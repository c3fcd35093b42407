import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bootstrapClusterId, openDataFolder } from '../../../../server/storage/data-folder.ts';
import { lockFolder } from '../../../../server/storage/folder-lock.ts';

let parent: string;
let folder: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'gradswarm-data-'));
  folder = join(parent, 'a', 'data');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(parent, { recursive: true });
});

const code = (name: string) => expect.objectContaining({ code: name });

/** A process that opens the folder, says `locked` or an error code, and then sleeps. */
function startOwner(): { readonly child: ChildProcess; readonly answer: Promise<string> } {
  const moduleUrl = new URL('../../../../server/storage/data-folder.ts', import.meta.url).href;
  const program = `
    import { openDataFolder } from ${JSON.stringify(moduleUrl)};
    try {
      openDataFolder(${JSON.stringify(folder)}, { nodeId: 'a' });
      process.stdout.write('locked\\n');
    } catch (error) {
      process.stdout.write(error.code + '\\n');
    }
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const answer = new Promise<string>((resolve) => {
    child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim()));
  });
  return { child, answer };
}

async function killed(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}

describe('a data folder', () => {
  it('is made with its parents and keeps its cluster id', () => {
    const first = openDataFolder(folder, { nodeId: 'a' });
    expect(first.clusterId).toMatch(/^[0-9a-f]{32}$/);
    first.close();
    const second = openDataFolder(folder, { nodeId: 'a' });
    expect(second.clusterId).toBe(first.clusterId);
    second.close();
  });

  it('keeps the incarnation that it was made with, and a new one has another', () => {
    const first = openDataFolder(folder, { nodeId: 'a' });
    expect(first.incarnation).toMatch(/^[0-9a-f]{16}$/);
    first.close();
    const second = openDataFolder(folder, { nodeId: 'a' });
    expect(second).toMatchObject({ nodeId: 'a', incarnation: first.incarnation });
    second.close();
    rmSync(folder, { recursive: true });
    const wiped = openDataFolder(folder, { nodeId: 'a' });
    expect(wiped.incarnation).not.toBe(first.incarnation);
    wiped.close();
  });

  it('takes the cluster id that it is given when it is made, and refuses another afterwards', () => {
    const clusterId = 'c1'.repeat(16);
    const made = openDataFolder(folder, { nodeId: 'a', clusterId });
    expect(made.clusterId).toBe(clusterId);
    made.close();
    openDataFolder(folder, { nodeId: 'a' }).close();
    const other = { nodeId: 'a', clusterId: 'c2'.repeat(16) };
    expect(() => openDataFolder(folder, other)).toThrow(code('conflict'));
    expect(() => openDataFolder(folder, other)).toThrow(/belongs to the cluster c1c1.*--data/);
    openDataFolder(folder, { nodeId: 'a', clusterId }).close();
  });

  it('is not opened in the name of another node', () => {
    openDataFolder(folder, { nodeId: 'a' }).close();
    expect(() => openDataFolder(folder, { nodeId: 'b' })).toThrow(code('conflict'));
    expect(() => openDataFolder(folder, { nodeId: 'b' })).toThrow(/the data folder of node a.*--id a/);
  });

  it('of format 1 becomes the folder of the node that opens it first', () => {
    const clusterId = 'c1'.repeat(16);
    mkdirSync(join(folder, 'log'), { recursive: true });
    writeFileSync(join(folder, 'log', '0000000001.segment'), 'x');
    writeFileSync(join(folder, 'format.json'), `{"format":1,"clusterId":"${clusterId}"}\n`);
    const wrong = { nodeId: 'b', clusterId: 'c2'.repeat(16) };
    expect(() => openDataFolder(folder, wrong)).toThrow(code('conflict'));
    const first = openDataFolder(folder, { nodeId: 'a' });
    expect(first.clusterId).toBe(clusterId);
    first.close();
    const second = openDataFolder(folder, { nodeId: 'a' });
    expect(second.incarnation).toBe(first.incarnation);
    second.close();
    expect(() => openDataFolder(folder, { nodeId: 'b' })).toThrow(code('conflict'));
  });

  it('cannot be opened twice, and says who has it', () => {
    const first = openDataFolder(folder, { nodeId: 'a' });
    expect(() => openDataFolder(folder, { nodeId: 'a' })).toThrow(code('dataFolderLocked'));
    expect(() => openDataFolder(folder, { nodeId: 'a' })).toThrow(String(process.pid));
    first.close();
    openDataFolder(folder, { nodeId: 'a' }).close();
  });

  it('refuses another format, and names the remedy', () => {
    openDataFolder(folder, { nodeId: 'a' }).close();
    const path = join(folder, 'format.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"format":2', '"format":99'));
    expect(() => openDataFolder(folder, { nodeId: 'a' })).toThrow(code('dataFolderVersion'));
    expect(() => openDataFolder(folder, { nodeId: 'a' })).toThrow(/format 99.*--data/);
  });

  it.each([
    '',
    'not json',
    '{}',
    '{"format":1,"clusterId":"abc"}',
    `{"format":2,"clusterId":"${'0'.repeat(32)}","incarnation":"${'0'.repeat(16)}"}`,
    `{"format":2,"clusterId":"${'0'.repeat(32)}","nodeId":"a","incarnation":"0"}`,
  ])('refuses the format file %j', (text) => {
    openDataFolder(folder, { nodeId: 'a' }).close();
    writeFileSync(join(folder, 'format.json'), text);
    expect(() => openDataFolder(folder, { nodeId: 'a' })).toThrow(code('dataFolderVersion'));
  });

  it('refuses a log whose format file is missing, instead of beginning anew', () => {
    mkdirSync(join(folder, 'log'), { recursive: true });
    writeFileSync(join(folder, 'log', '0000000001.segment'), 'x');
    expect(() => openDataFolder(folder, { nodeId: 'a' })).toThrow(code('dataFolderVersion'));
  });

  it('is held by another process while it lives, and free once it was killed', async () => {
    const owner = startOwner();
    expect(await owner.answer).toBe('locked');
    expect(() => openDataFolder(folder, { nodeId: 'a' })).toThrow(String(owner.child.pid));
    await killed(owner.child);
    openDataFolder(folder, { nodeId: 'a' }).close();
  });

  it('goes to one of several processes that find a dead owner', async () => {
    const owner = startOwner();
    await owner.answer;
    await killed(owner.child);
    const answers = await Promise.all(Array.from({ length: 4 }, () => startOwner().answer));
    expect(answers.sort()).toEqual(['dataFolderLocked', 'dataFolderLocked', 'dataFolderLocked', 'locked']);
  });
});

describe('the lock of a folder', () => {
  beforeEach(() => mkdirSync(folder, { recursive: true }));

  it('is taken over from a process whose number now belongs to another', () => {
    writeFileSync(join(folder, 'lock.7'), JSON.stringify({ pid: process.pid, startTime: 'earlier/1' }));
    lockFolder(folder).release();
    expect(readdirSync(folder)).toEqual(['lock.8']);
  });

  it('is taken over from a torn file', () => {
    writeFileSync(join(folder, 'lock.1'), '{"pid":1');
    expect(() => lockFolder(folder)).not.toThrow();
    expect(() => lockFolder(folder)).toThrow(code('dataFolderLocked'));
  });
});

describe('the id of a new cluster', () => {
  const members = { a: 'host-a:1', b: 'host-b:1', c: 'host-c:1' };

  it('follows from the names of its members and the secret, in whatever order and under whatever addresses', () => {
    const id = bootstrapClusterId(members, 'a secret of the cluster');
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(bootstrapClusterId({ c: 'x:1', b: 'y:2', a: 'z:3' }, 'a secret of the cluster')).toBe(id);
  });

  it('differs with the list and with the secret', () => {
    const ids = [
      bootstrapClusterId(members, 'a secret of the cluster'),
      bootstrapClusterId(members, 'another secret of it'),
      bootstrapClusterId({ ...members, d: '' }, 'a secret of the cluster'),
      bootstrapClusterId({ a: '', b: '' }, 'a secret of the cluster'),
      bootstrapClusterId({ a: '', bc: '' }, 'a secret of the cluster'),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});
