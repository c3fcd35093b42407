import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { type AdminOptions, withAdmin } from '../../client/cli/admin-client.ts';
import type { JobDocument } from '../../shared/job/job-document.ts';
import { adminService } from '../../shared/protocol/services.ts';

const root = join(import.meta.dirname, '..', '..');
const launcher = join(root, 'client', 'cli', 'gradswarm.mjs');

/** A coordinator in a process and a data folder of its own, with one data set. */
export interface Grid {
  readonly url: string;
  readonly admin: AdminOptions;
  close(): Promise<void>;
}

async function firstLine(child: ChildProcess): Promise<Record<string, unknown>> {
  if (child.stdout === null) throw new Error('the process has no output');
  for await (const line of createInterface({ input: child.stdout }))
    return JSON.parse(line) as Record<string, unknown>;
  throw new Error('the process ended before it said anything');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

export async function openGrid(dataset: string): Promise<Grid> {
  const folder = mkdtempSync(join(tmpdir(), 'gradswarm-bench-'));
  const flags = ['coordinator', '--json', '--port', '0', '--data', folder, '--log-level', 'warn'];
  const child = spawn(process.execPath, [launcher, ...flags], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const started = await firstLine(child);
  const url = String(started['url']);
  const admin = { url: [url], token: String(started['adminToken']), json: true };
  const importing = spawn(
    process.execPath,
    [launcher, 'dataset', 'import', dataset, '--url', url, '--token', admin.token, '--json'],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await once(importing, 'exit');
  return {
    url,
    admin,
    async close() {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const warmUpMs = 6_000;
const commitPollMs = 5;

/** Committed samples a second of `document` with so many WASM workers, after a warm-up. */
export async function gridSamplesPerSecond(
  { url, admin }: Grid,
  document: JobDocument,
  workers: number,
  windowMs: number,
): Promise<number> {
  const jobId = document.name;
  const entry = join(root, 'client', 'node', 'worker-process.ts');
  return withAdmin(admin, async (client) => {
    await client.unary(adminService.method.submitJob, { documentJson: JSON.stringify(document) });
    const children = Array.from({ length: workers }, (_, index) =>
      spawn(
        process.execPath,
        [
          '--import',
          'tsx',
          entry,
          '--url',
          url,
          '--name',
          `bench-${index}`,
          '--backend',
          'wasm',
          '--job',
          jobId,
        ],
        {
          cwd: root,
          stdio: ['ignore', 'ignore', 'inherit'],
          env: { ...process.env, GRADSWARM_WORKER_TOKEN: admin.token },
        },
      ),
    );
    const read = async (): Promise<{ samples: number; atMs: number }> => {
      const { message } = await client.unary(adminService.method.getJobStatus, { jobId });
      return { samples: message.status?.samples ?? 0, atMs: performance.now() };
    };
    /** Samples count when their round is committed: a window that begins and ends with a commit has no part of one. */
    const nextCommit = async (): Promise<{ samples: number; atMs: number }> => {
      const before = await read();
      for (;;) {
        await pause(commitPollMs);
        const now = await read();
        if (now.samples > before.samples) return now;
      }
    };
    await nextCommit();
    await pause(warmUpMs);
    const first = await nextCommit();
    await pause(windowMs);
    const last = await nextCommit();
    await client.unary(adminService.method.controlJob, { jobId, action: 'cancel' });
    await Promise.all(children.map(end));
    return ((last.samples - first.samples) / (last.atMs - first.atMs)) * 1000;
  });
}
