import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { AuthoredJob } from '../../shared/job/complete-job-document.ts';
import { launchChromium, openPage } from './support/chromium.ts';
import {
  type JsonObject,
  type Running,
  runGradswarm,
  startGradswarm,
  temporaryFolder,
} from './support/processes.ts';
import { cloudsCsv } from './support/tables.ts';

const unitsPerRound = 4;

const job: AuthoredJob = {
  name: 'clouds',
  title: 'Clouds',
  model: { kind: 'mlp', hidden: [128, 128] },
  dataset: 'clouds',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'nesterov', learningRate: 0.01 },
  unitsPerRound,
  batchSize: 2_048,
  stop: { rounds: 1_000_000 },
  evaluation: { samplesMax: 0 },
  allowAnonymous: true,
};

interface Cluster {
  readonly running: Running;
  /** Addresses by the coordinator's name. */
  readonly urls: ReadonlyMap<string, string>;
  readonly environment: NodeJS.ProcessEnv;
  run(...words: readonly string[]): Promise<readonly JsonObject[]>;
  leader(): Promise<string>;
  /** Process of the coordinator's last start. */
  pidOf(id: string): number;
}

async function startCluster(folder: string): Promise<Cluster> {
  const running = startGradswarm([
    'cluster',
    'up',
    '--json',
    '--port',
    '0',
    '--data',
    join(folder, 'cluster'),
  ]);
  // Killed at once, it would leave its coordinators behind for a moment, in a folder that is removed.
  onTestFinished(async () => {
    running.process.kill('SIGTERM');
    await running.exited;
  });
  const started = await running.line(({ event }) => event === 'started');
  const members = started['members'] as readonly { readonly id: string; readonly url: string }[];
  const urls = new Map(members.map(({ id, url }) => [id, url]));
  const environment = {
    GRADSWARM_URL: [...urls.values()].join(','),
    GRADSWARM_TOKEN: String(started['adminToken']),
  };
  const run = async (...words: readonly string[]): Promise<readonly JsonObject[]> => {
    const { code, lines, stderr } = await runGradswarm([...words, '--json'], environment);
    if (code !== 0) throw new Error(`gradswarm ${words.join(' ')} ended with ${code}:\n${stderr}`);
    return lines;
  };
  return {
    running,
    urls,
    environment,
    run,
    leader: async () => String((await run('cluster', 'status'))[0]?.['leader']),
    pidOf(id) {
      const starts = running.lines.filter(({ event, member }) => event === 'memberStarted' && member === id);
      return Number(starts.at(-1)?.['pid']);
    },
  };
}

it('a tab and a headless worker of a follower, and job wait, go on through the death of the leader', async () => {
  const folder = temporaryFolder();
  const cluster = await startCluster(folder);
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  await cluster.run(
    'dataset',
    'import',
    'clouds',
    '--csv',
    file('clouds.csv', cloudsCsv(500)),
    '--target',
    'class',
  );
  await cluster.run('job', 'submit', file('clouds.json', JSON.stringify(job)));

  const leader = await cluster.leader();
  const [follower = ''] = [...cluster.urls].filter(([id]) => id !== leader).map(([, url]) => url);
  const browser = await launchChromium();
  onTestFinished(() => browser.close());
  const { page } = await openPage(browser);
  await page.goto(follower);
  await page.getByRole('button', { name: 'Start' }).click();
  await page.locator('dt:text-is("Units accepted") + dd:not(:text-is("0"))').waitFor({ timeout: 120_000 });
  // The address of one coordinator is enough.
  const worker = startGradswarm(['worker', '--backend', 'wasm', '--json', '--url', follower], {
    GRADSWARM_TOKEN: '',
  });
  const accepted = (line: JsonObject | undefined): number => Number(line?.['unitsAccepted'] ?? 0);
  // The follower sums for the leader.
  await worker.line((line) => line['coordinatorUrl'] === follower && accepted(line) > 0);
  const waiting = runGradswarm(['job', 'wait', 'clouds', '--json'], cluster.environment);

  process.kill(cluster.pidOf(leader), 'SIGKILL');
  const acceptedBefore = accepted(worker.lines.at(-1));
  // What the leader had acknowledged already is less than this.
  await worker.line((line) => accepted(line) > acceptedBefore + 2 * unitsPerRound);
  const before = Number(await page.locator('dt:text-is("Units accepted") + dd').textContent());
  await expect
    .poll(async () => Number(await page.locator('dt:text-is("Units accepted") + dd').textContent()), {
      timeout: 120_000,
    })
    .toBeGreaterThan(before);

  await cluster.run('job', 'cancel', 'clouds');
  expect((await waiting).lines.at(-1)).toMatchObject({ state: 'cancelled' });
  const [shown] = await cluster.run('job', 'show', 'clouds');
  expect(shown?.['unitsCounted']).toBe(Number(shown?.['round']) * unitsPerRound);
});
