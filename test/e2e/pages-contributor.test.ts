import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { digits, failed, reconnecting, training, whale, writing } from '../support/contributor-states.ts';
import { expectAccessible, expectFitsWidth, launchChromium, openPage } from './support/chromium.ts';
import { type PagesServer, startPagesServer } from './support/pages-server.ts';
import { scriptWorker } from './support/scripted-worker.ts';

const scriptBytesBeforeStartMax = 60_000;

let browser: Browser;
let server: PagesServer;
beforeAll(async () => {
  browser = await launchChromium();
  server = await startPagesServer((link) => link.close());
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});
beforeEach(() => {
  server.jobs = [digits];
});

async function open(options: Parameters<typeof openPage>[1] = {}, statuses = training) {
  const opened = await openPage(browser, options);
  onTestFinished(() => opened.close());
  await scriptWorker(opened.page, statuses);
  await opened.page.goto(`${server.url}#token=secret`);
  await opened.page.getByRole('heading', { level: 1 }).waitFor();
  return opened;
}

describe('before Start', () => {
  it('shows the job and runs nothing: no worker, no socket, no WebGPU, under 60 kB of script', async () => {
    const { page, complaints, close } = await openPage(browser);
    onTestFinished(close);
    const sockets: string[] = [];
    const scripts: Buffer[] = [];
    page.on('websocket', (socket) => sockets.push(socket.url()));
    page.on('response', async (response) => {
      if (response.request().resourceType() === 'script') scripts.push(await response.body());
    });
    await page.addInitScript(() => {
      const request = navigator.gpu.requestAdapter.bind(navigator.gpu);
      navigator.gpu.requestAdapter = (options) => {
        document.title = 'WebGPU was asked for';
        return request(options);
      };
    });
    await page.goto(server.url);
    await page.getByRole('heading', { name: digits.title }).waitFor();
    await page.waitForLoadState('networkidle');

    await expect(page.getByText('A job of The lab').isVisible()).resolves.toBe(true);
    await expect(page.getByText('97.3 % right on the test data').isVisible()).resolves.toBe(true);
    await expect(page.getByText('Your browser fetches the training data').isVisible()).resolves.toBe(true);
    expect(page.workers()).toEqual([]);
    expect(sockets).toEqual([]);
    expect(await page.title()).toContain('Gradswarm');
    const gzippedBytes = scripts.reduce((sum, script) => sum + gzipSync(script).length, 0);
    expect(gzippedBytes).toBeGreaterThan(1_000);
    expect(gzippedBytes).toBeLessThan(scriptBytesBeforeStartMax);
    expect(complaints).toEqual([]);
  });

  it('takes the token out of the address bar', async () => {
    const { page } = await open();
    expect(page.url()).toBe(server.url);
  });

  it('says so when nothing is being trained, and when the coordinator does not answer', async () => {
    server.jobs = [];
    const { page } = await open();
    await page.getByText('Nothing is being trained right now').waitFor();
    server.jobs = undefined;
    await page.getByText('The coordinator does not answer').waitFor();
    server.jobs = [digits];
    await page.getByRole('heading', { name: digits.title }).waitFor();
  });

  it('offers a choice only where there is one', async () => {
    const one = await open();
    await expect(one.page.getByLabel('Work for').count()).resolves.toBe(0);
    server.jobs = [digits, whale];
    const two = await open();
    await two.page.getByLabel('Work for').selectOption({ label: whale.title });
    await two.page.getByRole('heading', { name: whale.title }).waitFor();
  });

  it('tells in plain words where WebGPU is missing, and why it is on an insecure origin', async () => {
    const { page } = await openPage(browser);
    onTestFinished(() => page.context().close());
    await page.addInitScript(() => Reflect.deleteProperty(Object.getPrototypeOf(navigator), 'gpu'));
    await page.goto(server.url);
    await page.getByRole('heading', { name: 'This browser has no WebGPU' }).waitFor();

    await page.addInitScript(() => Object.defineProperty(globalThis, 'isSecureContext', { value: false }));
    await page.goto(server.url);
    await page.getByText('start it with --tls self-signed').waitFor();
    await expectAccessible(page);
  });
});

describe('after Start', () => {
  it('starts and stops by keyboard, with the state told to screen readers', async () => {
    const { page, complaints } = await open();
    await page.keyboard.press('Tab');
    await expect(page.getByRole('link', { name: 'Skip to the content' }).isVisible()).resolves.toBe(true);
    const start = page.getByRole('button', { name: 'Start' });
    await start.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    await page.getByRole('status').filter({ hasText: 'Your device takes part.' }).waitFor();
    expect(page.workers()).toHaveLength(1);
    await page.getByText('your graphics card: NVIDIA GeForce RTX 4090').waitFor();
    await page.getByText('13.1 MB').waitFor();
    await page
      .getByRole('img', { name: /Training loss from 2\.3\d* in round 2 to 0\.1\d* in round 240/ })
      .waitFor();

    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Start' }).waitFor();
    await expect.poll(() => page.workers().length).toBe(0);
    await expect(
      page.getByRole('button', { name: 'Start' }).evaluate((button) => button === document.activeElement),
    ).resolves.toBe(true);
    expect(complaints).toEqual([]);
  });

  it('tells in plain words what is sent, and how much less than all', async () => {
    const { page } = await open();
    await page.getByRole('button', { name: 'Start' }).click();
    await page
      .getByText('Each update is sent as 103 kB: every value in 8 bits. In full it would be 407 kB.')
      .waitFor();
  });

  it('tells of a lost connection, and of a failure with what to do', async () => {
    const lost = await open({}, reconnecting);
    await lost.page.getByRole('button', { name: 'Start' }).click();
    await lost.page.getByText('The connection was lost. Trying again').waitFor();
    const broken = await open({}, failed);
    await broken.page.getByRole('button', { name: 'Start' }).click();
    await broken.page
      .getByRole('alert')
      .filter({ hasText: 'The graphics card computes wrong values' })
      .waitFor();
    await broken.page.getByRole('button', { name: 'Start again' }).waitFor();
  });

  it('says what to do when the worker cannot be loaded', async () => {
    const { page } = await open();
    await page.route('**/worker-entry*', (route) => route.abort());
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('alert').filter({ hasText: 'could not be loaded' }).waitFor();
  });

  it('shows text that a language model writes', async () => {
    server.jobs = [whale];
    const { page } = await open({}, writing);
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('There she blows!').waitFor();
  });
});

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  it.each([
    ['at work', writing],
    ['failed', failed],
  ])('axe finds nothing, %s and before', async (_, statuses) => {
    server.jobs = [digits, whale];
    const { page } = await open({ colorScheme }, statuses);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('button', { name: /Stop|Start again/ }).waitFor();
    await page.getByText('128').waitFor();
    await expectAccessible(page);
  });

  it('fits a phone', async () => {
    const { page } = await open({ colorScheme, viewport: { width: 360, height: 720 } }, writing);
    await expectFitsWidth(page);
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('What the model writes now').waitFor();
    await expectFitsWidth(page);
  });
});
