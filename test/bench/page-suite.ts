import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Page } from 'playwright';
import { withAdmin } from '../../client/cli/admin-client.ts';
import { builtinJobs } from '../../shared/job/builtin-jobs.ts';
import { adminService } from '../../shared/protocol/services.ts';
import { median, type Suite } from './figure.ts';
import { openGrid } from './grid.ts';

const suite = 'page';
const runs = 3;
const scriptBytesMax = 60_000;
const longTaskWindowMs = 5_000;

interface Visit {
  readonly scriptBytes: number;
  readonly firstUnitMs: number;
  /** Longest task of the main thread while the worker trained; 0 when none reached 50 ms. */
  readonly longestTaskMs: number;
}

async function watchLongTasks(page: Page): Promise<void> {
  await page.evaluate(() => {
    const longest = { milliseconds: 0 };
    Object.assign(globalThis, { longestTask: longest });
    new PerformanceObserver((entries) => {
      for (const { duration } of entries.getEntries())
        longest.milliseconds = Math.max(longest.milliseconds, duration);
    }).observe({ type: 'longtask' });
  });
}

/** A first visit: nothing cached, the button pressed as soon as it can be. */
async function visit(browser: Browser, url: string): Promise<Visit> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const scripts: Promise<Buffer>[] = [];
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') scripts.push(response.body());
  });
  await page.goto(url);
  await page.waitForLoadState('networkidle');
  const bodies = await Promise.all(scripts);
  const scriptBytes = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0);
  await watchLongTasks(page);
  const clicked = performance.now();
  await page.getByRole('button', { name: /start/i }).click();
  const accepted = page.locator('dt:text-is("Units accepted") + dd:not(:text-is("0"))');
  await accepted.waitFor({ timeout: 120_000 });
  const firstUnitMs = performance.now() - clicked;
  await page.waitForTimeout(longTaskWindowMs);
  const longestTaskMs = await page.evaluate(
    () => (globalThis as unknown as { longestTask: { milliseconds: number } }).longestTask.milliseconds,
  );
  await context.close();
  return { scriptBytes, firstUnitMs, longestTaskMs };
}

export const pageSuite: Suite = async (report) => {
  const mnist = builtinJobs['mnist'];
  if (mnist === undefined) throw new Error('the built-in job mnist exists');
  const grid = await openGrid('mnist');
  const documentJson = JSON.stringify({ ...mnist, stop: { rounds: 1_000_000 } });
  await withAdmin(grid.admin, (client) => client.unary(adminService.method.submitJob, { documentJson }));
  const browser = await chromium.launch({
    executablePath: process.env['GRADSWARM_CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking'],
  });
  try {
    const visits: Visit[] = [];
    for (let run = 0; run < runs; run++) visits.push(await visit(browser, grid.url));
    const bytes = visits.map(({ scriptBytes }) => scriptBytes);
    report({
      suite,
      figure: 'contributor page: JavaScript before the first click',
      value: median(bytes),
      unit: 'B gzip',
      target: { kind: 'atMost', value: scriptBytesMax },
      runs: bytes,
      conditions: 'production build, Chromium',
    });
    const times = visits.map(({ firstUnitMs }) => firstUnitMs / 1000);
    report({
      suite,
      figure: 'contributor page: click to first accepted contribution',
      value: median(times),
      unit: 's',
      runs: times,
      conditions: 'mnist, WASM, empty cache, coordinator and browser on two cores',
    });
    const tasks = visits.map(({ longestTaskMs }) => longestTaskMs);
    report({
      suite,
      figure: 'contributor page: longest task of the main thread while training',
      value: median(tasks),
      unit: 'ms',
      target: { kind: 'atMost', value: 50 },
      runs: tasks,
      conditions: `0 means that none reached 50 ms; from the click to ${longTaskWindowMs / 1000} s after the first unit`,
    });
  } finally {
    await browser.close();
    await grid.close();
  }
};
