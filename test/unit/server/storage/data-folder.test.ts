import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataFolder } from '../../../../server/storage/data-folder.ts';
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
      openDataFolder(${JSON.stringify(folder)});
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
    const first = openDataFolder(folder);
    expect(first.clusterId).toMatch(/^[0-9a-f]{32}$/);
    first.close();
    const second = openDataFolder(folder);
    expect(second.clusterId).toBe(first.clusterId);
    second.close();
  });

  it('cannot be opened twice, and says who has it', () => {
    const first = openDataFolder(folder);
    expect(() => openDataFolder(folder)).toThrow(code('dataFolderLocked'));
    expect(() => openDataFolder(folder)).toThrow(String(process.pid));
    first.close();
    openDataFolder(folder).close();
  });

  it('refuses another format, and names the remedy', () => {
    openDataFolder(folder).close();
    const path = join(folder, 'format.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"format":1', '"format":99'));
    expect(() => openDataFolder(folder)).toThrow(code('dataFolderVersion'));
    expect(() => openDataFolder(folder)).toThrow(/format 99.*--data/);
  });

  it.each(['', 'not json', '{}', '{"format":1,"clusterId":"abc"}'])('refuses the format file %j', (text) => {
    openDataFolder(folder).close();
    writeFileSync(join(folder, 'format.json'), text);
    expect(() => openDataFolder(folder)).toThrow(code('dataFolderVersion'));
  });

  it('refuses a log whose format file is missing, instead of beginning anew', () => {
    mkdirSync(join(folder, 'log'), { recursive: true });
    writeFileSync(join(folder, 'log', '0000000001.segment'), 'x');
    expect(() => openDataFolder(folder)).toThrow(code('dataFolderVersion'));
  });

  it('is held by another process while it lives, and free once it was killed', async () => {
    const owner = startOwner();
    expect(await owner.answer).toBe('locked');
    expect(() => openDataFolder(folder)).toThrow(String(owner.child.pid));
    await killed(owner.child);
    openDataFolder(folder).close();
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
