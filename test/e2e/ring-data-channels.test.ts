import { setTimeout as pause } from 'node:timers/promises';
import type { Browser, Page } from 'playwright';
import { beforeAll, expect, it } from 'vitest';
import type { AuthoredJob } from '../../shared/job/complete-job-document.ts';
import { adminService, type JobStatus } from '../../shared/protocol/services.ts';
import { expectAccessible, launchChromium, openPage } from './support/chromium.ts';
import { cloudsJob } from './support/clouds-training.ts';
import { type CoordinatorProcess, startCoordinator } from './support/coordinator.ts';
import { cloudsCsv } from './support/tables.ts';

const rounds = 24;
const unitsPerRound = 8;
const pollMs = 100;

/** On the CPU, so that tabs and headless workers compute the same bits. */
function job(name: string, more: Partial<AuthoredJob> = {}): AuthoredJob {
  const common = { hidden: [64, 64], rounds, unitsPerRound, batchSize: 64, seed: 11 };
  return cloudsJob({ ...common, evaluation: { everyRounds: 1_000, samplesMax: 100 }, name, ...more });
}

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
  return () => browser.close();
});

interface Tab {
  readonly page: Page;
  readonly complaints: readonly string[];
}

async function openTab(url: string, token: string): Promise<Tab> {
  const { page, complaints } = await openPage(browser);
  await page.goto(`${url}#token=${token}`);
  await page.getByLabel('Connect directly to other contributors').check();
  await page.getByRole('button', { name: 'Start' }).click();
  return { page, complaints };
}

/** Everybody has computed, so that nobody has to get ready for what follows. */
async function warmUp(coordinator: CoordinatorProcess, workers: number): Promise<void> {
  await coordinator.submit(job('warm-up', { stop: { rounds: 1_000_000 } }));
  const admin = await coordinator.admin();
  await coordinator.untilStatus('warm-up', ({ progress }) => progress?.workers === workers);
  for (;;) {
    const { message } = await admin.unary(adminService.method.listWorkers, {});
    if (message.workers.filter(({ unitsAccepted }) => unitsAccepted > 0).length === workers) break;
    await pause(pollMs);
  }
  await coordinator.succeed('job', 'cancel', 'warm-up');
}

it('sums between tabs and headless workers through a SIGKILL, a closed tab and a withdrawn consent, to the bits of the server', async () => {
  const coordinator = await startCoordinator();
  const csv = coordinator.writeFile('clouds.csv', cloudsCsv(1_000));
  await coordinator.succeed('dataset', 'import', 'clouds', '--csv', csv, '--target', 'class');
  const token = await coordinator.createToken('worker');
  const [headless] = ['one', 'two'].map((name) =>
    coordinator.startWorker(token, '--backend', 'wasm', '--name', name, '--peer-connections'),
  );
  const [tab, other] = [await openTab(coordinator.url, token), await openTab(coordinator.url, token)];
  await expectAccessible(tab.page);
  await warmUp(coordinator, 4);

  await coordinator.submit(job('clouds', { strategy: { kind: 'ringAllReduce' } }));
  /** So many more rounds are summed over direct channels, while so many take part. */
  const untilDirect = async (workers: number, before: JobStatus | undefined): Promise<JobStatus> => {
    const wanted = (before?.ringsDirect ?? 0) + 3;
    return coordinator.untilStatus(
      'clouds',
      ({ ringsDirect, progress }) => ringsDirect >= wanted && progress?.workers === workers,
    );
  };
  const four = await untilDirect(4, undefined);
  await headless?.kill();
  const three = await untilDirect(3, four);
  await tab.page.close();
  const two = await untilDirect(2, three);
  expect(two.ringsRelayed).toBeLessThan(two.ringsDirect);

  await other.page.getByLabel('Connect directly to other contributors').uncheck();
  await coordinator.untilStatus('clouds', ({ ringsRelayed }) => ringsRelayed >= two.ringsRelayed + 3);
  const ring = await coordinator.untilStatus('clouds', ({ state }) => state === 'finished');
  expect((await coordinator.status('clouds')).unitsCounted).toBe(rounds * unitsPerRound);
  expect(other.complaints).toEqual([]);

  await coordinator.submit(job('server'));
  const server = await coordinator.untilStatus('server', ({ state }) => state === 'finished');
  expect(ring.parametersHash).toBe(server.parametersHash);
});
