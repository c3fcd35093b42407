import { randomBytes, randomUUID } from 'node:crypto';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { JobId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import type { Command } from '../core/commands.ts';
import { step } from '../core/coordinator.ts';
import { type CoordinatorState, createCoordinatorState } from '../core/coordinator-state.ts';
import type { CallRef, Effect, Event } from '../core/events.ts';
import { fromSnapshot, type Snapshot, toSnapshot } from '../core/snapshot.ts';
import { type Answer, createCallTable } from './call-table.ts';
import { decodeCommand, encodeCommand } from './command-codec.ts';
import { createEventLoop } from './event-loop.ts';
import { describeJob } from './job-actions.ts';
import { createLogDriver } from './log-driver.ts';
import type { BlobStore, ReplicatedLog, Trainer } from './ports.ts';
import { createTrainerDriver } from './trainer-driver.ts';

/** Effects that reach beyond log, trainer and waiting callers. */
export type OutwardEffect = Extract<Effect, { kind: 'publishUpdate' | 'disconnect' | 'jobChanged' | 'log' }>;

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
  /** Resolves when the log's past is applied and this coordinator knows whether it leads. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface CoordinatorRuntimeDependencies {
  readonly log: ReplicatedLog;
  readonly trainer: Trainer;
  readonly blobs: BlobStore;
  execute(effect: OutwardEffect): void;
  now(): number;
  onFatal(error: unknown): void;
}

const tickIntervalMs = 250;

/** Joins the pure core to log, trainer and callers. Effects are executed in the order in which the core lists them. */
export function createCoordinatorRuntime(dependencies: CoordinatorRuntimeDependencies): CoordinatorRuntime {
  const { log, trainer, blobs, now, onFatal } = dependencies;
  const state = createCoordinatorState({ seed: randomBytes(4).readUInt32LE() });
  const calls = createCallTable();

  const execute = (effect: Effect): void => {
    if (calls.settle(effect) || trainerDriver.execute(effect)) return;
    switch (effect.kind) {
      case 'propose':
        logDriver.propose(effect.command, effect.call);
        return;
      case 'removeBlobs':
        for (const hash of effect.hashes) blobs.delete(hash);
        return;
      case 'publishUpdate':
      case 'disconnect':
      case 'jobChanged':
      case 'log':
        dependencies.execute(effect);
        return;
    }
  };

  const takeSnapshot = (): Uint8Array =>
    new TextEncoder().encode(JSON.stringify(toSnapshot(state.replicated)));
  const loop = createEventLoop({
    step: (event, nowMs) => step(state, event, nowMs),
    execute,
    afterStep(event) {
      if (event.kind === 'committed') logDriver.applied(event.index, takeSnapshot);
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
    post,
    onFatal,
  });
  const logDriver = createLogDriver({
    log,
    clientId: randomUUID(),
    encode: encodeCommand,
    decode: decodeCommand,
    restore(snapshot) {
      state.replicated = fromSnapshot(JSON.parse(new TextDecoder().decode(snapshot)) as Snapshot);
    },
    post,
    onFatal,
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
    async start() {
      await logDriver.start();
      ticks = setInterval(() => post({ kind: 'tick' }), tickIntervalMs);
    },
    async stop() {
      clearInterval(ticks);
      loop.stop();
      calls.refuseAll(new GradswarmError('unavailable', 'The coordinator is shutting down; try again soon.'));
      await Promise.race([
        Promise.all([logDriver.stop(), trainer.shutdown()]),
        new Promise((resolve) => setTimeout(resolve, limits.shutdownTimeoutMs).unref()),
      ]);
    },
  };
}
