import { type ErrorCode, GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { EvaluatedUnit, QuantisedUnit, TrainedUnit } from '../compute/unit-runner.ts';
import { keepUpdate } from '../ring/keep-update.ts';
import type { Contribution } from './coordinator.ts';
import type { JobContext } from './job-context.ts';
import type { EncodedUpdate } from './job-encoder.ts';
import type { JobSync } from './job-sync.ts';
import type { HeldLease } from './lease.ts';
import type { HeldParameters } from './parameter-follower.ts';
import { actionOf, messageOf, WorkerFailure } from './refusal.ts';
import type { SessionState } from './session-state.ts';
import { createUploader } from './uploader.ts';

export type UnitResult =
  | { readonly kind: 'train'; readonly trained: TrainedUnit }
  /** With the codec `int8`. */
  | { readonly kind: 'quantised'; readonly quantised: QuantisedUnit }
  | { readonly kind: 'evaluate'; readonly evaluated: EvaluatedUnit };

export interface ComputedUnit {
  readonly lease: HeldLease;
  readonly job: JobContext;
  readonly held: HeldParameters;
  readonly result: UnitResult;
  readonly computeMs: number;
}

/** Where results leave the worker: checked, encoded, and sent while the next unit is computed. */
export interface ContributionDesk {
  /**
   * Resolves when the result is on its way, which may wait for an earlier upload.
   * @throws GradswarmError `notFinite` when the update cannot be encoded, `hashMismatch` when the parameters were wrong.
   */
  handIn(unit: ComputedUnit): Promise<void>;
  giveBack(lease: HeldLease): void;
  /** Resolves when nothing is on its way. */
  drain(): Promise<void>;
}

export interface ContributionDeskOptions {
  readonly state: SessionState;
  readonly sync: JobSync;
  /** A refusal after which the session cannot go on. */
  readonly onFatal: (error: unknown) => void;
}

/** What every honest worker meets: others were faster, or the job was paused meanwhile. */
const ordinaryRefusals: ReadonlySet<ErrorCode> = new Set([
  'duplicate',
  'wrongRound',
  'tooStale',
  'jobNotRunning',
]);

/** The payload may not have been sent to its end. */
const isCutShort = (code: ErrorCode): boolean => code === 'connectionLost' || code === 'cancelled';

/** Refusals that may come at the first frame, and what ends a call without an answer: how much was sent is unknown. */
const unmeasurable: ReadonlySet<ErrorCode> = new Set([
  'connectionLost',
  'cancelled',
  'unavailable',
  'rateLimited',
  'tooLarge',
  'notRegistered',
  'notLeader',
  'unknownJob',
]);

interface Verdicts {
  accepted(): void;
  refused(error: unknown, job: JobContext): void;
}

/** Counts what became of contributions, and does what a refusal asks for. */
function createVerdicts({ state, sync, onFatal }: ContributionDeskOptions): Verdicts {
  const { board } = state;
  let refusedValues = 0;
  return {
    accepted() {
      refusedValues = 0;
      board.update({ unitsAccepted: board.current.unitsAccepted + 1 });
    },
    refused(error, job) {
      const action = actionOf(error);
      const code = error instanceof GradswarmError ? error.code : 'internal';
      if (isCutShort(code)) return;
      board.update({ unitsRefused: board.current.unitsRefused + 1 });
      if (!ordinaryRefusals.has(code)) board.update({ lastError: messageOf(error) });
      refusedValues = code === 'notFinite' || code === 'normTooLarge' ? refusedValues + 1 : 0;
      if (refusedValues >= limits.unitFailuresMax) {
        onFatal(new WorkerFailure(`${refusedValues} updates in a row were refused: ${messageOf(error)}`));
      } else if (action === 'resync') {
        sync.resync(job).catch(onFatal);
      } else if (action !== 'goOn') {
        onFatal(error);
      }
    },
  };
}

export function createContributionDesk(options: ContributionDeskOptions): ContributionDesk {
  const { state, sync } = options;
  const { board, coordinator, engine, ports, rings, uplink } = state;
  const uploader = createUploader(limits.uploadsPerWorkerMax);
  const verdicts = createVerdicts(options);

  const send = async (
    unit: ComputedUnit,
    call: () => Promise<void>,
    settle: (isCounted: boolean) => void = () => {},
  ): Promise<void> => {
    await uploader.start(async () => {
      try {
        await call();
        settle(true);
        verdicts.accepted();
      } catch (error) {
        settle(false);
        verdicts.refused(error, unit.job);
      }
    });
  };

  /** Measures what the uplink reaches, also by uploads that came too late to count. */
  const contribute = async (contribution: Contribution): Promise<void> => {
    const end = uplink.begin(ports.timers.nowMs());
    let bytes = contribution.payload.length;
    try {
      await coordinator.contribute(contribution);
    } catch (error) {
      if (error instanceof GradswarmError && unmeasurable.has(error.code)) bytes = 0;
      throw error;
    } finally {
      end(bytes, ports.timers.nowMs());
    }
  };

  const encode = ({ lease, job, computeMs }: ComputedUnit, update: Float32Array): EncodedUpdate => {
    const pace = { computeMs, bytesPerSecond: uplink.bytesPerSecond() };
    return job.encoder.encode(update, lease.seed, lease.codec, pace);
  };

  const handInUpdate = async (
    unit: ComputedUnit,
    { payload, codec, settle }: EncodedUpdate,
    loss: number,
    timeoutMs: number,
  ) => {
    const { lease, job, computeMs, held } = unit;
    const isKept = rings !== undefined && lease.ringId !== 0;
    const updateBytes = isKept ? 0 : payload.length;
    const sent = { codec, updateBytes, updateValues: job.manifest.length };
    board.update(Number.isFinite(board.current.loss) ? sent : { ...sent, loss });
    const contribution = {
      lease,
      version: held.version,
      manifestHash: job.manifestHash,
      codec,
      length: job.manifest.length,
      loss,
      computeMs: Math.round(computeMs),
      uplinkBytesPerSecond: uplink.bytesPerSecond() ?? 0,
      engine,
      payload,
      timeoutMs,
    };
    const handOver = isKept
      ? () => keepUpdate(rings, contribution, job, coordinator.contribute)
      : () => contribute(contribution);
    await send(unit, handOver, settle);
  };

  const checkParameters = async ({ held, job }: ComputedUnit): Promise<void> => {
    if (await held.verified) return;
    await sync.resync(job);
    throw new GradswarmError(
      'hashMismatch',
      `The parameters of version ${held.version} did not have the hash that the coordinator gave.`,
    );
  };

  return {
    async handIn(unit) {
      const { lease, job, result } = unit;
      await checkParameters(unit);
      const timeoutMs = lease.deadlineAtMs - ports.timers.nowMs();
      if (timeoutMs <= 0) {
        verdicts.refused(new GradswarmError('leaseExpired', 'The unit took longer than its lease.'), job);
        return;
      }
      if (result.kind === 'evaluate') {
        const { lossSum, correct } = result.evaluated;
        await send(unit, () => coordinator.reportEvaluation({ lease, lossSum, correct, engine }));
        return;
      }
      if (result.kind === 'quantised') {
        const { payload, loss } = result.quantised;
        await handInUpdate(unit, { payload, codec: 'int8', settle: () => {} }, loss, timeoutMs);
        return;
      }
      const { update, loss } = result.trained;
      await handInUpdate(unit, encode(unit, update), loss, timeoutMs);
    },
    giveBack(lease) {
      coordinator.releaseLeases([lease.leaseId]).catch((error: unknown) => {
        // A lease that is not given back ends at its deadline.
        if (actionOf(error) !== 'goOn') board.update({ lastError: messageOf(error) });
      });
    },
    drain: () => uploader.drain(),
  };
}
