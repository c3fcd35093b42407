import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Link } from '../../../shared/protocol/link.ts';
import { createRpcClient, type RpcClient } from '../../../shared/protocol/rpc-client.ts';
import type { JobProgress, RegisterResponse } from '../../../shared/protocol/services.ts';
import { errorOfClose } from '../../../shared/protocol/status.ts';
import type { ShardLoader } from '../data/shard-loader.ts';
import { createRingCalls } from '../ring/ring-calls.ts';
import { createRingDesk, type RingDesk } from '../ring/ring-desk.ts';
import { type ContributionDesk, createContributionDesk } from './contribution-desk.ts';
import { type Coordinator, createCoordinator } from './coordinator.ts';
import { createJobContext, type JobContext } from './job-context.ts';
import { createJobSync } from './job-sync.ts';
import type { ComputePorts, SessionPorts } from './ports.ts';
import { messageOf, WorkerFailure } from './refusal.ts';
import type { SessionState, WorkerState } from './session-state.ts';
import { createTextSampler } from './text-sampler.ts';
import { createUnitLoop, type UnitLoop } from './unit-loop.ts';
import { cancelled, delay, settledWithin } from './waiting.ts';

export interface SessionOptions {
  readonly worker: WorkerState;
  readonly compute: ComputePorts;
  readonly loader: ShardLoader;
  readonly link: Link;
  /** Of an earlier session, or empty. */
  readonly previousWorkerId: string;
  /** Told of all coordinators of the cluster, once this one has taken the worker in. */
  readonly onRegistered: (coordinators: readonly string[]) => void;
  /** Model kinds that passed the self-test on this engine; the session adds to it. */
  readonly testedKinds: Set<string>;
  readonly signal: AbortSignal;
}

/**
 * One connection from registration to its end. Leases are given back and uploads finished, within bounds, before it
 * ends by the signal. Never resolves.
 * @throws GradswarmError `cancelled` by the signal, `connectionLost`, or the refusal; WorkerFailure.
 */
export async function runSession(options: SessionOptions): Promise<never> {
  const { worker, link, signal } = options;
  const { ports, board, identity, engine, shelf } = worker;
  const client = createRpcClient(link, { checksum: ports.checksum, timers: ports.timers });
  const coordinator = createCoordinator(client);
  const scope = new AbortController();
  const ended = failure(client, signal, scope.signal);
  const running: Promise<unknown>[] = [];
  const aside: Promise<void>[] = [];
  let leave = async (): Promise<void> => {};
  try {
    const { previousWorkerId } = options;
    const offered = ringChannels(ports);
    const registered = await Promise.race([
      coordinator.register(identity, engine, previousWorkerId, offered),
      ended.promise,
    ]);
    shelf.useCluster(registered.clusterId);
    options.onRegistered(registered.coordinators);
    board.update({
      phase: 'waiting',
      phaseText: 'connected; waiting for work',
      workerId: registered.workerId,
      lastError: '',
    });
    const rings = openRings(worker, client, registered);
    if (rings !== undefined) aside.push(rings.run(scope.signal));
    const session = startSession(options, { ...worker, coordinator, rings }, ended.fail, scope.signal);
    leave = () => farewell(session, coordinator, worker);
    const { heartbeatIntervalMs } = registered;
    const beating = beat({ ...worker, coordinator, rings }, offered, heartbeatIntervalMs, scope.signal);
    running.push(session.loop.run(), beating);
    return (await Promise.race([...running, ended.promise])) as never;
  } finally {
    scope.abort();
    await leave();
    client.close('worker leaves');
    await Promise.allSettled([...running, ...aside]);
  }
}

/** Whoever takes part at all can be reached through the coordinator. */
function ringChannels({ ringTransports }: SessionPorts): readonly string[] {
  if (ringTransports === undefined) return [];
  return ['relay', ...ringTransports.filter(({ isAllowed }) => isAllowed).map(({ kind }) => kind)];
}

function openRings(
  { ports, board }: WorkerState,
  client: RpcClient,
  registered: RegisterResponse,
): RingDesk | undefined {
  const { ringTransports: transports, sha256, checksum, timers } = ports;
  if (transports === undefined) return undefined;
  const onTrouble = (error: unknown): void => board.update({ lastError: messageOf(error) });
  const calls = createRingCalls(client);
  const { workerId: self } = registered;
  const desk = createRingDesk({ calls, self, transports, sha256, checksum, timers, onTrouble });
  desk.useIceServers(registered.iceServers);
  return desk;
}

interface StartedSession {
  readonly loop: UnitLoop;
  readonly desk: ContributionDesk;
}

