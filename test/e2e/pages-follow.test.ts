import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { adminToken, type CannedAdmin, createCannedAdmin } from '../support/canned-admin.ts';
import { digits } from '../support/contributor-states.ts';
import { expectAccessible, launchChromium, openPage } from './support/chromium.ts';
import { type PagesServer, startPagesServer } from './support/pages-server.ts';

// Two coordinators, each with both pages: `home` serves the page, `leader` is another origin.

let browser: Browser;
let home: PagesServer;
let leader: PagesServer;
let admins: { home: CannedAdmin; leader: CannedAdmin };
beforeAll(async () => {
  browser = await launchChromium();
  home = await startPagesServer((link) => admins.home.serve(link));
  leader = await startPagesServer((link) => admins.leader.serve(link), {
    'mnist/model.safetensors': 'bytes of the weights',
  });
  return async () => {
    await browser.close();
    await home.close();
    await leader.close();
  };
});
beforeEach(() => {
  admins = { home: createCannedAdmin(), leader: createCannedAdmin() };
  lead(leader);
});

function lead(chosen: PagesServer): void {
  const coordinators = [home.url, leader.url];
  for (const name of ['home', 'leader'] as const) {
    const server = { home, leader }[name];
    const isLeader = server === chosen;
    server.cluster = { isLeader, leaderUrl: chosen.url, coordinatorUrls: coordinators };
    Object.assign(admins[name].cluster, { isLeader, leaderUrl: chosen.url, coordinators });
    server.jobs = [{ ...digits, workers: isLeader ? 7 : 0 }];
  }
}

async function open(path: string) {
  const opened = await openPage(browser);
  onTestFinished(() => opened.close());
  await opened.page.goto(home.url + path);
  return opened;
}

describe('the contributor page of a follower', () => {
  it('shows what the leader alone knows', async () => {
    const { page, complaints } = await open('');
    await page.getByText('7 devices at work').waitFor();
    expect(complaints).toEqual([]);
  });

  it('shows what its own coordinator knows while there is no leader', async () => {
    for (const server of [home, leader])
      server.cluster = { ...server.cluster, isLeader: false, leaderUrl: undefined };
    const { page, complaints } = await open('');
    await page.getByRole('heading', { name: digits.title }).waitFor();
    expect(await page.getByText('at work').count()).toBe(0);
    await expectAccessible(page);
    expect(complaints).toEqual([]);
  });
});

describe('the control page of a follower', () => {
  it('talks to the leader, says so, and saves its exports', async () => {
    const { page, complaints } = await open(`admin#token=${adminToken}`);
    await page.getByText(`Leader: ${new URL(leader.url).host}`).waitFor();
    await page.getByRole('link', { name: 'Cluster' }).click();
    await page.getByRole('rowheader', { name: 'c', exact: true }).waitFor();
    await page.getByText(leader.url).first().waitFor();
    await page.getByRole('link', { name: 'Jobs' }).click();
    await page.getByRole('link', { name: 'Handwritten digits' }).click();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused', { exact: true }).waitFor();
    expect(admins.leader.jobs[0]?.state).toBe('paused');
    expect(admins.home.jobs[0]?.state).toBe('running');
    await page.getByRole('button', { name: 'Export round 240' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download model.safetensors' }).click(),
    ]);
    expect(readFileSync(await download.path(), 'utf8')).toBe('bytes of the weights');
    await expectAccessible(page);
    expect(complaints).toEqual([]);
  });

  it('follows the leadership to its own coordinator', async () => {
    const { page } = await open(`admin#token=${adminToken}`);
    await page.getByText(`Leader: ${new URL(leader.url).host}`).waitFor();
    lead(home);
    leader.dropConnections();
    await page.getByText(`Leader: ${new URL(home.url).host}`).waitFor();
  });
});
