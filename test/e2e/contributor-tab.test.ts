import type { Browser, Page } from 'playwright';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { AuthoredJob } from '../../shared/job/complete-job-document.ts';
import { expectAccessible, launchChromium, openPage } from './support/chromium.ts';
import { type CoordinatorProcess, openCoordinator } from './support/coordinator.ts';
import { cloudsCsv } from './support/tables.ts';

// That the page's main thread has no task over 50 ms is judged by the benchmark `page`, with the other times: on a
// loaded machine a task of 5 ms takes 50. Here it is held that all work happens in the dedicated worker.

let browser: Browser;
let coordinator: CoordinatorProcess;
beforeAll(async () => {
  browser = await launchChromium();
  coordinator = await openCoordinator();
  const csv = coordinator.writeFile('clouds.csv', cloudsCsv(500));
  await coordinator.succeed('dataset', 'import', 'clouds', '--csv', csv, '--target', 'class');
  return async () => {
    await browser.close();
    await coordinator.close();
  };
});

const rounds = 10;
const unitsPerRound = 3;

/** Units of some hundred milliseconds: a tab that is at work is inside of one. */
function job(name: string): AuthoredJob {
  return {
    name,
    title: `Clouds for ${name}`,
    model: { kind: 'mlp', hidden: [256, 256] },
    dataset: 'clouds',
    loss: 'softmaxCrossEntropy',
    optimizer: { kind: 'nesterov', learningRate: 0.01 },
    unitsPerRound,
    batchSize: 8_192,
    stop: { rounds },
    evaluation: { samplesMax: 0 },
    allowAnonymous: true,
  };
}

interface Tab {
  readonly page: Page;
  readonly sockets: readonly string[];
  /** Everything that the browser complained of. */
  readonly complaints: readonly string[];
}

async function openTab(prepare: (page: Page) => Promise<void> = async () => {}): Promise<Tab> {
  const { page, complaints, close } = await openPage(browser);
  onTestFinished(close);
  const sockets: string[] = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  await prepare(page);
  await page.goto(coordinator.url);
  return { page, sockets, complaints };
}

/** Starts by a click, and waits until the page tells of units that were accepted. */
async function contribute(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Start' }).click();
  await page.locator('dt:text-is("Units accepted") + dd:not(:text-is("0"))').waitFor({ timeout: 120_000 });
}

/** In the place of a person's choice, which the page does not offer: the back end that `start` is given. */
async function chooseWebgpu(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...rest) {
      const text = JSON.stringify(message).replace('"backend":"auto"', '"backend":"webgpu"');
      Reflect.apply(post, this, [text.includes('"webgpu"') ? JSON.parse(text) : message, ...rest]);
    };
  });
}

async function browserWorkers() {
  const { lines } = await coordinator.succeed('workers');
  return lines.filter(({ home }) => home === 'browser');
}

describe('a contributor’s tab', () => {
  it('runs nothing before the click, and then work that is accepted', async () => {
    await coordinator.submit({ ...job('tab'), stop: { rounds: 1_000_000 } });
    const { page, sockets, complaints } = await openTab();
    await page.getByRole('heading', { name: 'Clouds for tab' }).waitFor();
    await page.waitForLoadState('networkidle');
    expect(sockets).toEqual([]);
    expect(page.workers()).toEqual([]);
    expect(await browserWorkers()).toEqual([]);

    await contribute(page);
    expect(page.workers()).toHaveLength(1);
    await page.getByText('On your processor (WebAssembly)').waitFor();
    const [worker] = await browserWorkers();
    expect(worker).toMatchObject({ role: 'anonymous', engine: 'wasm', refused: 0 });
    expect(worker?.['accepted']).toBeGreaterThan(0);
    await expectAccessible(page);

    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Start' }).waitFor();
    expect(page.workers()).toEqual([]);
    expect(await browserWorkers()).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('may be closed inside a unit: others compute it, to the same bits, and none counts twice', async () => {
    await coordinator.succeed('job', 'cancel', 'tab');
    await coordinator.submit(job('left'));
    const { page } = await openTab();
    await contribute(page);
    await page.getByText('Computing for').waitFor();
    await page.close();
    const left = await coordinator.status('left');
    expect(left.status?.version).toBeLessThan(rounds);
    expect(left.unitsCounted).toBe(unitsPerRound * (left.status?.version ?? 0));

    coordinator.startWorker('', '--backend', 'wasm');
    const finished = await coordinator.untilStatus('left', ({ state }) => state === 'finished');
    expect((await coordinator.status('left')).unitsCounted).toBe(rounds * unitsPerRound);

    await coordinator.submit(job('never-left'));
    const alone = await coordinator.untilStatus('never-left', ({ state }) => state === 'finished');
    expect(finished.parametersHash).toBe(alone.parametersHash);
  });

  it('computes on WebGPU where it is chosen', async () => {
    await coordinator.submit({ ...job('gpu'), batchSize: 256, stop: { rounds: 1_000_000 } });
    const { page, complaints } = await openTab(chooseWebgpu);
    await contribute(page);
    await page.getByText('On your graphics card').waitFor();
    const [worker] = await browserWorkers();
    expect(worker).toMatchObject({ engine: 'webgpu', refused: 0, job: 'gpu' });
    expect(complaints).toEqual([]);
  });
});
