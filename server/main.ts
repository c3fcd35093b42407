import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import type { ClusterView } from '../shared/base/cluster-view.ts';
import { GradswarmError } from '../shared/base/errors.ts';
import type { JobId } from '../shared/base/ids.ts';
import { limits } from '../shared/base/limits.ts';
import { parseIceServer } from '../shared/protocol/ice-server.ts';
import { createPayloadBudget } from '../shared/protocol/payload-in.ts';
import { createAdminActions } from './admin-actions.ts';
import { openEtcdConsensus } from './cluster/etcd-consensus.ts';
import { openFolder } from './cluster/open-folder.ts';
import { openRaftConsensus } from './cluster/raft-consensus.ts';
import type { TokenRecord } from './core/replicated-state.ts';
import { exchangeOf } from './core/ring/ring-view.ts';
import { type JobStatusView, jobStatus, publicJobs } from './core/views.ts';
import { type AppDeps, buildApp } from './http/app.ts';
import type { Configuration } from './http/configuration-schema.ts';
import { loadTls, selfSignedTls, type TlsIdentity } from './http/tls.ts';
import { createLogger } from './logger.ts';
import { createAdminGateway } from './net/admin-gateway.ts';
import type { AdminActions } from './net/admin-ports.ts';
import { createAdmission } from './net/admission.ts';
import { createOriginPolicy } from './net/origin-policy.ts';
import { verifyToken } from './net/tokens.ts';
import { attachWebSockets } from './net/websocket-server.ts';
import { createWorkerGateway } from './net/worker-gateway.ts';
import { type CoordinatorRuntime, createCoordinatorRuntime } from './runtime/coordinator-runtime.ts';
import { createEdge } from './runtime/edge/edge.ts';
import { createJobActions } from './runtime/job-actions.ts';
import type { ModelCompiler } from './runtime/ports.ts';
import { loadAggregators } from './runtime/trainer/custom-aggregators.ts';
import { spawnTrainer } from './runtime/trainer/spawn-trainer.ts';
import { createSteadyClock } from './steady-clock.ts';
import { openBlobStore } from './storage/blob-store.ts';
import { createCheckpointStore } from './storage/checkpoint-store.ts';
import type { DataFolder } from './storage/data-folder.ts';
import { nodeDisk } from './storage/disk/node-disk.ts';
import { createModelExporter } from './storage/model-exporter.ts';
import { productVersion } from './version.ts';

/** A running coordinator, for the process that started it. */
export interface Coordinator {
  /** Where contributors go, with a trailing slash. */
  readonly url: string;
  /** SHA-256 of the certificate, under TLS. */
  readonly fingerprint: string | undefined;
  /** PEM file of the certificate, under TLS. */
  readonly certificateFile: string | undefined;
  readonly actions: AdminActions;
  cluster(): ClusterView;
  jobStatus(jobId: JobId): JobStatusView | undefined;
  hasDataset(name: string): boolean;
  /** Oldest first. */
  tokens(): readonly TokenRecord[];
  stop(): Promise<void>;
}

export interface CoordinatorOptions {
  readonly configuration: Configuration;
  readonly compiler: ModelCompiler;
  /** Where `vite build` wrote the pages. */
  readonly distFolder: string;
}

/** What was opened, in the order of opening: closed from the end, so that nothing loses what it stands on. */
type Closings = (() => Promise<void> | void)[];

async function closeAll(closings: Closings): Promise<void> {
  for (let close = closings.pop(); close; close = closings.pop()) await close();
}

/** @throws GradswarmError `dataFolderLocked`, `dataFolderVersion`, `corrupted`, `portInUse` or `badRequest`. */
export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const folder = await openFolder(options.configuration);
  const closings: Closings = [() => folder.close()];
  try {
    return await startIn(folder, options, closings);
  } catch (error) {
    // The trainer's thread alone would keep the process alive.
    await closeAll(closings);
    throw error;
  }
}

