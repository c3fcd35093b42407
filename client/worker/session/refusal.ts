import { type ErrorCode, errorTable, GradswarmError } from '../../../shared/base/errors.ts';

/**
 * `goOn`: take the next unit. `resync`: fetch the parameters first. `reconnect`: register again. `stop`: a person has
 * to act.
 */
export type RefusalAction = 'goOn' | 'resync' | 'reconnect' | 'stop';

/** Codes whose answer is not simply "go on if the same request may succeed later, else stop". */
const exceptions: Partial<Record<ErrorCode, RefusalAction>> = {
  wrongVersion: 'resync',
  hashMismatch: 'resync',
  notRegistered: 'reconnect',
  connectionLost: 'reconnect',
  unavailable: 'reconnect',
  rateLimited: 'reconnect',
  internal: 'reconnect',
  notLeader: 'reconnect',
  cancelled: 'goOn',
  unknownJob: 'goOn',
  /** A shard that is missing or malformed; several units in a row that fail by it are too many. */
  notFound: 'goOn',
  dataInvalid: 'goOn',
  /** Diverging training gives these to honest workers; several in a row are counted as failures. */
  notFinite: 'goOn',
  normTooLarge: 'goOn',
};

export function refusalAction(code: ErrorCode): RefusalAction {
  return exceptions[code] ?? (errorTable[code].retryable ? 'goOn' : 'stop');
}

/** The worker cannot go on, and trying again would not help; the message is for a person. */
export class WorkerFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WorkerFailure';
  }
}

/** Anything but an expected failure is a defect, which is shown and not repeated. */
export function actionOf(error: unknown): RefusalAction {
  return error instanceof GradswarmError ? refusalAction(error.code) : 'stop';
}

export function messageOf(error: unknown): string {
  if (error instanceof GradswarmError) {
    return error.message || errorTable[error.code].meaning;
  }
  return error instanceof Error ? error.message || error.name : String(error);
}
