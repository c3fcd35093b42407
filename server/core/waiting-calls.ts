import type { JobId, WorkerId } from '../../shared/base/ids.ts';
import type { CallRef } from './events.ts';

/** A worker that asked for a unit and waits. */
export interface LeaseCall {
  readonly call: CallRef;
  readonly workerId: WorkerId;
  /** Only units of this job; any when absent. */
  readonly jobId: JobId | undefined;
  readonly isAnonymous: boolean;
  readonly untilMs: number;
  /** Order of arrival. */
  readonly sequence: number;
  /** Whether the worker has nothing to compute. */
  isIdle: boolean;
}

/**
 * Callers in order of arrival, sorted into lanes by what they may be given, so that the next caller for a job is found
 * without looking at the others. Workers with nothing to compute come before those that ask ahead.
 */
export interface WaitingCalls {
  readonly size: number;
  get(call: CallRef): LeaseCall | undefined;
  add(call: Omit<LeaseCall, 'sequence'>): LeaseCall;
  remove(call: LeaseCall): void;
  /** The worker has got its first unit, or has nothing left. */
  setIdle(call: LeaseCall, isIdle: boolean): void;
  next(jobId: JobId, allowsAnonymous: boolean, isIdle: boolean): LeaseCall | undefined;
  all(): IterableIterator<LeaseCall>;
}

type Lane = Map<CallRef, LeaseCall>;

export function createWaitingCalls(): WaitingCalls {
  const calls = new Map<CallRef, LeaseCall>();
  const lanes = new Map<string, Lane>();
  let sequence = 0;

  const enterLane = (call: LeaseCall): void => {
    const key = laneKey(call.jobId, call.isAnonymous, call.isIdle);
    const lane = lanes.get(key) ?? new Map<CallRef, LeaseCall>();
    lanes.set(key, lane.set(call.call, call));
  };
  const leaveLane = (call: LeaseCall): void => {
    const key = laneKey(call.jobId, call.isAnonymous, call.isIdle);
    const lane = lanes.get(key);
    lane?.delete(call.call);
    if (lane?.size === 0) lanes.delete(key);
  };

  return {
    get size() {
      return calls.size;
    },
    get: (call) => calls.get(call),
    add(call) {
      sequence += 1;
      const waiting = { ...call, sequence };
      calls.set(call.call, waiting);
      enterLane(waiting);
      return waiting;
    },
    remove(call) {
      leaveLane(call);
      calls.delete(call.call);
    },
    setIdle(call, isIdle) {
      if (call.isIdle === isIdle) return;
      leaveLane(call);
      call.isIdle = isIdle;
      enterLane(call);
    },
    next(jobId, allowsAnonymous, isIdle) {
      let first: LeaseCall | undefined;
      for (const isAnonymous of allowsAnonymous ? [false, true] : [false]) {
        for (const scope of [jobId, undefined]) {
          const head = lanes
            .get(laneKey(scope, isAnonymous, isIdle))
            ?.values()
            .next().value;
          if (head !== undefined && (first === undefined || head.sequence < first.sequence)) first = head;
        }
      }
      return first;
    },
    all: () => calls.values(),
  };
}

function laneKey(jobId: JobId | undefined, isAnonymous: boolean, isIdle: boolean): string {
  return `${jobId ?? '*'} ${isAnonymous ? 'anonymous' : 'known'} ${isIdle ? 'idle' : 'ahead'}`;
}
