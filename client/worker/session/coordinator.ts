import { limits } from '../../../shared/base/limits.ts';
import type { IceServer } from '../../../shared/protocol/ice-server.ts';
import type { RpcClient } from '../../../shared/protocol/rpc-client.ts';
import {
  type GetJobResponse,
  type ParameterUpdate,
  type RegisterResponse,
  workerService,
} from '../../../shared/protocol/services.ts';
import { protocolVersion } from '../../../shared/protocol/version.ts';
import type { Engine } from '../engine/engine.ts';
import { type HeldLease, holdLease } from './lease.ts';
import type { Snapshot } from './parameter-follower.ts';
import type { WorkerIdentity } from './ports.ts';

const calls = workerService.method;
const answerTimeoutMs = limits.workerTimeoutMs;

export interface Contribution {
  readonly lease: HeldLease;
  /** Of the parameters that it was computed from. */
  readonly version: number;
  readonly manifestHash: string;
  readonly codec: string;
  readonly length: number;
  readonly loss: number;
  readonly computeMs: number;
  /** What recent uploads reached; 0 before the first. */
  readonly uplinkBytesPerSecond: number;
  readonly engine: Engine;
  readonly payload: Uint8Array;
  /** Of one whose update the worker keeps, and its norm. */
  readonly ringId?: number;
  readonly norm?: number;
  /** An answer that comes later is of no use: the lease is over. */
  readonly timeoutMs: number;
}

export interface Evaluation {
  readonly lease: HeldLease;
  readonly lossSum: number;
  readonly correct: number;
  readonly engine: Engine;
}

export interface LeaseAnswer {
  readonly lease: HeldLease | undefined;
  /** Why there was none, in words. */
  readonly reason: string;
}

/** The coordinator as the session sees it: one method for each call of `WorkerService`, in the session's own terms. */
export interface Coordinator {
  /** @param ringChannels ways in which the worker can be a member of a ring. */
  register(
    identity: WorkerIdentity,
    engine: Engine,
    previousWorkerId: string,
    ringChannels: readonly string[],
  ): Promise<RegisterResponse>;
  /**
   * @param ringChannels undefined when they are those that were named before
   * @returns servers for channels between members, where they are named and need some
   */
  heartbeat(
    samplesPerSecond: number,
    ringChannels: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<readonly IceServer[]>;
  lease(jobId: string, nowMs: () => number, signal: AbortSignal): Promise<LeaseAnswer>;
  releaseLeases(leaseIds: readonly string[]): Promise<void>;
  getJob(jobId: string, signal: AbortSignal): Promise<GetJobResponse>;
  getParameters(jobId: string, bytes: number, signal: AbortSignal): Promise<Snapshot>;
  watchParameters(
    jobId: string,
    bytesMax: number,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly message: ParameterUpdate; readonly payload: Uint8Array }>;
  contribute(contribution: Contribution): Promise<void>;
  reportEvaluation(evaluation: Evaluation): Promise<void>;
}

/** Every method throws the refusal as a GradswarmError. */
export function createCoordinator(client: RpcClient): Coordinator {
  return {
    async register(identity, engine, previousWorkerId, ringChannels) {
      const { token, name, home } = identity;
      const { determinismClass, deviceInWords: device } = engine;
      const who = { token, name, home, determinismClass, device, previousWorkerId };
      const request = { protocolVersion, ...who, ringChannels: [...ringChannels] };
      return (await client.unary(calls.register, request, { timeoutMs: answerTimeoutMs })).message;
    },
    async heartbeat(samplesPerSecond, kinds, signal) {
      const named = kinds === undefined ? {} : { ringChannels: { kinds: [...kinds] } };
      const request = { samplesPerSecond, ...named };
      const options = { timeoutMs: answerTimeoutMs, signal };
      return (await client.unary(calls.heartbeat, request, options)).message.iceServers;
    },
    async lease(jobId, nowMs, signal) {
      const pollMs = limits.leasePollMs;
      const options = { timeoutMs: pollMs + answerTimeoutMs, signal };
      const { message } = await client.unary(calls.lease, { jobId, pollMs }, options);
      return { lease: message.lease && holdLease(message.lease, nowMs()), reason: message.reason };
    },
    async releaseLeases(leaseIds) {
      if (leaseIds.length === 0) return;
      await client.unary(
        calls.releaseLeases,
        { leaseIds: [...leaseIds] },
        { timeoutMs: limits.farewellTimeoutMs },
      );
    },
    async getJob(jobId, signal) {
      return (await client.unary(calls.getJob, { jobId }, { timeoutMs: answerTimeoutMs, signal })).message;
    },
    async getParameters(jobId, bytes, signal) {
      const options = { payloadBytesMax: bytes, timeoutMs: limits.leaseTimeoutMsMax, signal };
      const { message, payload } = await client.unary(calls.getParameters, { jobId }, options);
      return { version: message.version, parametersHash: message.parametersHash, payload };
    },
    watchParameters: (jobId, payloadBytesMax, signal) =>
      client.stream(calls.watchParameters, { jobId }, { payloadBytesMax, signal }),
    async contribute({ lease, engine, payload, timeoutMs, ...figures }) {
      const { leaseId, jobId, round, unit, epoch, sampleCount: samples } = lease;
      const { determinismClass } = engine;
      await client.unary(
        calls.contribute,
        { leaseId, jobId, round, unit, epoch, samples, determinismClass, ...figures },
        { payload, timeoutMs: timeoutMs + answerTimeoutMs },
      );
    },
    async reportEvaluation({ lease, engine, lossSum, correct }) {
      const { leaseId, jobId, unit, version, epoch, sampleCount: samples } = lease;
      const { determinismClass } = engine;
      await client.unary(
        calls.reportEvaluation,
        { leaseId, jobId, version, unit, epoch, samples, lossSum, correct, determinismClass },
        { timeoutMs: answerTimeoutMs },
      );
    },
  };
}
