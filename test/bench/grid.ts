import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { type AdminOptions, withAdmin } from '../../client/cli/admin-client.ts';
import type { JobDocument } from '../../shared/job/job-document.ts';
import type { RpcClient } from '../../shared/protocol/rpc-client.ts';
import { adminService, type JobStatus } from '../../shared/protocol/services.ts';

export const root = join(import.meta.dirname, '..', '..');
export const launcher = join(root, 'client', 'cli', 'gradswarm.mjs');

/** A coordinator in a process and a data folder of its own, with one data set. */
export interface Grid {
  readonly url: string;
  /** Of the coordinator. */
  readonly processId: number;
  readonly admin: AdminOptions;
  close(): Promise<void>;
}

async function firstLine(child: ChildProcess): Promise<Record<string, unknown>> {
  if (child.stdout === null) throw new Error('the process has no output');
  for await (const line of createInterface({ input: child.stdout }))
    return JSON.parse(line) as Record<string, unknown>;
  throw new Error('the process ended before it said anything');
}

export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

export async function importDataset(dataset: string, url: string, token: string): Promise<void> {
  const importing = spawn(
    process.execPath,
    [launcher, 'dataset', 'import', dataset, '--url', url, '--token', token, '--json'],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await once(importing, 'exit');
}

/** A headless worker with this address of a coordinator and these flags besides. */
export function startWorkerAt(
  url: string,
  token: string,
  name: string,
  flags: readonly string[] = [],
): ChildProcess {
  const known = ['worker', '--json', '--url', url, '--backend', 'wasm', '--name', name];
  return spawn(process.execPath, [launcher, ...known, ...flags], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, GRADSWARM_TOKEN: token },
  });
}

/** Resolves with the first status that is accepted. */
export async function untilStatus(
  client: RpcClient,
  jobId: string,
  accept: (status: JobStatus) => boolean,
): Promise<JobStatus> {
  for (;;) {
    const { status } = (await client.unary(adminService.method.getJobStatus, { jobId })).message;
    if (status !== undefined && accept(status)) return status;
    await pause(pollMs);
  }
}

/** Resolves when so many workers are registered. */
export async function untilWorkers(client: RpcClient, count: number): Promise<void> {
  while ((await client.unary(adminService.method.listWorkers, {})).message.workers.length !== count)
    await pause(pollMs);
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
  await importDataset(dataset, url, admin.token);
  return {
    url,
    processId: child.pid ?? 0,
    admin,
    async close() {
      await endProcess(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const settleMs = 1_000;
const pollMs = 5;

/** A job with workers of its own, which trains only while it is measured. */
export interface GridJob {
  /** Trains as long as `measure` takes. */
  train<Result>(measure: (nextCommit: () => Promise<Committed>) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** Committed samples a second. */
export function samplesPerSecond(job: GridJob, windowMs: number): Promise<number> {
  return job.train(async (nextCommit) => {
    await nextCommit();
    await pause(settleMs);
    const first = await nextCommit();
    await pause(windowMs);
    const last = await nextCommit();
    return ((last.samples - first.samples) / (last.atMs - first.atMs)) * 1000;
  });
}

function startWorker({ url, admin }: Grid, jobId: string, index: number): ChildProcess {
  const entry = join(root, 'client', 'node', 'worker-process.ts');
  const name = `bench-${index}`;
  const flags = ['--url', url, '--name', name, '--backend', 'wasm', '--job', jobId];
  return spawn(process.execPath, ['--import', 'tsx', entry, ...flags], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, GRADSWARM_WORKER_TOKEN: admin.token },
  });
}

/** Submits `document` with so many WASM workers, and resolves when it has committed rounds and is paused. */
export async function openGridJob(grid: Grid, document: JobDocument, workers: number): Promise<GridJob> {
  const jobId = document.name;
  const ask = <Result>(work: (client: RpcClient) => Promise<Result>): Promise<Result> =>
    withAdmin(grid.admin, work);
  const control = (action: string) =>
    ask((client) => client.unary(adminService.method.controlJob, { jobId, action }));
  await ask((client) =>
    client.unary(adminService.method.submitJob, { documentJson: JSON.stringify(document) }),
  );
  const children = Array.from({ length: workers }, (_, index) => startWorker(grid, jobId, index));
  const job: GridJob = {
    train: (measure) =>
      ask(async (client) => {
        await client.unary(adminService.method.controlJob, { jobId, action: 'resume' });
        const result = await measure(() => nextCommit(client, jobId));
        await client.unary(adminService.method.controlJob, { jobId, action: 'pause' });
        return result;
      }),
    async close() {
      await control('cancel');
      await Promise.all(children.map(endProcess));
    },
  };
  await ask(async (client) => {
    // Every worker has loaded the data and compiled its kernels.
    await nextCommit(client, jobId);
    await pause(2 * settleMs);
    await nextCommit(client, jobId);
  });
  await control('pause');
  return job;
}

export interface Committed {
  readonly round: number;
  readonly samples: number;
  readonly atMs: number;
}

/** Samples count when their round is committed: a window that begins and ends with a commit has no part of one. */
async function nextCommit(client: RpcClient, jobId: string): Promise<Committed> {
  const read = async (): Promise<Committed> => {
    const { message } = await client.unary(adminService.method.getJobStatus, { jobId });
    const { version = 0, samples = 0 } = message.status ?? {};
    return { round: version, samples, atMs: performance.now() };
  };
  const before = await read();
  for (;;) {
    await pause(pollMs);
    const now = await read();
    if (now.samples > before.samples) return now;
  }
}
