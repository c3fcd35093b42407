import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { compileModel } from '../../../../client/worker/model/model-compiler.ts';
import type { WorkerStatus } from '../../../../client/worker/session/status.ts';
import { WebSocketLink } from '../../../../server/net/websocket-link.ts';
import { modelEnds } from '../../../../shared/job/model-ends.ts';
import { FakeCoordinator } from '../worker/session/support/fake-coordinator.ts';
import { shardBytesByHash, smallDataset, smallDocument } from '../worker/session/support/small-job.ts';
import { until } from '../worker/session/support/until.ts';

const root = join(import.meta.dirname, '../../../..');
const script = join(root, 'client/node/worker-process.ts');

let http: Server;
let sockets: WebSocketServer;
let coordinator: FakeCoordinator;
let url = '';
let child: ChildProcess | undefined;

beforeEach(async () => {
  const { model, loss, seed } = smallDocument;
  const ends = modelEnds(model, smallDataset, loss);
  const { tensors, initialParameters } = await compileModel(model, ends, loss, seed);
  coordinator = new FakeCoordinator(smallDocument, tensors, initialParameters);
  http = createServer((request, response) => {
    const bytes = shardBytesByHash.get((request.url ?? '').replace('/shards/', ''));
    response.writeHead(bytes ? 200 : 404).end(bytes);
  });
  sockets = new WebSocketServer({ server: http, path: '/worker-socket', perMessageDeflate: false });
  sockets.on('connection', (socket) => coordinator.serve(new WebSocketLink(socket)));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
});

afterEach(async () => {
  child?.kill('SIGKILL');
  for (const socket of sockets.clients) socket.terminate();
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
});

function start(...options: readonly string[]): {
  readonly process: ChildProcess;
  readonly statuses: WorkerStatus[];
} {
  child = fork(script, options, {
    cwd: root,
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, GRADSWARM_WORKER_TOKEN: 'from the environment' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const statuses: WorkerStatus[] = [];
  child.on('message', (status) => statuses.push(status as WorkerStatus));
  return { process: child, statuses };
}

describe('worker-process', () => {
  it('trains over a real socket, tells its parent, and at SIGTERM gives leases back and exits 0', async () => {
    const { process: worker, statuses } = start('--url', url, '--name', 'tester', '--backend', 'cpu');
    await until(() => coordinator.version >= 5 && statuses.some(({ round }) => round >= 1));
    expect(coordinator.registrations[0]).toMatchObject({ token: 'from the environment', name: 'tester' });
    worker.kill('SIGTERM');
    const [code] = (await once(worker, 'exit')) as [number | null];
    expect(code).toBe(0);
    expect(statuses.at(-1)?.phase).toBe('stopped');
    await until(() => coordinator.leased.size === 0);
  });

  it('ends when its parent lets go of it', async () => {
    const { process: worker } = start('--url', url, '--backend', 'cpu');
    await until(() => coordinator.version >= 1);
    worker.disconnect();
    expect(await once(worker, 'exit')).toEqual([0, null]);
  });

  it('exits 1 with a plain message when the coordinator does not want it', async () => {
    coordinator.behaviour.refuseRegister = 'unauthenticated';
    const { process: worker } = start('--url', url, '--name', 'stranger', '--backend', 'cpu');
    let complaint = '';
    worker.stderr?.on('data', (text: Buffer) => {
      complaint += text.toString('utf8');
    });
    expect(await once(worker, 'close')).toEqual([1, null]);
    expect(complaint).toContain('worker stranger: refused: unauthenticated');
  });

  it.each([
    [[], '--url give the address'],
    [['--url', 'nowhere'], '--url must be an http or https address'],
    [['--url', 'http://a.test', '--backend', 'gpu'], '--backend is one of auto, webgpu'],
    [['--speed', 'high'], "Unknown option '--speed'"],
  ])('exits 2 for %j', async (options, message) => {
    const { process: worker } = start(...options);
    let complaint = '';
    worker.stderr?.on('data', (text: Buffer) => {
      complaint += text.toString('utf8');
    });
    expect(await once(worker, 'close')).toEqual([2, null]);
    expect(complaint).toContain(message);
  });
});
