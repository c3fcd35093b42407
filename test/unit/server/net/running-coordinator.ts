import { createHash, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { createClusterOfOne } from '../../../../server/cluster/cluster-of-one.ts';
import type { Command, Role } from '../../../../server/core/commands.ts';
import { exchangeOf } from '../../../../server/core/ring/ring-view.ts';
import { publicJobs } from '../../../../server/core/views.ts';
import { buildApp } from '../../../../server/http/app.ts';
import { createAdminGateway } from '../../../../server/net/admin-gateway.ts';
import { createAdmission } from '../../../../server/net/admission.ts';
import { createOriginPolicy } from '../../../../server/net/origin-policy.ts';
import { createTokenText, hashToken, verifyToken } from '../../../../server/net/tokens.ts';
import { WebSocketLink } from '../../../../server/net/websocket-link.ts';
import { attachWebSockets } from '../../../../server/net/websocket-server.ts';
import { createWorkerGateway } from '../../../../server/net/worker-gateway.ts';
import {
  type CoordinatorRuntime,
  createCoordinatorRuntime,
} from '../../../../server/runtime/coordinator-runtime.ts';
import { createLocalTrainer } from '../../../../server/runtime/trainer/local-trainer.ts';
import { createCheckpointStore } from '../../../../server/storage/checkpoint-store.ts';
import { SimulatedDisk } from '../../../../server/storage/disk/simulated-disk.ts';
import { createMemoryBlobStore } from '../../../../server/storage/memory-blob-store.ts';
import { aloneInCluster, type ClusterView } from '../../../../shared/base/cluster-view.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';
import { asBlobHash, type BlobHash } from '../../../../shared/base/ids.ts';
import type { JobDocument } from '../../../../shared/job/job-document.ts';
import type { Link } from '../../../../shared/protocol/link.ts';
import { createRpcClient, type RpcClient } from '../../../../shared/protocol/rpc-client.ts';
import { adminService } from '../../../../shared/protocol/services.ts';
import { protocolVersion } from '../../../../shared/protocol/version.ts';
import { systemTimers } from '../../../../shared/system/system-timers.ts';
import { bytesOf } from '../../../../shared/tensor/bytes.ts';
import { createManifest, manifestText } from '../../../../shared/tensor/manifest.ts';
import { openLoneRaftLog } from '../../../support/lone-raft-log.ts';
import { dataset, submission } from '../core/fixtures.ts';

export const tensors = [{ name: 'weights', shape: [3], role: 'trainable' }] as const;
export const initialParameters = Float32Array.of(1, 2, 3);
export const shardBytes = new Uint8Array(400).fill(7);

const sha256 = (bytes: Uint8Array | string): BlobHash =>
  asBlobHash(createHash('sha256').update(bytes).digest('hex'));
export const manifestHash = sha256(manifestText(createManifest(tensors)));

export interface RunningCoordinator {
  readonly url: string;
  readonly runtime: CoordinatorRuntime;
  readonly defects: string[];
  readonly shardHash: BlobHash;
  /** Makes the gateways believe in another leader, or in none. */
  seeCluster(view: ClusterView): void;
  /** Tells the gateways that this coordinator leads no longer. */
  leadershipLost(): void;
  createToken(role: Role): Promise<{ readonly token: string; readonly tokenId: string }>;
  submit(overrides?: Partial<JobDocument>): Promise<void>;
  open(path: 'worker-socket' | 'admin-socket'): Promise<RpcClient>;
  /** A connection of an admin with a token of its own. */
  signIn(): Promise<RpcClient>;
  openLink(path: string, headers?: Record<string, string>): Promise<Link>;
  stop(): Promise<void>;
}

/** A whole coordinator on a loopback port: only disk and model compiler are stand-ins. */
export async function startCoordinator(exportsFolder = '/nowhere'): Promise<RunningCoordinator> {
  let view: ClusterView = aloneInCluster;
  const blobs = createMemoryBlobStore();
  const shardHash = blobs.put(shardBytes);
  const defects: string[] = [];
  const onDefect = (error: unknown): void => {
    defects.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  const log = await openLoneRaftLog({ folder: '/log', disk: new SimulatedDisk(), onFatal: onDefect });
  const trainer = createLocalTrainer({ blobs, checkpoints: createCheckpointStore(blobs) });
  const runtime: CoordinatorRuntime = createCoordinatorRuntime({
    log,
    trainer,
    blobs,
    now: () => performance.now(),
    onFatal: onDefect,
    execute(effect) {
      admins.observe(effect);
      workers.execute(effect);
    },
  });
  const createToken = async (role: Role) => {
    const token = createTokenText();
    const tokenId = randomUUID();
    const command: Command = {
      kind: 'tokenCreated',
      tokenId,
      name: role,
      role,
      tokenHash: hashToken(token),
      atMs: 0,
    };
    await runtime.request(command);
    return { token, tokenId };
  };
  const workers = createWorkerGateway({
    clusterId: 'test',
    call: runtime.call,
    post: runtime.post,
    epoch: () => runtime.state.epoch ?? 0,
    cluster: () => view,
    tokens: () => runtime.state.replicated.tokens.values(),
    iceServers: [{ urls: ['turn:turn.test'], username: 'grid', credential: 'secret' }],
    job: (jobId) => runtime.state.replicated.jobs.get(jobId),
    ring: (jobId) => exchangeOf(runtime.state, jobId),
    snapshot: (jobId) => trainer.snapshot(jobId),
    delta: runtime.delta,
    onDefect,
  });
  const admins = createAdminGateway({
    clusterId: 'test',
    version: '0',
    cluster: () => view,
    clusterActions: createClusterOfOne({ id: 'main', clientUrl: () => 'http://here.test/', log }),
    state: () => runtime.state,
    nowMs: () => performance.now(),
    onTokenRevoked(tokenId) {
      workers.dropToken(tokenId);
      admins.dropToken(tokenId);
    },
    onDefect,
    actions: {
      submitJob: () => Promise.reject(new GradswarmError('badRequest', 'no compiler here')),
      exportJob: () => Promise.reject(new GradswarmError('badRequest', 'no exporter here')),
      async controlJob(jobId, action) {
        const state = { pause: 'paused', resume: 'running', cancel: 'cancelled' } as const;
        const command = { kind: 'jobStateChanged', reason: action, atMs: 0 } as const;
        await runtime.request({
          ...command,
          jobId: submission({}, jobId).jobId,
          state: state[action as keyof typeof state],
        });
      },
      changeStrategy: () => Promise.reject(new GradswarmError('badRequest', 'no strategies here')),
      putBlob(hash, bytes) {
        const isNew = !blobs.has(hash);
        blobs.put(bytes);
        return isNew;
      },
      registerDataset: () => Promise.reject(new GradswarmError('badRequest', 'no importer here')),
      createToken: (_name, role) => createToken(role),
      revokeToken: (tokenId) => runtime.request({ kind: 'tokenRevoked', tokenId, atMs: 0 }),
    },
  });
  const coordinatorUrls = (): readonly string[] => view.coordinatorUrls;
  const allowsOrigin = createOriginPolicy({ allowed: [], loopbackOnly: true, coordinatorUrls });
  const app = await buildApp({
    distFolder: '/nowhere',
    cluster: () => view,
    allowsOrigin,
    exportsFolder,
    authenticate: (token) => verifyToken(token, runtime.state.replicated.tokens.values()).role,
    jobs: () => publicJobs(runtime.state, performance.now()),
    isReady: () => runtime.state.epoch !== undefined,
    datasets: () => [...runtime.state.replicated.jobs.values()].map((job) => job.dataset),
    blobs,
    fetchIfMissing: runtime.blobs.fetchIfMissing,
  });
  const sockets = attachWebSockets(app.server, {
    admission: createAdmission(),
    allowsOrigin,
    gateways: { '/worker-socket': workers, '/admin-socket': admins },
  });
  await runtime.start();
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;

  const openLink = (path: string, headers: Record<string, string> = {}): Promise<Link> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/${path}`, { headers });
      socket.once('open', () => resolve(new WebSocketLink(socket)));
      socket.once('unexpected-response', (_request, response) => {
        reject(new Error(`HTTP ${response.statusCode}`));
        response.destroy();
      });
      socket.once('error', reject);
    });

  const open = async (path: string): Promise<RpcClient> =>
    createRpcClient(await openLink(path), { timers: systemTimers });

  return {
    url: `http://127.0.0.1:${port}`,
    runtime,
    defects,
    shardHash,
    seeCluster(next) {
      view = next;
    },
    leadershipLost: () => admins.leadershipLost(),
    createToken,
    async submit(overrides = {}) {
      const split = { shards: [{ hash: shardHash, count: 100, bytes: 400 }], count: 100 };
      const registered = { ...dataset, train: split };
      await runtime.request({ kind: 'datasetRegistered', dataset: registered, atMs: 0 });
      await runtime.request({
        ...submission(overrides),
        dataset: registered,
        tensors,
        manifestHash,
        initialParametersHash: blobs.put(bytesOf(initialParameters)),
      });
    },
    open,
    async signIn() {
      const client = await open('admin-socket');
      const { token } = await createToken('admin');
      await client.unary(adminService.method.signIn, { protocolVersion, token });
      return client;
    },
    openLink,
    async stop() {
      await sockets.close();
      await app.close();
      await runtime.stop();
    },
  };
}
