import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { runCommandLine } from '../../../../client/cli/main.ts';

const folder = mkdtempSync(join(tmpdir(), 'gradswarm-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** What the command wrote and would exit with; a process for each would take minutes. */
async function run(...commandArguments: readonly string[]) {
  const written = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    });
  }
  process.exitCode = undefined;
  vi.stubEnv('GRADSWARM_TOKEN', `gs_${'A'.repeat(43)}`);
  await runCommandLine(commandArguments);
  return { ...written, code: process.exitCode ?? 0 };
}

const upIn = ['up', '--port', '0', '--data', join(folder, 'data')];
const clusterIn = ['cluster', 'up', '--port', '0', '--data', join(folder, 'cluster')];
const nobody = 'http://127.0.0.1:1';

describe('gradswarm', () => {
  it.each([
    [['up', '--speed', '9'], 2, "unknown option '--speed'"],
    [['nosuch'], 2, "unknown command 'nosuch'"],
    [['job', 'submit'], 2, "missing required argument 'job'"],
    [[...upIn, '--job', 'constructor'], 2, 'Allowed choices are mnist, moby'],
    [[...upIn, '--backend', 'gpu'], 2, 'Allowed choices are auto, webgpu'],
    [[...upIn, '--workers', 'many'], 2, '--workers: must be a whole number from 0 to 64, not "many"'],
    [['coordinator', '--port', 'abc'], 2, '--port: must be a whole number from 0 to 65535, not "abc"'],
    [['coordinator', '--data', '/dev/null/data'], 2, 'cannot be used (ENOTDIR'],
    [['job', 'submit', 'constructor'], 2, 'is neither a readable file nor a built-in job'],
    [['job', 'list', '--url', 'ftp://127.0.0.1'], 2, '--url: must be an http or https address'],
    [['job', 'list', '--url', nobody, '--ca', 'none.pem'], 2, '--ca: none.pem cannot be used'],
    [['job', 'list', '--url', nobody], 1, 'nothing listens there; is the coordinator running?'],
    [['job', 'list', '--url', `${nobody},nowhere`], 2, '--url: must be an http or https address'],
    [['cluster', 'status', '--url', nobody], 1, 'nothing listens there; is the coordinator running?'],
    [['cluster', 'add', 'd'], 2, "missing required argument 'address'"],
    [['cluster', 'up', '--size', '12'], 2, '--size: must be a whole number from 1 to 9, not "12"'],
    [['cluster', 'up', '--data', '/dev/null/data'], 2, '--data: /dev/null/data cannot be used (ENOTDIR'],
    [[...clusterIn, '--consensus', 'etcd'], 2, '--etcd: is needed with --consensus etcd'],
  ])('%j exits with %i and says why', async (commandArguments, code, message) => {
    const plain = await run(...commandArguments);
    const json = await run(...commandArguments, '--json');
    expect(plain).toMatchObject({ code, stdout: '' });
    expect(plain.stderr).toContain(message);
    expect(plain.stderr).not.toContain('    at ');
    expect(json).toMatchObject({ code, stdout: '' });
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { message: expect.any(String) } });
  });

  it('shows examples in the help of every command', async () => {
    const commands = ['', 'up', 'coordinator', 'worker', 'job', 'job submit', 'dataset', 'workers', 'token'];
    for (const word of ['', ' up', ' status', ' add', ' remove', ' transfer', ' snapshot']) {
      commands.push(`cluster${word}`);
    }
    for (const command of commands) {
      const words = command.split(' ').filter((word) => word !== '');
      const { code, stdout } = await run(...words, '--help');
      expect(code).toBe(0);
      expect(stdout).toMatch(/Examples?:\n {2}gradswarm /);
    }
  });
});
