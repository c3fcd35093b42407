import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openWebSocketLink, webSocketUrl } from '../../../client/node/websocket-link.ts';
import type { AuthoredJob } from '../../../shared/job/complete-job-document.ts';
import { createRpcClient, type RpcClient } from '../../../shared/protocol/rpc-client.ts';
import {
  adminService,
  type GetJobStatusResponse,
  type JobStatus,
} from '../../../shared/protocol/services.ts';
import { protocolVersion } from '../../../shared/protocol/version.ts';
import { systemTimers } from '../../../shared/system/system-timers.ts';
import { type Ended, type Running, runGradswarm, spawnGradswarm, startGradswarm } from './processes.ts';

/** A `gradswarm coordinator` process in a folder of its own, and what its admin does. */
export interface CoordinatorProcess {
  readonly url: string;
  readonly adminToken: string;
  readonly folder: string;
  readonly dataFolder: string;
  /** Address and admin token, for commands. */
  readonly environment: NodeJS.ProcessEnv;
  readonly running: Running;
  /** Runs a command against this coordinator, with `--json`. */
  run(...commandArguments: readonly string[]): Promise<Ended>;
  /** Writes a file beside the data folder and returns its path. */
  writeFile(name: string, content: string | Uint8Array): string;
  /** As `run`, but fails with what the command wrote when it does not end with 0. */
  succeed(...commandArguments: readonly string[]): Promise<Ended>;
  admin(): Promise<RpcClient>;
  submit(job: AuthoredJob): Promise<void>;
  status(jobId: string): Promise<GetJobStatusResponse>;
  /** The first status, now or later, that `accept` takes. Fails when the job stops before. */
  untilStatus(jobId: string, accept: (status: JobStatus) => boolean): Promise<JobStatus>;
  createToken(role: 'admin' | 'worker' | 'contributor'): Promise<string>;
  /** Starts a `gradswarm worker` that ends with the test. */
  startWorker(token: string, ...workerArguments: readonly string[]): Running;
  /** SIGKILL; the folder stays. */
  kill(): Promise<void>;
  /** Starts again on the same port and folder. */
  restart(): Promise<void>;
  /** Kills the process and removes the folder. */
  close(): Promise<void>;
}

export interface CoordinatorProcessOptions {
  /** Of what it writes to stderr. */
  readonly logLevel?: 'info' | 'warn';
}

interface Address {
  readonly running: Running;
  readonly url: string;
  readonly token: string;
}

async function serve(dataFolder: string, port: string, token: string, logLevel: string): Promise<Address> {
  const running = spawnGradswarm(['coordinator', '--json', '--data', dataFolder, '--port', port], {
    GRADSWARM_LOG_LEVEL: logLevel,
  });
  const { url, adminToken } = await running.line(({ event }) => event === 'started');
  return { running, url: String(url), token: adminToken === undefined ? token : String(adminToken) };
}

/** For a whole file: return `close` from `beforeAll`. */
export async function openCoordinator({
  logLevel = 'warn',
}: CoordinatorProcessOptions = {}): Promise<CoordinatorProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'gradswarm-test-'));
  const dataFolder = join(folder, 'data');
  let address = await serve(dataFolder, '0', '', logLevel);
  let client: Promise<RpcClient> | undefined;

  const signIn = async (): Promise<RpcClient> => {
    const opened = createRpcClient(await openWebSocketLink(webSocketUrl(address.url, 'admin-socket')), {
      timers: systemTimers,
    });
    void opened.closed.then(() => {
      client = undefined;
    });
    await opened.unary(adminService.method.signIn, { protocolVersion, token: address.token });
    return opened;
  };
  const admin = (): Promise<RpcClient> => {
    client ??= signIn();
    return client;
  };
  const environment = (): NodeJS.ProcessEnv => ({
    GRADSWARM_URL: address.url,
    GRADSWARM_TOKEN: address.token,
  });
  const run = (...commandArguments: readonly string[]): Promise<Ended> =>
    runGradswarm([...commandArguments, '--json'], environment());

  return {
    folder,
    dataFolder,
    get url() {
      return address.url;
    },
    get adminToken() {
      return address.token;
    },
    get environment() {
      return environment();
    },
    get running() {
      return address.running;
    },
    run,
    async succeed(...commandArguments) {
      const ended = await run(...commandArguments);
      if (ended.code === 0) return ended;
      throw new Error(`gradswarm ${commandArguments.join(' ')} ended with ${ended.code}:\n${ended.stderr}`);
    },
    writeFile(name, content) {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    },
    admin,
    async submit(job) {
      const documentJson = JSON.stringify(job);
      await (await admin()).unary(adminService.method.submitJob, { documentJson });
    },
    async status(jobId) {
      return (await (await admin()).unary(adminService.method.getJobStatus, { jobId })).message;
    },
    async untilStatus(jobId, accept) {
      for await (const { message } of (await admin()).stream(adminService.method.watchJob, { jobId })) {
        if (accept(message)) return message;
        const { state, stateReason } = message;
        if (state !== 'running') throw new Error(`the job ${jobId} is ${state}: ${stateReason}`);
      }
      throw new Error(`the coordinator stopped telling of the job ${jobId}`);
    },
    async createToken(role) {
      const request = { role, name: `${role} of a test` };
      return (await (await admin()).unary(adminService.method.createToken, request)).message.token;
    },
    startWorker: (token, ...workerArguments) =>
      startGradswarm(['worker', '--json', '--url', address.url, ...workerArguments], {
        GRADSWARM_TOKEN: token,
      }),
    kill: () => address.running.kill(),
    async restart() {
      address = await serve(dataFolder, new URL(address.url).port, address.token, logLevel);
    },
    async close() {
      await address.running.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** For one test: closed when it ends. */
export async function startCoordinator(options?: CoordinatorProcessOptions): Promise<CoordinatorProcess> {
  const coordinator = await openCoordinator(options);
  onTestFinished(() => coordinator.close());
  return coordinator;
}
