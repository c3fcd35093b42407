import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { withAdmin } from '../../../client/cli/admin-client.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import type { AuthoredJob } from '../../../shared/job/complete-job-document.ts';
import { adminService, type JobStatus } from '../../../shared/protocol/services.ts';
import { freePort } from '../../support/free-port.ts';
import type { Report } from '../figure.ts';
import {
  endProcess,
  importDataset,
  launcher,
  root,
  startWorkerAt,
  untilStatus,
  untilWorkers,
} from '../grid.ts';
import { countReceivedBytes } from './socket-bytes.ts';

const names = ['a', 'b', 'c'] as const;
const workerCounts = [3, 6, 12] as const;
const firstRound = 3;
const lastRound = 13;
const attemptsMax = 4;
const leaderLost: ReadonlySet<string> = new Set(['connectionLost', 'notLeader', 'unavailable']);

const unitsPerWorker = 4;

/** With 784 inputs and ten classes: 636,010 parameters. */
const createJob = (workers: number): AuthoredJob => ({
  name: 'traffic',
  model: { kind: 'mlp', hidden: [800] },
  dataset: 'mnist',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'sgd', learningRate: 0.01 },
  unitsPerRound: unitsPerWorker * workers,
  batchSize: 8,
  codec: { up: 'int8', down: 'int8' },
  stop: { rounds: lastRound + 1 },
  evaluation: { samplesMax: 0 },
  seed: 5,
});

/** What the leader of three coordinators receives for a round, from workers and from coordinators, by the number of workers. */
export async function leaderTrafficFigures(report: Report): Promise<void> {
  for (const workers of workerCounts) {
    const hashes = new Set<string>();
    for (const isEdge of [true, false]) {
      const { hash, bytes } = await measureUnderOneLeader(workers, isEdge);
      hashes.add(hash);
      report({
        suite: 'sync',
        figure: `leader of three, ${workers} workers, ${isEdge ? 'summed at the edge' : 'all at the leader'}`,
        value: bytes / 1e6,
        unit: 'MB/round',
        runs: [bytes / 1e6],
        conditions: `received on all sockets; mlp of 0.6M parameters, int8 up and down, ${unitsPerWorker} units of 8 samples for each worker`,
      });
    }
    if (hashes.size !== 1) throw new Error(`the runs end with different bits: ${[...hashes].join(', ')}`);
  }
}

/** On a busy machine a leader may be late and lose its place: what was counted until then tells nothing. */
async function measureUnderOneLeader(workers: number, isEdge: boolean): ReturnType<typeof measure> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await measure(workers, isEdge);
    } catch (error) {
      const isElection = error instanceof GradswarmError && leaderLost.has(error.code);
      if (!isElection || attempt === attemptsMax) throw error;
    }
  }
}

interface Coordinator {
  readonly name: string;
  readonly url: string;
  readonly process: ChildProcess;
}

interface Cluster {
  readonly coordinators: readonly Coordinator[];
  readonly adminToken: string;
}

/** One of them says the token of the first admin, once there is a leader. */
async function startCoordinators(folder: string, isEdge: boolean): Promise<Cluster> {
  const secretFile = join(folder, 'secret');
  writeFileSync(secretFile, 'a secret of the benchmarks, which is long enough');
  const addresses: { name: string; client: number; peer: number }[] = [];
  for (const name of names) addresses.push({ name, client: await freePort(), peer: await freePort() });
  const peers = addresses.map(({ name, peer }) => `${name}=127.0.0.1:${peer}`).join(',');
  const coordinators = addresses.map(({ name, client, peer }) => {
    const flags = [
      'coordinator',
      '--json',
      '--id',
      name,
      '--listen',
      `127.0.0.1:${client}`,
      '--peers',
      peers,
    ];
    const more = ['--peer-listen', `127.0.0.1:${peer}`, '--cluster-secret-file', secretFile];
    const child = spawn(process.execPath, [launcher, ...flags, ...more, '--data', join(folder, name)], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, GRADSWARM_LOG_LEVEL: 'error', GRADSWARM_EDGE: String(isEdge) },
    });
    return { name, url: `http://127.0.0.1:${client}/`, process: child };
  });
  const adminToken = await Promise.any(coordinators.map((coordinator) => toldToken(coordinator.process)));
  return { coordinators, adminToken };
}

async function toldToken({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('the process has no output');
  for await (const line of createInterface({ input: stdout })) {
    const { adminToken } = JSON.parse(line) as { adminToken?: string };
    if (adminToken !== undefined) return adminToken;
  }
  throw new Error('the process ended before it said a token');
}

async function measure(workerCount: number, isEdge: boolean): Promise<{ hash: string; bytes: number }> {
  const job = createJob(workerCount);
  const folder = mkdtempSync(join(tmpdir(), 'gradswarm-bench-'));
  const { coordinators, adminToken: token } = await startCoordinators(folder, isEdge);
  const url = coordinators.map((coordinator) => coordinator.url);
  const admin = { url, token, json: true };
  const workers: ChildProcess[] = [];
  try {
    await importDataset('mnist', url.join(','), token);
    return await withAdmin(admin, async (client) => {
      // One after the other: a dozen that start at once would take the leadership away from whoever has it.
      while (workers.length < workerCount) {
        const index = workers.length;
        const { url: home = '' } = coordinators[index % coordinators.length] ?? {};
        workers.push(startWorkerAt(home, token, `bench-${index}`));
        await untilWorkers(client, workers.length);
      }
      const until = (accept: (status: JobStatus) => boolean) => untilStatus(client, job.name, accept);
      const { leaderId } = (await client.unary(adminService.method.clusterStatus, {})).message;
      const leader = coordinators.find(({ name }) => name === leaderId);
      if (leader?.process.pid === undefined) throw new Error('the leader is one of the three');
      await client.unary(adminService.method.submitJob, { documentJson: JSON.stringify(job) });
      const from = await until(({ version }) => version >= firstRound);
      const received = countReceivedBytes(leader.process.pid);
      const to = await until(({ version }) => version >= lastRound);
      const bytes = received() / (to.version - from.version);
      const { parametersHash: hash } = await until(({ state }) => state === 'finished');
      return { hash, bytes };
    });
  } finally {
    await Promise.all(workers.map(endProcess));
    await Promise.all(coordinators.map((coordinator) => endProcess(coordinator.process)));
    rmSync(folder, { recursive: true, force: true });
  }
}
