import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openLayout } from '../../client/cli/cluster-layout.ts';
import { type JsonObject, runGradswarm, startGradswarm, temporaryFolder } from './support/processes.ts';

interface StartedCluster {
  readonly event: 'started';
  readonly members: readonly { readonly id: string; readonly url: string }[];
  readonly adminToken?: string;
}

const isStarted = ({ event }: JsonObject): boolean => event === 'started';

function isAlive(pid: unknown): boolean {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
}

it('starts three coordinators that elect a leader, starts a killed one again, and ends all at once', async () => {
  const folder = join(temporaryFolder(), 'cluster');
  const up = ['cluster', 'up', '--data', folder, '--json'];
  const running = startGradswarm([...up, '--port', '0']);
  const started = (await running.line(isStarted)) as unknown as StartedCluster;
  expect(started.members.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  expect(statSync(join(folder, 'cluster-secret')).mode & 0o777).toBe(0o600);

  const urls = started.members.map(({ url }) => url);
  const environment = { GRADSWARM_TOKEN: started.adminToken, GRADSWARM_URL: urls.join(',') };
  const [status] = (await runGradswarm(['cluster', 'status', '--json'], environment)).lines;
  expect(status?.['leader']).toMatch(/^[abc]$/);
  expect(status?.['members']).toHaveLength(3);

  // Each of them leads a command to the leader.
  const made = await runGradswarm(['token', 'create', 'worker', '--name', 'lab', '--json'], environment);
  expect(made.code).toBe(0);
  for (const url of urls) {
    const { lines } = await runGradswarm(['token', 'list', '--json'], { ...environment, GRADSWARM_URL: url });
    expect(lines.map(({ name }) => name)).toEqual(['first admin', 'lab']);
  }

  const member = (id: string) => (line: JsonObject) =>
    line['event'] === 'memberStarted' && line['member'] === id;
  const { pid } = await running.line(member('b'));
  process.kill(Number(pid), 'SIGKILL');
  await running.line((line) => member('b')(line) && line['pid'] !== pid);

  running.process.kill('SIGINT');
  expect(await running.exited).toBe(0);
  const pids = running.lines.filter(({ event }) => event === 'memberStarted').map((line) => line['pid']);
  expect(pids).toHaveLength(4);
  expect(pids.filter(isAlive)).toEqual([]);

  const other = await runGradswarm([...up, '--size', '5']);
  expect(other.code).toBe(1);
  expect(other.stderr).toMatch(/holds a cluster of 3, not of 5/);
  const again = startGradswarm(up);
  const second = (await again.line(isStarted)) as unknown as StartedCluster;
  expect(second.members).toEqual(started.members);
  expect(second.adminToken).toBeUndefined();
  expect((await runGradswarm(['token', 'list', '--json'], environment)).lines).toHaveLength(2);
  again.process.kill('SIGTERM');
  expect(await again.exited).toBe(0);
});

it('shows the admin token that is made late, because the first start was ended before there was one', async () => {
  const folder = join(temporaryFolder(), 'cluster');
  await openLayout({ folder, size: 1, port: 0 });
  const running = startGradswarm(['cluster', 'up', '--data', folder, '--json']);
  const started = (await running.line(isStarted)) as unknown as StartedCluster;
  const { adminToken } = await running.line(({ event }) => event === 'adminToken');
  const environment = { GRADSWARM_TOKEN: String(adminToken), GRADSWARM_URL: started.members[0]?.url };
  expect((await runGradswarm(['token', 'list', '--json'], environment)).lines).toHaveLength(1);
  running.process.kill('SIGTERM');
  expect(await running.exited).toBe(0);
});