function startSession(
  options: SessionOptions,
  state: SessionState,
  onFatal: (error: unknown) => void,
  signal: AbortSignal,
): StartedSession {
  const { board, shelf } = state;
  const sync = createJobSync({
    coordinator: state.coordinator,
    shelf,
    signal,
    onProgress: (job, progress) => {
      if (job.jobId === board.current.jobId) board.update(progressStatus(progress));
    },
    onTrouble: (error) => {
      if (!signal.aborted) board.update({ lastError: messageOf(error) });
    },
  });
  const desk = createContributionDesk({ state, sync, onFatal });
  const sampler = createTextSampler({ identity: state.identity, board, timers: state.ports.timers });
  const openJob = (jobId: string): Promise<JobContext> => prepareJob(jobId, options, state, signal);
  const loop = createUnitLoop({ state, sync, desk, openJob, sampler, signal, onFatal });
  return { loop, desk };
}

async function prepareJob(
  jobId: string,
  options: SessionOptions,
  state: SessionState,
  signal: AbortSignal,
): Promise<JobContext> {
  const { board, engine, ports, shelf } = state;
  board.update({ phase: 'preparing', phaseText: `preparing for job ${jobId}` });
  const job = createJobContext(await state.coordinator.getJob(jobId, signal), {
    engine,
    compute: options.compute,
    loader: options.loader,
    sha256: ports.sha256,
    timers: ports.timers,
  });
  const { kind } = job.document.model;
  if (!options.testedKinds.has(kind)) {
    board.update({ phaseText: `checking that this device computes right for ${kind} models` });
    try {
      await options.compute.selfTest(engine, kind);
    } catch (error) {
      throw new WorkerFailure(messageOf(error));
    }
    options.testedKinds.add(kind);
  }
  shelf.add(job);
  return job;
}

/**
 * Heartbeats until the signal.
 * @param offered channels for rings that the coordinator knows of; others are told with the next heartbeat
 * @throws the refusal; an answer that does not come counts as a lost connection.
 */
async function beat(
  { coordinator, ports, rate, uplink, board, rings }: SessionState,
  offered: readonly string[],
  intervalMs: number,
  signal: AbortSignal,
): Promise<never> {
  let known = offered;
  for (;;) {
    await delay(ports.timers, intervalMs || limits.heartbeatIntervalMs, signal);
    const samplesPerSecond = rate.perSecond(ports.timers.nowMs());
    board.update({ samplesPerSecond });
    const sentAtMs = ports.timers.nowMs();
    const offers = ringChannels(ports);
    const isNews = offers.join() !== known.join();
    const iceServers = await coordinator.heartbeat(samplesPerSecond, isNews ? offers : undefined, signal);
    if (isNews) rings?.useIceServers(iceServers);
    known = offers;
    uplink.addRoundTrip(ports.timers.nowMs() - sentAtMs);
  }
}

async function farewell(
  { loop, desk }: StartedSession,
  coordinator: Coordinator,
  { ports }: WorkerState,
): Promise<void> {
  const leaseIds = loop.outstanding().map(({ leaseId }) => leaseId);
  const lastCalls = Promise.allSettled([coordinator.releaseLeases(leaseIds), desk.drain()]);
  await settledWithin(ports.timers, lastCalls, limits.farewellTimeoutMs);
}

/** A promise that rejects when the signal is aborted, the link closes, or `fail` is called; it never resolves. */
function failure(client: RpcClient, signal: AbortSignal, scope: AbortSignal) {
  const { promise, reject } = promiseWithReject();
  void client.closed.then(({ code, reason }) =>
    reject(
      errorOfClose(reason) ??
        new GradswarmError(
          'connectionLost',
          `The connection ended (code ${code}${reason ? `, ${reason}` : ''}).`,
        ),
    ),
  );
  if (signal.aborted) reject(cancelled());
  signal.addEventListener('abort', () => reject(cancelled()), { once: true, signal: scope });
  promise.catch(() => {});
  return { promise, fail: reject };
}

function promiseWithReject(): {
  readonly promise: Promise<never>;
  readonly reject: (error: unknown) => void;
} {
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise;
  });
  return { promise, reject };
}

function progressStatus(progress: JobProgress) {
  const { trainingLoss, testAccuracy } = progress;
  return {
    round: progress.round,
    jobWorkers: progress.workers,
    jobSamplesPerSecond: progress.samplesPerSecond,
    ...(Number.isFinite(trainingLoss) && { loss: trainingLoss }),
    ...(Number.isFinite(testAccuracy) && testAccuracy > 0 && { accuracy: testAccuracy }),
  };
}
