import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { withAdmin } from '../../client/cli/admin-client.ts';
import { builtinJobs } from '../../shared/job/builtin-jobs.ts';
import { adminService } from '../../shared/protocol/services.ts';
import { openGrid } from '../bench/grid.ts';

/** `npm run screenshots`: both pages with a real job, a headless worker and a tab at work, into docs/images. */
const root = join(import.meta.dirname, '..', '..');
const images = join(root, 'docs', 'images');
const roundsBeforePicture = 130;

mkdirSync(images, { recursive: true });
const document = builtinJobs['moby'];
if (document === undefined) throw new Error('the built-in job moby exists');
const grid = await openGrid('moby');
const { token = '' } = grid.admin;
await withAdmin(grid.admin, (client) =>
  client.unary(adminService.method.submitJob, {
    documentJson: JSON.stringify({ ...document, evaluation: { ...document.evaluation, everyRounds: 20 } }),
  }),
);
const worker = spawn(
  process.execPath,
  [
    '--import',
    'tsx',
    join(root, 'client', 'node', 'worker-process.ts'),
    '--url',
    grid.url,
    '--name',
    'workstation',
  ],
  { cwd: root, stdio: 'ignore', env: { ...process.env, GRADSWARM_WORKER_TOKEN: token } },
);
const browser = await chromium.launch({
  executablePath: process.env['GRADSWARM_CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-background-networking'],
});
try {
  const context = await browser.newContext({
    viewport: { width: 1_000, height: 1_180 },
    colorScheme: 'light',
  });
  const contributor = await context.newPage();
  await contributor.goto(grid.url);
  await contributor.getByRole('button', { name: /start/i }).click();
  await withAdmin(grid.admin, async (client) => {
    for await (const { message } of client.stream(adminService.method.watchJob, { jobId: 'moby' })) {
      if (message.version >= roundsBeforePicture) return;
    }
  });
  await contributor.screenshot({ path: join(images, 'contributor.png') });
  const admin = await context.newPage();
  await admin.goto(`${grid.url}admin#token=${token}`);
  await admin.getByRole('link', { name: document.title }).click();
  await admin.getByRole('heading', { name: 'Loss and accuracy' }).waitFor();
  await admin.waitForTimeout(2_000);
  await admin.screenshot({ path: join(images, 'admin.png') });
} finally {
  await browser.close();
  worker.kill('SIGTERM');
  await once(worker, 'exit');
  await grid.close();
}