async function startIn(
  folder: DataFolder,
  { configuration, compiler, distFolder }: CoordinatorOptions,
  closings: Closings,
): Promise<Coordinator> {
  const logger = createLogger(configuration.logLevel);
  const onFatal = (error: unknown): never => {
    // After a broken invariant or a failed fsync nothing in memory can be trusted: the log has all that was committed.
    logger.fatal(
      { err: error },
      'the coordinator ends; start it again to go on from the last committed round',
    );
    logger.flush();
    process.exit(1);
  };
  const onDefect = (err: unknown, method: string): void =>
    logger.error({ err, method }, 'a call failed unexpectedly');

  const now = createSteadyClock();
  const blobs = openBlobStore(folder.blobFolder);
  // The trainer loads them for itself; here they are checked, and jobs against what they need.
  const aggregators = await loadAggregators(configuration.aggregators);
  const { clusterId } = folder;
  const openConsensus = configuration.consensus === 'etcd' ? openEtcdConsensus : openRaftConsensus;
  const consensus = await openConsensus(configuration, folder, {
    onFatal,
    onDefect,
    report: (level, message) => logger[level](message),
  });
  closings.push(() => consensus.disconnect());
  const trainer = spawnTrainer(
    new URL('./trainer-main.ts', import.meta.url),
    { blobFolder: folder.blobFolder, aggregators: configuration.aggregators },
    { onFatal },
  );

  const runtime: CoordinatorRuntime = createCoordinatorRuntime({
    log: consensus.log,
    cluster: consensus.access,
    trainer,
    blobs,
    edge: { execute: (effect) => edge.execute(effect), collect: (effect) => edge.collect(effect) },
    now,
    onFatal,
    execute(effect) {
      if (effect.kind === 'log') logger[effect.level](effect.fields, effect.message);
      else workerGateway.execute(effect);
      adminGateway.observe(effect);
    },
  });
  closings.push(() => runtime.stop());
  const { state } = runtime;
  const edge = createEdge({
    self: consensus.access.self,
    state,
    trainer,
    peers: consensus.relays,
    leader: () => (configuration.edge ? consensus.leader() : undefined),
    call: runtime.call,
    post: runtime.post,
    onEnded: (error) => workerGateway.dropAll(error),
    onDisconnect: (effect) => workerGateway.execute(effect),
    onFatal,
  });
  closings.push(() => edge.close());
  const jobActions = createJobActions({
    replicated: () => state.replicated,
    request: runtime.request,
    blobs,
    stores: { blobs, checkpoints: createCheckpointStore(blobs) },
    trainer,
    compiler,
    exporter: createModelExporter(nodeDisk, folder.exportFolder),
    aggregators,
    now,
  });
  const actions = createAdminActions(jobActions, runtime, blobs, now);
  const tokens = (): Iterable<TokenRecord> => state.replicated.tokens.values();
  const cluster = (): ClusterView => consensus.view(state.epoch !== undefined);
  const budget = createPayloadBudget(limits.pendingPayloadBytesMax);
  const workerGateway = createWorkerGateway({
    clusterId,
    call: runtime.call,
    post: runtime.post,
    epoch: () => state.epoch ?? 0,
    cluster,
    tokens,
    iceServers: configuration.iceServers.flatMap((text) => parseIceServer(text) ?? []),
    job: (jobId) => state.replicated.jobs.get(jobId),
    ring: (jobId) => exchangeOf(state, jobId),
    snapshot: (jobId) => trainer.snapshot(jobId),
    delta: runtime.delta,
    edge: edge.core,
    onDefect,
    checksum: crc32,
    budget,
  });
  const adminGateway = createAdminGateway({
    clusterId,
    version: productVersion,
    actions,
    clusterActions: consensus.actions(() => runtime.takeSnapshot()),
    cluster,
    state: () => state,
    nowMs: now,
    onTokenRevoked(tokenId) {
      workerGateway.dropToken(tokenId);
      edge.dropToken(tokenId);
      adminGateway.dropToken(tokenId);
    },
    onDefect,
    checksum: crc32,
    budget,
  });

  const allowsOrigin = createOriginPolicy({
    allowed: configuration.allowedOrigins,
    loopbackOnly: isLoopback(configuration.host),
    coordinatorUrls: () => cluster().coordinatorUrls,
  });
  const tls = await readTls(configuration);
  let isReady = false;
  let stopped: Promise<void> | undefined;
  const app = await buildApp({
    distFolder,
    jobs: () => publicJobs(state, now()),
    cluster,
    allowsOrigin,
    isReady: () => isReady,
    datasets: () => servedDatasets(runtime),
    blobs,
    fetchIfMissing: runtime.blobs.fetchIfMissing,
    exportsFolder: folder.exportFolder,
    authenticate: (token) => verifyToken(token, tokens()).role,
    trustProxy: configuration.trustProxy,
    ...(tls === undefined ? {} : { tls }),
  } satisfies AppDeps);
  closings.push(() => app.close());
  const sockets = attachWebSockets(app.server, {
    trustProxy: configuration.trustProxy,
    admission: createAdmission(),
    allowsOrigin,
    gateways: { '/worker-socket': workerGateway, '/admin-socket': adminGateway },
  });

  closings.push(() => sockets.close());
  let led = false;
  consensus.log.onLeadership(({ isLeader }) => {
    // Who watches a job here would hear no more of it; elsewhere the leader tells.
    if (led && !isLeader) {
      adminGateway.leadershipLost();
      edge.leadershipLost();
    }
    led = isLeader;
  });

  const url = await listen(app, configuration, tls !== undefined);
  await consensus.connect({
    clientUrl: configuration.advertise === '' ? url : configuration.advertise,
    handlers: {
      storeBlob: runtime.blobs.storeForLeader,
      readBlob: (hash) => blobs.get(hash),
      onPeerChanged: ({ isConnected }) => isConnected && runtime.blobs.peersChanged(),
      relays: edge.handlers,
    },
  });
  const started = runtime.start().then(() => {
    isReady = true;
    logger.info({ url, clusterId, version: productVersion }, 'serving');
  });
  // A cluster may have no leader for a while, and its coordinators say so to whoever asks.
  if (consensus.isAlone()) await started;
  else started.catch(onFatal);

  return {
    url,
    fingerprint: tls?.fingerprint,
    certificateFile: tls?.certFile,
    actions,
    cluster,
    jobStatus(jobId) {
      const job = state.replicated.jobs.get(jobId);
      return job === undefined ? undefined : jobStatus(state, job, now());
    },
    hasDataset: (name) => state.replicated.datasets.has(name),
    tokens: () => [...tokens()],
    stop() {
      isReady = false;
      stopped ??= closeAll(closings);
      return stopped;
    },
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** Data sets by name, and those that jobs took along and that were replaced since. */
function* servedDatasets({ state }: CoordinatorRuntime) {
  yield* state.replicated.datasets.values();
  for (const { dataset } of state.replicated.jobs.values()) yield dataset;
}

async function readTls({ tls, tlsCert, tlsKey, data }: Configuration): Promise<TlsIdentity | undefined> {
  if (tlsCert !== '') return loadTls(tlsCert, tlsKey);
  return tls === 'self-signed' ? selfSignedTls(join(data, 'tls')) : undefined;
}

async function listen(
  app: FastifyInstance,
  { host, port }: Configuration,
  isSecure: boolean,
): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      const remedy = 'end that program, or choose another port with --port (0 takes a free one)';
      throw new GradswarmError(
        'portInUse',
        `another program listens on ${host}:${port}; ${remedy}`,
        '--port',
      );
    }
    throw new GradswarmError('badRequest', `cannot listen on ${host}:${port}: ${message}`, '--host');
  }
  const { address, port: actual, family } = app.server.address() as AddressInfo;
  const isAny = address === '0.0.0.0' || address === '::';
  const name = isAny ? ownAddress() : family === 'IPv6' ? `[${address}]` : address;
  return `${isSecure ? 'https' : 'http'}://${name}:${actual}/`;
}

/** An address that other machines can use, where there is one. */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? 'localhost';
}
