import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { withAdmin } from '../../../client/cli/admin-client.ts';
import type { AuthoredJob } from '../../../shared/job/complete-job-document.ts';
import type { RpcClient } from '../../../shared/protocol/rpc-client.ts';
import {
  adminService,
  type ClusterStatusResponse,
  type GetJobStatusResponse,
} from '../../../shared/protocol/services.ts';
import { freePort } from '../../support/free-port.ts';
import { type Ended, type Running, runGradswarm, spawnGradswarm, startGradswarm } from './processes.ts';

export interface Member {
  readonly id: string;
  readonly url: string;
  readonly peerAddress: string;
  readonly dataFolder: string;
  readonly running: Running;
}

/** Coordinator processes that form one cluster, and what their admin does. Everything ends with the test. */
export interface CoordinatorCluster {
  readonly folder: string;
  readonly members: ReadonlyMap<string, Member>;
  readonly urls: readonly string[];
  readonly token: string;
  run(...commandArguments: readonly string[]): Promise<Ended>;
  /** As `run`, but fails with what the command wrote when it does not end with 0. */
  succeed(...commandArguments: readonly string[]): Promise<Ended>;
  ask<Result>(work: (client: RpcClient) => Promise<Result>): Promise<Result>;
  status(): Promise<ClusterStatusResponse>;
  /** The leader's name, once there is one. */
  leader(): Promise<string>;
  submit(job: AuthoredJob): Promise<void>;
  job(jobId: string): Promise<GetJobStatusResponse>;
  /** Polls, because the one who is asked may be killed. */
  untilJob(jobId: string, accept: (job: GetJobStatusResponse) => boolean): Promise<GetJobStatusResponse>;
  createToken(role: 'worker'): Promise<string>;
  startWorker(token: string, ...workerArguments: readonly string[]): Running;
  /** Starts another coordinator, or one that was killed, with these flags besides the usual ones. */
  start(id: string, ...flags: readonly string[]): Promise<Member>;
  kill(id: string): Promise<void>;
  /** Removes the data folder of a coordinator that was killed. */
  wipe(id: string): void;
}

export interface ClusterOptions {
  readonly ids: readonly string[];
  /** Flags of every coordinator; those of its own log by default. */
  readonly consensus?: readonly string[];
}

const pollMs = 150;

export async function startCluster({ ids, consensus }: ClusterOptions): Promise<CoordinatorCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'gradswarm-cluster-'));
  const members = new Map<string, Member>();
  onTestFinished(async () => {
    await Promise.all([...members.values()].map(({ running }) => running.kill()));
    rmSync(folder, { recursive: true, force: true });
  });
  const secretFile = join(folder, 'secret');
  writeFileSync(secretFile, 'a secret of the tests, which is long enough');
  const ports = new Map<string, { readonly client: number; readonly peer: number }>();
  for (const id of ids) ports.set(id, { client: await freePort(), peer: await freePort() });
  const peerList = ids.map((id) => `${id}=127.0.0.1:${ports.get(id)?.peer}`).join(',');
  const common = consensus ?? (ids.length > 1 ? ['--peers', peerList] : []);
  let token = '';

  const start = async (id: string, flags: readonly string[]): Promise<Member> => {
    const known = ports.get(id) ?? { client: await freePort(), peer: await freePort() };
    ports.set(id, known);
    const dataFolder = join(folder, id);
    const peerAddress = `127.0.0.1:${known.peer}`;
    const running = spawnGradswarm(
      [
        ...['coordinator', '--json', '--id', id, '--listen', `127.0.0.1:${known.client}`],
        ...[
          '--peer-listen',
          peerAddress,
          '--cluster-secret-file',
          secretFile,
          '--data',
          dataFolder,
          ...flags,
        ],
      ],
      { GRADSWARM_LOG_LEVEL: 'warn' },
    );
    const member = { id, url: `http://127.0.0.1:${known.client}/`, peerAddress, dataFolder, running };
    members.set(id, member);
    await running.line(({ event }) => event === 'started');
    return member;
  };
  await Promise.all(ids.map((id) => start(id, common)));
  const told = await Promise.any(
    [...members.values()].map(({ running }) => running.line(({ adminToken }) => adminToken !== undefined)),
  );
  token = String(told['adminToken']);

  const urls = (): readonly string[] => [...members.values()].map(({ url }) => url);
  const ask = <Result>(work: (client: RpcClient) => Promise<Result>): Promise<Result> =>
    withAdmin({ url: urls(), token }, work);
  const run = (...commandArguments: readonly string[]): Promise<Ended> =>
    runGradswarm([...commandArguments, '--json'], {
      GRADSWARM_URL: urls().join(','),
      GRADSWARM_TOKEN: token,
    });
  const status = (): Promise<ClusterStatusResponse> =>
    ask(async (client) => (await client.unary(adminService.method.clusterStatus, {})).message);
  const job = (jobId: string): Promise<GetJobStatusResponse> =>
    ask(async (client) => (await client.unary(adminService.method.getJobStatus, { jobId })).message);

  return {
    folder,
    members,
    get urls() {
      return urls();
    },
    get token() {
      return token;
    },
    run,
    async succeed(...commandArguments) {
      const ended = await run(...commandArguments);
      if (ended.code === 0) return ended;
      throw new Error(`gradswarm ${commandArguments.join(' ')} ended with ${ended.code}:\n${ended.stderr}`);
    },
    ask,
    status,
    leader: async () => (await status()).leaderId,
    async submit(document) {
      const documentJson = JSON.stringify(document);
      await ask((client) => client.unary(adminService.method.submitJob, { documentJson }));
    },
    job,
    async untilJob(jobId, accept) {
      for (;;) {
        const now = await job(jobId);
        if (accept(now)) return now;
        const { state = '', stateReason = '' } = now.status ?? {};
        if (state !== 'running') throw new Error(`the job ${jobId} is ${state}: ${stateReason}`);
        await pause(pollMs);
      }
    },
    async createToken(role) {
      const request = { role, name: `${role} of a test` };
      return (await ask((client) => client.unary(adminService.method.createToken, request))).message.token;
    },
    startWorker: (workerToken, ...workerArguments) =>
      startGradswarm(['worker', '--json', '--url', urls().join(','), ...workerArguments], {
        GRADSWARM_TOKEN: workerToken,
      }),
    start: (id, ...flags) => start(id, flags.length > 0 ? flags : common),
    async kill(id) {
      await members.get(id)?.running.kill();
    },
    wipe(id) {
      rmSync(join(folder, id), { recursive: true });
    },
  };
}
