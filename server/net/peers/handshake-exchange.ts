import { GradswarmError, isErrorCode } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Link } from '../../../shared/protocol/link.ts';
import { errorOfClose } from '../../../shared/protocol/status.ts';
import {
  decodeStep,
  encodeStep,
  type Step,
  type StepCase,
  type StepInit,
  type StepOf,
} from './handshake-messages.ts';
import { malformed } from './wire-numbers.ts';

/** The steps of one handshake over a link that carries nothing else yet. */
export interface Exchange {
  /** The bytes as they were sent: proofs cover them. */
  send(step: StepInit): Uint8Array;
  /**
   * The next step, which must be this one.
   * @throws GradswarmError what the other side refuses with, `malformedFrame`, `connectionLost` or `unavailable`.
   */
  receive<Case extends StepCase>(
    expected: Case,
  ): Promise<{ readonly value: StepOf<Case>; readonly bytes: Uint8Array }>;
  /** The handshake is over, and the link free for whatever comes next. @throws GradswarmError as `receive`. */
  finish(): void;
  /** Stops the clock of a handshake that failed. */
  abandon(): void;
}

/** Whoever sends more steps than were asked for is no coordinator. */
const waitingMax = 1;

export function createExchange(link: Link, timeoutMs: number = limits.peerHandshakeTimeoutMs): Exchange {
  const waiting: Uint8Array[] = [];
  let failure: GradswarmError | undefined;
  let wake = (): void => {};
  const fail = (error: GradswarmError): void => {
    failure ??= error;
    wake();
  };
  const timer = setTimeout(() => {
    fail(new GradswarmError('unavailable', `the handshake took longer than ${timeoutMs} ms`));
  }, timeoutMs);
  link.onMessage = (bytes) => {
    if (waiting.length >= waitingMax) fail(malformed('a step of the handshake came too early'));
    else waiting.push(bytes);
    wake();
  };
  link.onClose = (code, reason) => {
    const told = errorOfClose(reason);
    fail(
      told ??
        new GradswarmError('connectionLost', `the connection ended in the handshake (${code} ${reason})`),
    );
  };

  const next = async (): Promise<Uint8Array> => {
    for (;;) {
      // What came before the end is read first: it says why.
      const bytes = waiting.shift();
      if (bytes) return bytes;
      if (failure) throw failure;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };

  return {
    send(step) {
      const bytes = encodeStep(step);
      link.send(bytes);
      return bytes;
    },
    async receive<Case extends StepCase>(expected: Case) {
      const bytes = await next();
      const step = decodeStep(bytes);
      if (step.case === 'refusal') throw refusalOf(step.value);
      if (step.case !== expected) throw malformed(`${step.case ?? 'nothing'} came in place of ${expected}`);
      return { value: step.value as StepOf<Case>, bytes };
    },
    finish() {
      clearTimeout(timer);
      if (failure) throw failure;
      if (waiting.length > 0) throw malformed('a frame came before the handshake was over');
      link.onMessage = undefined;
      link.onClose = undefined;
    },
    abandon: () => clearTimeout(timer),
  };
}

function refusalOf({ code, message }: Extract<Step, { readonly case: 'refusal' }>['value']): GradswarmError {
  return new GradswarmError(isErrorCode(code) ? code : 'internal', message || 'it gave no reason');
}
