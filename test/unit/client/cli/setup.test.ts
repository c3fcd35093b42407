import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const setup = fileURLToPath(new URL('../../../../client/cli/setup.mjs', import.meta.url));
let folder = '';

/** A checkout without packages, and an `npm` that installs none but takes its time. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradswarm-setup-'));
  mkdirSync(join(folder, 'client', 'cli'), { recursive: true });
  cpSync(setup, join(folder, 'client', 'cli', 'setup.mjs'));
  writeFileSync(join(folder, 'package-lock.json'), '{}');
  mkdirSync(join(folder, 'bin'));
  const npm = join(folder, 'bin', 'npm');
  writeFileSync(
    npm,
    '#!/bin/sh\necho ran >> runs\nsleep 0.3\nmkdir -p node_modules\ntouch node_modules/.package-lock.json\n',
  );
  chmodSync(npm, 0o755);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const installPackages = "import('./client/cli/setup.mjs').then(({ installPackages }) => installPackages())";

async function install(
  program = installPackages,
  onSaid: (said: string) => void = () => {},
): Promise<{ readonly code: number; readonly said: string }> {
  const child = spawn(process.execPath, ['-e', program], {
    cwd: folder,
    env: { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}` },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    onSaid(said);
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, said };
}

const runs = (): number => readFileSync(join(folder, 'runs'), 'utf8').split('ran').length - 1;

it('installs once, however many processes begin at the same time', async () => {
  const results = await Promise.all([install(), install(), install()]);
  expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(runs()).toBe(1);
  await install();
  expect(runs()).toBe(1);
});

it('takes over from a process that was killed while it installed', async () => {
  const dead = spawn(process.execPath, ['-e', '']);
  await once(dead, 'close');
  writeFileSync(join(folder, '.installing'), String(dead.pid));
  expect((await install()).code).toBe(0);
  expect(runs()).toBe(1);
});

it('takes over from a process that had its own id, as in a container that is started again', async () => {
  const locked = `require('node:fs').writeFileSync('.installing', String(process.pid)); ${installPackages}`;
  expect((await install(locked)).code).toBe(0);
  expect(runs()).toBe(1);
});

it('takes over from a process that ended before it wrote its id', async () => {
  const lock = join(folder, '.installing');
  writeFileSync(lock, '');
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(lock, longAgo, longAgo);
  expect((await install()).code).toBe(0);
  expect(runs()).toBe(1);
});

it('says once for whom it waits, and installs nothing when that one has', async () => {
  const lock = join(folder, '.installing');
  writeFileSync(lock, String(process.pid));
  let isWaiting = false;
  const { code, said } = await install(installPackages, () => {
    if (isWaiting) return;
    isWaiting = true;
    // A few looks later.
    setTimeout(() => {
      mkdirSync(join(folder, 'node_modules'));
      writeFileSync(join(folder, 'node_modules', '.package-lock.json'), '');
      rmSync(lock);
    }, 1_000);
  });
  expect(code).toBe(0);
  expect(said).toBe(`Another process installs packages; waiting for it (${lock}).\n`);
  expect(() => runs()).toThrow('ENOENT');
});

it('leaves the packages of another checkout alone', async () => {
  const other = join(folder, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'precious'), '');
  symlinkSync(other, join(folder, 'node_modules'));
  const { code, said } = await install();
  expect(code).toBe(1);
  expect(said).toContain('is a link, and does not fit package-lock.json. Run npm ci where it leads');
  expect(readFileSync(join(other, 'precious'), 'utf8')).toBe('');
  rmSync(join(folder, 'node_modules'));
  expect((await install()).code).toBe(0);
});
