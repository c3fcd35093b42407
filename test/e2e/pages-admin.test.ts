import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { adminToken, type CannedAdmin, createCannedAdmin } from '../support/canned-admin.ts';
import { expectAccessible, expectFitsWidth, launchChromium, openPage } from './support/chromium.ts';
import { type PagesServer, startPagesServer } from './support/pages-server.ts';

let browser: Browser;
let server: PagesServer;
let admin: CannedAdmin;
beforeAll(async () => {
  browser = await launchChromium();
  server = await startPagesServer((link) => admin.serve(link), {
    'mnist/model.safetensors': 'bytes of the weights',
  });
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});
beforeEach(() => {
  admin = createCannedAdmin();
});

/** Opens a view, signed in by the token in the fragment. */
async function open(view: string, options: Parameters<typeof openPage>[1] = {}) {
  const opened = await openPage(browser, options);
  onTestFinished(() => opened.close());
  await opened.page.goto(`${server.url}admin#token=${adminToken}`);
  await opened.page.getByRole('heading', { name: 'Jobs' }).waitFor();
  await opened.page.goto(`${server.url}admin#/${view}`);
  return opened;
}

describe('signing in', () => {
  it('tells of a wrong token, keeps a right one in this tab only, and forgets it on signing out', async () => {
    const { page, complaints, close } = await openPage(browser);
    onTestFinished(close);
    await page.goto(`${server.url}admin`);
    await page.getByLabel('Admin token').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'the token is unknown' }).waitFor();
    await page.getByLabel('Admin token').fill(adminToken);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    expect(await page.evaluate(() => [localStorage.length, document.cookie])).toEqual([0, '']);
    await page.reload();
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Admin token').waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('takes the token out of the address bar', async () => {
    const { page } = await open('jobs');
    expect(page.url()).not.toContain(adminToken);
  });

  it('connects again by itself', async () => {
    const { page } = await open('jobs/mnist');
    await page.getByRole('heading', { name: 'Handwritten digits' }).waitFor();
    server.dropConnections();
    await page.getByText('The connection to the coordinator was lost').waitFor();
    await page.getByText('The connection to the coordinator was lost').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused', { exact: true }).waitFor();
  });
});

describe('a job', () => {
  it('is paused, resumed and, after a question, cancelled', async () => {
    const { page } = await open('jobs');
    await page.getByRole('link', { name: 'Handwritten digits' }).click();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Cancel job' }).click();
    const dialog = page.getByRole('dialog', { name: 'Cancel “Handwritten digits”?' });
    await dialog.waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(admin.jobs[0]?.state).toBe('running');
    await page.getByRole('button', { name: 'Cancel job' }).click();
    await dialog.getByRole('button', { name: 'Cancel the job' }).click();
    await page.getByText('Cancelled', { exact: true }).waitFor();
    expect(admin.jobs[0]?.state).toBe('cancelled');
  });

  it('shows its curve, in words and as a table too', async () => {
    const { page, complaints } = await open('jobs/mnist');
    await page
      .getByRole('img', {
        name: /Training loss of Handwritten digits from 2\.\d+ in round 1 to 0\.1\d* in round 240; test loss 0\.\d+, test accuracy 97\.\d %/,
      })
      .waitFor();
    await page.getByText('The last rounds as a table').click();
    await page.getByRole('rowheader', { name: '240' }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('tells what its rounds are run by, and who chose that why', async () => {
    const { page } = await open('jobs/mnist');
    const card = page.getByRole('region', { name: 'Strategy' });
    await card
      .getByText('closes with 75.0 % of its units once the rest is late. The adaptive policy')
      .waitFor();
    await card.getByText('A unit is one gradient, and is sent with int8 or topk/64/2').waitFor();
    const change = card.getByRole('listitem');
    await expect(change.textContent()).resolves.toMatch(
      /^From round 96, by the adaptive policy: parameterServerSynchronous.*25 % of the leases end without a result/,
    );
  });

  it('is exported, and its files are fetched with the token', async () => {
    const { page } = await open('jobs/mnist');
    await page.getByRole('button', { name: 'Export round 240' }).click();
    await page.getByText('data/exports/mnist').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download model.safetensors' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('model.safetensors');
    expect(readFileSync(await download.path(), 'utf8')).toBe('bytes of the weights');
  });

  it('is submitted from an example', async () => {
    const { page } = await open('submit');
    await page.getByLabel('Start from').selectOption({ index: 1 });
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByRole('heading', { level: 1, name: 'moby' }).waitFor();
    expect(JSON.parse(admin.submitted[0] ?? '')).toMatchObject({ name: 'moby', model: { kind: 'gpt' } });
  });

  it('is refused at the field at fault', async () => {
    const { page } = await open('submit');
    const editor = page.getByLabel('Job document (JSON)');
    await editor.fill('{\n  "name": "x",\n  "model": {\n    "kind": "perceptron"\n  }\n}');
    await page.getByRole('button', { name: 'Submit' }).click();
    const refusal = page.getByRole('alert');
    await refusal.filter({ hasText: 'Line 4: model.kind: must be one of mlp, cnn, gpt, layers' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Show in the document' }).click();
    const selected = await editor.evaluate((element: HTMLTextAreaElement) =>
      element.value.slice(element.selectionStart, element.selectionEnd),
    );
    expect(selected).toBe('"perceptron"');
    await editor.fill('{');
    await page.getByRole('button', { name: 'Submit' }).click();
    await refusal.filter({ hasText: 'This is not JSON' }).waitFor();
  });
});

describe('tokens', () => {
  it('are created, shown once, and revoked after a question', async () => {
    const { page } = await open('tokens');
    await page.getByLabel('Name').fill('school');
    await page.getByLabel('Role').selectOption('worker');
    await page.getByRole('button', { name: 'Create token' }).click();
    await expect(page.getByLabel('Copy it now').inputValue()).resolves.toBe('token-of-t3');
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Done' }).click();
    await expect(page.getByLabel('Copy it now').count()).resolves.toBe(0);
    await page.getByRole('button', { name: 'Revoke school' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('rowheader', { name: 'school' }).waitFor({ state: 'detached' });
    expect(admin.tokens.map(({ name }) => name)).toEqual(['first admin', 'lab machines']);
  });
});

it('tells which codec each worker uses, and what its uplink reaches', async () => {
  const { page } = await open('workers');
  const [atlas, tab] = ['atlas', 'browser tab'].map((name) => page.getByRole('row', { name }));
  await expect(tab?.textContent()).resolves.toMatch(/topk\/64\/2\s*412 kB\/s/);
  await expect(atlas?.textContent()).resolves.toMatch(/int8\s*–/);
});

const views = [
  ['jobs', 'Handwritten digits'],
  ['jobs/mnist', '101,770 parameters'],
  ['submit', 'Start from'],
  ['workers', 'NVIDIA GeForce RTX 4090'],
  ['datasets', 'MNIST handwritten digits'],
  ['tokens', 'lab machines'],
  ['cluster', 'https://b.example.org:7077/'],
] as const;

describe.each([
  ['light', 1100],
  ['dark', 360],
] as const)('in %s, %d pixels wide', (colorScheme, width) => {
  it.each(views)('axe finds nothing in %s, and it fits', async (view, content) => {
    const { page, complaints } = await open(view, { colorScheme, viewport: { width, height: 720 } });
    await page.getByText(content).first().waitFor();
    await expectAccessible(page);
    await expectFitsWidth(page);
    expect(complaints).toEqual([]);
  });
});
