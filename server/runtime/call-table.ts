import { assert } from '../../shared/base/assert.ts';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { CallRef, Effect } from '../core/events.ts';

/** The effects that end a call. */
export type Answer = Extract<
  Effect,
  { kind: 'answerRegistered' | 'answerLease' | 'answerAccepted' | 'answerCommitted' }
>;

export interface CallTable {
  /** A number for an event, and the promise of its answer. Rejects with a `GradswarmError` when the core refuses. */
  open(): { readonly call: CallRef; readonly answer: Promise<Answer> };
  /** True when `effect` was an answer or a refusal, and has been delivered. */
  settle(effect: Effect): boolean;
  /** Refuses everything that waits, and every later call; for shutdown. */
  refuseAll(error: GradswarmError): void;
  readonly waiting: number;
}

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: GradswarmError): void;
}

/** Joins the core's `CallRef`s to the promises that gateways wait on. Every call is answered exactly once. */
export function createCallTable(): CallTable {
  const calls = new Map<CallRef, Waiting>();
  let next: CallRef = 1;
  let ended: GradswarmError | undefined;

  const take = (call: CallRef): Waiting => {
    const waiting = calls.get(call);
    assert(waiting !== undefined, `call ${call} is answered once`);
    calls.delete(call);
    return waiting;
  };

  return {
    open() {
      const call = next++;
      const answer = new Promise<Answer>((resolve, reject) => {
        if (ended === undefined) calls.set(call, { resolve, reject });
        else reject(ended);
      });
      return { call, answer };
    },
    settle(effect) {
      switch (effect.kind) {
        case 'answerRegistered':
        case 'answerLease':
        case 'answerAccepted':
        case 'answerCommitted':
          take(effect.call).resolve(effect);
          return true;
        case 'refuse':
          take(effect.call).reject(new GradswarmError(effect.code, effect.message, effect.field));
          return true;
        default:
          return false;
      }
    },
    refuseAll(error) {
      ended = error;
      for (const { reject } of calls.values()) reject(error);
      calls.clear();
    },
    get waiting() {
      return calls.size;
    },
  };
}
