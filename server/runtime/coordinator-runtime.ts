import { randomBytes, randomUUID } from 'node:crypto';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { BlobHash, JobId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import { systemTimers } from '../../shared/system/system-timers.ts';
import type { Command } from '../core/commands.ts';
import { step } from '../core/coordinator.ts';
import { type CoordinatorState, createCoordinatorState } from '../core/coordinator-state.ts';
import type { CallRef, Effect, Event } from '../core/events.ts';
import { fromSnapshot, type Snapshot, toSnapshot } from '../core/snapshot.ts';
import type { ClusterConfiguration, NodeId } from '../raft/cluster-configuration.ts';
import { createBlobDriver } from './blobs/blob-driver.ts';
import { createPeerBlobs, type PeerBlobs } from './blobs/peer-blobs.ts';
import { type Answer, createCallTable } from './call-table.ts';
import { decodeCommand, encodeCommand } from './command-codec.ts';
import type { Edge } from './edge/edge.ts';
import { createEventLoop } from './event-loop.ts';
import { describeJob } from './job-actions.ts';
import { createLogDriver } from './log-driver.ts';
import type { Peers } from './peers.ts';
import type { BlobStore, ReplicatedLog, Trainer } from './ports.ts';
import { createTrainerDriver } from './trainer-driver.ts';

/** Effects that reach beyond log, trainer and waiting callers. */
export type OutwardEffect = Extract<
  Effect,
  { kind: 'publishUpdate' | 'tellRing' | 'disconnect' | 'jobChanged' | 'log' }
>;

export interface CoordinatorRuntime {
  /** For pure views only: it changes with the next event. */
  readonly state: CoordinatorState;
  post(event: Event): void;
  /** Posts the event with a fresh `CallRef`; rejects with a `GradswarmError` when the core refuses. */
  call(makeEvent: (call: CallRef) => Event): { readonly call: CallRef; readonly answer: Promise<Answer> };
  /** An admin's command: resolves when it is committed and applied. */
  request(command: Command): Promise<void>;
  /** The encoded delta that made `version`. */
  delta(jobId: JobId, version: number): Uint8Array | undefined;
  readonly eventsQueued: number;
  readonly blobs: CoordinatorBlobs;
  /** Shortens the log now: resolves with the last entry covered, and the size of the state. */
  takeSnapshot(): Promise<{ readonly index: number; readonly bytes: number }>;
  /** Resolves when the log's past is applied and this coordinator knows whether it leads; in a cluster, once one leads. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What the wiring joins to gateways, peers and pages. */
export interface CoordinatorBlobs {
  /**
   * For `PeerHandlers.storeBlob`.
   * @throws GradswarmError `staleEpoch`, `hashMismatch`, or `unavailable` when the disk is full.
   */
  storeForLeader(hash: BlobHash, bytes: Uint8Array, epoch: number): void;
  /** An admin stored this blob here for a command that will follow: it is kept, and brought to the others. */
  keep(hash: BlobHash): void;
  /** Resolves when the blob is here. @throws GradswarmError `notFound` or `unavailable`. */
  fetchIfMissing(hash: BlobHash): Promise<void>;
  /** Another coordinator can be reached again. */
  peersChanged(): void;
  /** Blobs that jobs and data sets name and that are not here yet: 0 on a coordinator that can stand in for any other. */
  readonly missing: number;
}

/** The other coordinators, where there are any. */
export interface ClusterAccess {
  readonly self: NodeId;
  configuration(): ClusterConfiguration;
  readonly peers: Pick<Peers, 'storeBlob' | 'fetchBlob'>;
}

export interface CoordinatorRuntimeDependencies {
  /** Absent for a coordinator that is alone. */
  readonly cluster?: ClusterAccess;
  readonly log: ReplicatedLog;
  readonly trainer: Trainer;
  readonly blobs: BlobStore;
  /** Followers that serve workers for the leader, where there are any. */
  readonly edge?: Pick<Edge, 'execute' | 'collect'>;
  execute(effect: OutwardEffect): void;
  now(): number;
  onFatal(error: unknown): void;
}

const tickIntervalMs = 250;

const alone = {
  self: 'alone',
  configuration: (): ClusterConfiguration => ({
    voters: ['alone'],
    outgoing: [],
    learners: [],
    learnersNext: [],
    addresses: {},
  }),
  peers: undefined,
};

const unreachable = (): never => {
  throw new Error('Invariant broken: a coordinator that is alone asks nobody');
};
const noPeers: PeerBlobs = { push: unreachable, fetch: unreachable };

/** Joins the pure core to log, trainer and callers. Effects are executed in the order in which the core lists them. */
export function createCoordinatorRuntime(dependencies: CoordinatorRuntimeDependencies): CoordinatorRuntime {
  const { log, trainer, blobs, edge, now, onFatal } = dependencies;
  const state = createCoordinatorState({ seed: randomBytes(4).readUInt32LE() });
  const calls = createCallTable();

  const execute = (effect: Effect): void => {
    if (calls.settle(effect) || edge?.execute(effect) === true) return;
    if (trainerDriver.execute(effect) || blobDriver.execute(effect)) return;
    switch (effect.kind) {
      case 'propose':
        blobDriver.propose(effect.command, effect.call);
        return;
      case 'fatal':
        onFatal(new Error(effect.message));
        return;
      case 'publishUpdate':
      case 'tellRing':
      case 'disconnect':
      case 'jobChanged':
      case 'log':
        dependencies.execute(effect);
        return;
    }
  };

  const encodeState = (): Uint8Array =>
    new TextEncoder().encode(JSON.stringify(toSnapshot(state.replicated)));
  const loop = createEventLoop({
    step: (event, nowMs) => step(state, event, nowMs),
    execute,
    afterStep(event) {
      blobDriver.followEpoch();
      if (event.kind === 'committed') logDriver.applied(event.index, encodeState);
    },
    now,
    onFatal,
  });
  const { post } = loop;
  const trainerDriver = createTrainerDriver({
    trainer,
    describe(jobId) {
      const job = state.replicated.jobs.get(jobId);
      if (job === undefined) throw new GradswarmError('unknownJob', `No job is called ${jobId}.`);
      return describeJob(job);
    },
    collect: async (effect) => edge?.collect(effect),
    post,
    onFatal,
  });
  const logDriver = createLogDriver({
    log,
    clientId: randomUUID(),
    encode: encodeCommand,
    decode: decodeCommand,
    restore: (snapshot) => fromSnapshot(JSON.parse(new TextDecoder().decode(snapshot)) as Snapshot),
    post,
    onFatal,
  });
  const { self, configuration, peers } = dependencies.cluster ?? alone;
  const blobDriver = createBlobDriver({
    self,
    configuration,
    state,
    blobs,
    peerBlobs: peers === undefined ? noPeers : createPeerBlobs(peers, blobs, onFatal),
    timers: systemTimers,
    toLog: logDriver.propose,
    post,
    log: dependencies.execute,
  });
  let ticks: NodeJS.Timeout | undefined;

  const call: CoordinatorRuntime['call'] = (makeEvent) => {
    const opened = calls.open();
    post(makeEvent(opened.call));
    return opened;
  };

  return {
    state,
    post,
    call,
    async request(command) {
      await call((ref) => ({ kind: 'commandRequested', call: ref, command })).answer;
    },
    delta: (jobId, version) => trainerDriver.delta(jobId, version),
    get eventsQueued() {
      return loop.queued;
    },
    blobs: {
      storeForLeader: blobDriver.storeForLeader,
      keep: (hash) => post({ kind: 'blobStored', epoch: state.epoch ?? 0, hash }),
      fetchIfMissing: blobDriver.fetchIfMissing,
      peersChanged: blobDriver.peersChanged,
      get missing() {
        return blobDriver.missing;
      },
    },
    async takeSnapshot() {
      const { appliedIndex: index } = state.replicated;
      const snapshot = encodeState();
      await logDriver.compact(index, snapshot);
      return { index, bytes: snapshot.length };
    },
    async start() {
      ticks = setInterval(() => post({ kind: 'tick' }), tickIntervalMs);
      await logDriver.start(() => {
        // A leader has proposed nothing in its epoch yet, so what is unnamed here waits for a command of one before.
        const { isLeader, epoch } = log.leadership();
        post({ kind: 'caughtUp', epoch: isLeader ? epoch - 1 : epoch, blobs: blobs.list() });
      });
    },
    async stop() {
      clearInterval(ticks);
      loop.stop();
      blobDriver.close();
      calls.refuseAll(new GradswarmError('unavailable', 'The coordinator is shutting down; try again soon.'));
      await Promise.race([
        Promise.all([logDriver.stop(), trainer.shutdown()]),
        new Promise((resolve) => setTimeout(resolve, limits.shutdownTimeoutMs).unref()),
      ]);
    },
  };
}
