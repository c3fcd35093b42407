import type { Browser, Page } from 'playwright';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { expectAccessible, launchChromium, openPage } from './support/chromium.ts';
import { startCoordinator } from './support/coordinator.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
  return () => browser.close();
});

async function figure(page: Page, name: string): Promise<number> {
  const text = await page.locator(`dt:text-is("${name}") + dd`).textContent();
  return Number(text?.replaceAll(',', ''));
}

async function roundAbove(page: Page, round: number): Promise<number> {
  await expect.poll(() => figure(page, 'Round'), { timeout: 60_000 }).toBeGreaterThan(round);
  return figure(page, 'Round');
}

/** By a link of the menu, so that the page stays the same and signed in. */
async function visit(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

it('an admin submits a built-in job, watches it learn, pauses, resumes and cancels it', async () => {
  const coordinator = await startCoordinator();
  const { page, complaints, close } = await openPage(browser);
  onTestFinished(close);
  await page.goto(`${coordinator.url}admin`);
  await page.getByLabel('Admin token').fill(coordinator.adminToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('There is no job yet').waitFor();

  await page.getByRole('link', { name: 'Submit a job' }).click();
  await page.getByLabel('Start from').selectOption({ label: 'Moby-Dick, letter by letter' });
  await page.getByRole('button', { name: 'Submit' }).click();
  await page.getByRole('alert').filter({ hasText: '"moby"' }).waitFor();
  await expectAccessible(page);
  await coordinator.succeed('dataset', 'import', 'moby');
  await page.getByRole('button', { name: 'Submit' }).click();
  const title = page.getByRole('heading', { level: 1, name: 'Moby-Dick, letter by letter' });
  await title.waitFor();

  const token = await coordinator.createToken('worker');
  coordinator.startWorker(token, '--backend', 'wasm', '--name', 'lab machine');
  const learnt = await roundAbove(page, 1);
  await page.getByRole('img', { name: /^Training loss of Moby-Dick/ }).waitFor();
  expect(await figure(page, 'Workers')).toBe(1);
  await expectAccessible(page);

  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('Paused', { exact: true }).waitFor();
  const paused = await coordinator.status('moby');
  expect(paused.status?.state).toBe('paused');
  await page.getByRole('button', { name: 'Resume' }).click();
  await roundAbove(page, Math.max(learnt, paused.status?.version ?? 0));

  await visit(page, 'Workers');
  const row = page.getByRole('row').filter({ hasText: 'lab machine' });
  await row.filter({ hasText: /node.*wasm.*moby/ }).waitFor();
  await expectAccessible(page);
  await visit(page, 'Jobs');
  await page.getByText('1 worker').waitFor();
  await expectAccessible(page);

  await page.getByRole('link', { name: 'Moby-Dick, letter by letter' }).click();
  await page.getByRole('button', { name: 'Cancel job' }).click();
  await page.getByRole('button', { name: 'Cancel the job' }).click();
  await page.getByText('Cancelled', { exact: true }).waitFor();
  expect((await coordinator.status('moby')).status?.state).toBe('cancelled');
  await expectAccessible(page);
  expect(complaints).toEqual([]);
});
